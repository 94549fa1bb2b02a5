"""Imports point downwards only; the order below is the architecture."""

import ast
from pathlib import Path

import pytest

# Lowest first. `hub` has two floors: where files lie is below what reads them.
LAYERS = [
    "errors",
    "plugins",
    "memory",
    "devices",
    "files",
    "locks",
    "ops",
    "flow",
    "degrade",
    "pictures",
    "networks",
    "spandrel",
]
LAYERS += [
    "hub.catalog",
    "hub.repositories",
    "hub.cards",
    "frozen",
    "methods",
    "hub.published",
    "hub.releases",
    "hub.download",
]
LAYERS += ["restorer", "hub.convert", "data", "metrics", "upscaling", "evaluation", "export", "api", "train"]
LAYERS += ["experiments", "study", "batch", "cluster", "serve", "cli"]
ROOT = Path(__file__).parent.parent / "leapsr"
FILES = sorted(ROOT.rglob("*.py"))


def modules_named(file: Path) -> set[str]:
    """Every module that `file` imports, lazily or not, as an absolute name."""
    package = ["leapsr", *file.relative_to(ROOT).parent.parts]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).rstrip(".")
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def layer_named(module: str) -> str | None:
    """The layer of "hub.catalog.find" is "hub.catalog"; None of a package that is no layer itself."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in LAYERS), None)


def layers_imported(file: Path) -> set[str]:
    names = (name.removeprefix("leapsr.") for name in modules_named(file) if name.startswith("leapsr."))
    return {layer for name in names if (layer := layer_named(name)) is not None}


def layer_of(file: Path) -> str | None:
    return layer_named(".".join(file.relative_to(ROOT).with_suffix("").parts))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_downwards(file):
    layer = layer_of(file)
    if layer is not None:
        assert not layers_imported(file) & set(LAYERS[LAYERS.index(layer) + 1 :])


def test_every_file_has_a_layer():
    outside = {str(file.relative_to(ROOT)) for file in FILES if layer_of(file) is None}
    assert outside == {"__init__.py", "__main__.py", "hub/__init__.py"}


@pytest.mark.parametrize("file", [*ROOT.glob("methods/*.py")], ids=lambda file: file.stem)
def test_methods_do_not_know_each_other(file):
    siblings = {path.stem for path in ROOT.glob("methods/*.py")} - {"__init__", "base", "restore", file.stem}
    if file.stem != "__init__":
        assert not {name for name in modules_named(file) if name.removeprefix("leapsr.methods.") in siblings}


def test_training_does_not_know_upscaling():
    assert not any({"upscaling", "batch"} & layers_imported(file) for file in ROOT.glob("train/**/*.py"))
