"""Tiny folders of the published layouts, made once for all tests of this folder; see tiny_folders.py."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """tiny("sd35") -> the folder that make_sd35_folder fills, made when it is first asked for."""
    for library, extra in (("transformers", "frozen"), ("diffusers", "sd")):
        pytest.importorskip(library, reason=f"{library} is not installed: pip install 'leapsr[{extra}]'")
    from tests.frozen import tiny_folders

    root = tmp_path_factory.mktemp("tiny")

    def folder(name: str) -> Path:
        place: Path = root / name
        if not place.exists():
            getattr(tiny_folders, f"make_{name}_folder")(place)
        return place

    return folder
