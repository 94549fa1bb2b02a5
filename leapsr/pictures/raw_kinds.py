"""Which files are RAW photos of cameras; `raw` develops them."""

import importlib.util
from pathlib import Path

from . import tiff_pages, unsupported

HINT = ", or pip install 'leapsr[raw]'"
"""For those who would rather not develop them."""

_HEADS = (b"FUJIFILMCCD-RAW", b"II\x1a\0\0\0HEAPCCDR", b"FOVb", b"\0MRM")
"""RAF, CRW, X3F and MRW."""
_CR3 = b"ftypcrx "
_TIFF = {b"II": b"II*\0", b"MM": b"MM\0*"}
_LIKE_TIFF = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
"""ORF and RW2: TIFFs with a number of their own in the place of 42."""


def is_available() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("rawpy") is not None


def matches(data: bytes, name: str) -> bool:
    """Whether it is a RAW photo: by its first bytes, by what its directories hold, or, as a TIFF may be only
    the preview in one, by its suffix.
    """
    if data.startswith((*_HEADS, *_LIKE_TIFF)) or data[4:12] == _CR3 or tiff_pages.is_raw(data):
        return True
    return data.startswith(tuple(_TIFF.values())) and unsupported.is_raw(Path(name))


def as_tiff(data: bytes) -> bytes:
    """The file with the header of a TIFF where it is one otherwise."""
    return _TIFF[data[:2]] + data[4:] if data.startswith(_LIKE_TIFF) else data
