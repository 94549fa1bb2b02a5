"""Every kind of file in the table of docs/photos.md: its pixels are those that went in, or others read."""

import importlib.util
import sys

import pytest

from tests.conftest import REPOSITORY

for needed in ("imagecodecs", "tifffile", "pillow_heif", "pillow_jxl", "pyvips"):
    pytest.importorskip(needed, reason=f"the table of kinds of files needs {needed}")

SPECIFICATION = importlib.util.spec_from_file_location("formats", REPOSITORY / "benchmarks" / "formats.py")
assert SPECIFICATION is not None
assert SPECIFICATION.loader is not None
formats = importlib.util.module_from_spec(SPECIFICATION)
sys.modules["formats"] = formats
SPECIFICATION.loader.exec_module(formats)

FILES = formats.files()
TEXT = formats.DOCUMENT.read_text(encoding="utf-8")
ROWS = TEXT.partition(formats.BEGIN)[2].partition(formats.END)[0].strip().splitlines()[2:]
BY_NOBODY = {
    "CMYK": "without a profile each program has colours of its own",
    "cICP, P3": "libvips does not know cICP; tests/pictures/test_colour_tags.py has the formulas",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("index", range(len(FILES)), ids=lambda index: "-".join(FILES[index].kind))
def test_what_the_table_says_is_so(index, tmp_path):
    file, row = FILES[index], [cell.strip() for cell in ROWS[index].strip("|").split(" | ")]
    assert row[:7] == [str(cell) for cell in file.kind]
    picture = formats.read(file, tmp_path)
    assert row[7] == formats.outcome(file, picture)
    if isinstance(picture, str):
        return
    found = formats.others_agree(file, picture)
    for reader in row[8].split(", "):
        if reader in found:  # ImageMagick is not on every computer
            assert found[reader] <= file.close
    if not found or min(found.values()) > file.close:
        assert any(kind in (*file.kind, file.kind.photometric.partition(" + ")[0]) for kind in BY_NOBODY)


def test_the_table_is_whole():
    assert len(ROWS) == len(FILES)
