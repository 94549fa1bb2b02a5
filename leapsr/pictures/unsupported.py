"""File formats that leapsr does not read, and what to do with such files instead. RAW photos of cameras are
among them, as they are read with an extra only.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_ADDRESS = re.compile(r"(https?|ftp|s3|gs|file|data):", re.IGNORECASE)

_NAMED = 3
"""Files that a sentence names."""


@dataclass(frozen=True)
class Kind:
    """A format, and advice that ends a sentence about several files of it."""

    name: str
    advice: str


_CONVERT = "convert them to PNG or TIFF first"
RAW = Kind("RAW", "develop them first")
_SUFFIXES = {
    RAW: ".3fr .ari .arw .bay .cap .cr2 .cr3 .crw .dcr .dcs .dng .erf .fff"
    " .gpr .iiq .k25 .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f",
    Kind("JPEG 2000", _CONVERT): ".jhc .jph .jpm",
    Kind("JPEG XR", _CONVERT): ".hdp .jxr .wdp",
    Kind("layered", "save them flat, as PNG or TIFF, first"): ".afphoto .clip .kra .ora .psb .psd .xcf",
    Kind("TGA", _CONVERT): ".icb .tga .vda .vst",
    Kind("HDR", "tone-map them first"): ".exr .hdr .pfm",
    Kind("Netpbm", _CONVERT): ".pam .pbm .pgm .pnm .ppm",
    Kind("vector", "draw them at the size you need instead"): ".ai .cdr .emf .eps .svg .svgz .wmf",
    Kind("other picture", _CONVERT): ".bpg .cin .dcm .dds .djvu .dpx .fits .flif .icns .ico .iff .pcx .pict"
    " .qoi .ras .rgb .sgi .xbm .xpm",
}
_KINDS = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}


def kind_of(path: Path) -> Kind | None:
    """By the suffix; None for all other files."""
    return _KINDS.get(path.suffix.lower())


def is_raw(path: Path) -> bool:
    """Whether it is a RAW photo by its suffix; a DNG is not counted, as it may hold a developed photo."""
    return kind_of(path) == RAW and path.suffix.lower() != ".dng"


def missing(name: str | Path) -> str:
    """A sentence about a file that is not there."""
    if _ADDRESS.match(str(name)):
        address = re.sub(":/(?!/)", "://", str(name), count=1)  # a Path makes one slash of two
        return f"{address} is an address, and leapsr fetches nothing: download it and give the file."
    return f"{name}{' is a link to a file that' if Path(name).is_symlink() else ''} does not exist."


def refusal(path: Path) -> str | None:
    """A sentence about one file that could not be opened."""
    kind = kind_of(path)
    return None if kind is None else f"{path} is of a kind that is not read ({kind.name}): {_of_one(kind)}."


def advice(paths: Sequence[Path], of_raw: str = "") -> Iterator[str]:
    """A sentence for each kind: how many files there are, some of their names, what to do with them.

    of_raw: what else can be done with RAW photos.
    """
    kinds: dict[Kind, list[Path]] = {}
    for path in paths:
        if (kind := kind_of(path)) is not None:
            kinds.setdefault(kind, []).append(path)
    for kind, found in kinds.items():
        files = "file" if len(found) == 1 else "files"
        advice = kind.advice if len(found) > 1 else _of_one(kind)
        advice += of_raw if kind == RAW else ""
        yield f"{len(found)} {kind.name} {files} left out ({some_names(found)}): {advice}."


def _of_one(kind: Kind) -> str:
    return kind.advice.replace("them", "it")


def some_names(paths: Sequence[Path]) -> str:
    names = [path.name for path in paths[:_NAMED]]
    return ", ".join(names + ["..."] * (len(paths) > _NAMED))
