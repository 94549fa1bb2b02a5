"""Imports point downwards only; the order below is the architecture."""

import ast
from pathlib import Path

import pytest

# Lowest first; those not written yet are simply not on disk.
LAYERS = ["errors", "ops", "flow", "degrade", "networks", "frozen", "methods", "catalog", "restorer"]
LAYERS += ["published", "convert", "download", "data", "metrics", "upscale", "train", "export", "batch"]
LAYERS += ["study", "web", "cli"]
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


def layers_imported(file: Path) -> set[str]:
    return {name.split(".")[1] for name in modules_named(file) if name.startswith("leapsr.")} & set(LAYERS)


def layer_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_downwards(file):
    layer = layer_of(file)
    if layer in LAYERS:
        assert not layers_imported(file) & set(LAYERS[LAYERS.index(layer) + 1 :])


def test_every_file_has_a_layer():
    outside = {layer_of(file) for file in FILES} - set(LAYERS)
    assert outside <= {"__init__", "__main__"}


@pytest.mark.parametrize("file", [*ROOT.glob("methods/*.py")], ids=lambda file: file.stem)
def test_methods_do_not_know_each_other(file):
    siblings = {path.stem for path in ROOT.glob("methods/*.py")} - {"__init__", "base", "restore", file.stem}
    if file.stem != "__init__":
        assert not {name for name in modules_named(file) if name.removeprefix("leapsr.methods.") in siblings}


def test_training_does_not_know_upscaling():
    assert not any("upscale" in layers_imported(file) for file in ROOT.glob("train/*.py"))
