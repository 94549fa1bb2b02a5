import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leapsr.batch import existing
from leapsr.hub import catalog

Leapsr = Callable[..., tuple[int, str, str]]


@pytest.fixture
def leapsr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tiny_model: Path, tmp_path: Path
) -> Leapsr:
    """Run the command in `tmp_path` with the tiny model as its default: (exit code, stdout, stderr)."""
    from leapsr.cli.main import main

    monkeypatch.setattr(catalog, "PACKAGED", tiny_model.parent)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["leapsr", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        written = capsys.readouterr()
        return int(stopped.value.code or 0), written.out, written.err

    return run


def names(folder: str | Path = ".") -> list[str]:
    """Every file below a folder, as paths in it, but for the manifests of results."""
    files = (path for path in Path(folder).rglob("*") if path.is_file() and path.name != existing.NAME)
    return sorted(str(path.relative_to(folder)) for path in files)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """As processes have that are started here: sums in another order are other roundings."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
