"""What an error message tells the user to install can be installed."""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def named() -> dict[str, list[str]]:
    """The extras of every optional(module, extra) in the package, with the files that name them."""
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "leapsr").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "optional":
                extra = node.args[1]
                assert isinstance(extra, ast.Constant), f"{file}: write the extra's name out"
                found.setdefault(extra.value, []).append(file.name)
    return found


def test_every_extra_that_is_named_exists():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {"frozen", "train"} <= named().keys()
    assert named().keys() <= extras.keys()
