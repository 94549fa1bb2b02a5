"""What results are called: `{stem}_{label}{suffix}`, never two alike, never too long."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError
from ..pictures.save_file import WRITABLE

FORMATS = {"png": ".png", "jpg": ".jpg", "webp": ".webp", "avif": ".avif", "tiff": ".tif"}
LONGEST_NAME = 255
"""Bytes of UTF-8: the limit of Linux; those of macOS and Windows are never smaller."""

SIDECAR = r"(?:_s-?\d+)?(?:_detail|_samples)?"
"""Regular expression of what follows the label in the names of samples and of files beside a result."""

_SUBSTITUTES = dict.fromkeys((".heic", ".heif", ".hif", ".jif", ".mpo"), ".jpg")
"""Of formats that are read only; PNG takes the place of the others."""


def output_name(source: Path, label: str, suffix: str | None) -> str:
    """suffix: None keeps the source's where it can be written, else .jpg for HEIC and .png for the rest."""
    return _fitting(source.stem, f"_{label}{suffix or kept_suffix(source.suffix)}")


def checked(out: Path, suffix: str | None) -> Path:
    """A name that the user gave to a result. Raises UsageError where it tells no format or another one."""
    if out.suffix.lower() not in WRITABLE:
        raise UsageError(f"{out} has no suffix that can be written; use one of {', '.join(WRITABLE)}.")
    if suffix is not None and WRITABLE[suffix] != WRITABLE[out.suffix.lower()]:
        raise UsageError(f"{out} and '-f {suffix[1:]}' ask for two formats; leave out -f.")
    return out


def distinct(
    sources: Sequence[Path], outputs: Sequence[Path], label: str, has_sidecars: bool = False
) -> list[Path]:
    """The outputs, where those that several sources want keep the whole name of their source inside, and as
    many of the folders above it as it takes. Names that differ by case only, which many systems do not tell
    apart, get a few digits of their digest.

    has_sidecars: they have files beside them, in whose names their suffixes do not tell them apart.
    Raises UsageError where all folders are not enough.
    """
    found = list(outputs)
    for depth in range(1, 1 + max((len(source.parts) for source in sources), default=0)):
        alike = _alike(found, has_sidecars)
        stems = _stems([sources[index] for index in alike], depth)
        for index, stem in zip(alike, stems, strict=True):
            name = _fitting(stem, f"_{label}{found[index].suffix}")
            found[index] = found[index].with_name(name)
    if alike := _alike(found, has_sidecars):
        first, second = (sources[index] for index in alike[:2])
        raise UsageError(f"{first} and {second} would become one file, {found[alike[0]]}; choose another -o.")
    return found


def _alike(outputs: Sequence[Path], has_sidecars: bool) -> list[int]:
    """Which of them are wanted more than once, those of the first such name first."""
    keys = [_key(output.with_suffix("") if has_sidecars else output) for output in outputs]
    uses = Counter(keys)
    return sorted((i for i, key in enumerate(keys) if uses[key] > 1), key=lambda i: keys.index(keys[i]))


def _stems(sources: Sequence[Path], depth: int) -> list[str]:
    """The last parts of each path, as one name, with a digest where another source differs from it by case
    only and does so in these parts."""
    stems = [_with_folders(source, depth) for source in sources]
    keys = [_key(source) for source in sources]
    spellings = Counter(key for key, _ in set(zip(keys, stems, strict=True)))
    return [
        stem if spellings[key] == 1 else f"{stem}~{_digest(stem)}"
        for key, stem in zip(keys, stems, strict=True)
    ]


def _with_folders(source: Path, depth: int) -> str:
    """The last parts of a path, as one name."""
    return "_".join(part for part in source.parts[-depth:] if part not in (source.anchor, ".."))


def with_seed(label: str, seed: int) -> str:
    """The label of one of several samples."""
    return f"{label}_s{seed}"


def of_seed(output: Path, first: int, seed: int) -> Path:
    """The sample of `seed`, where `output` is that of the seed `first`, whether its name says so or not."""
    return output.with_name(_fitting(_without_seed(output, first), f"_s{seed}{output.suffix}"))


def contact_sheet(output: Path, first: int) -> Path:
    return output.with_name(_fitting(_without_seed(output, first), "_samples.png"))


def detail_map(output: Path) -> Path:
    return output.with_name(_fitting(output.stem, "_detail.png"))


def _without_seed(output: Path, seed: int) -> str:
    return output.stem.removesuffix(with_seed("", seed))


def kept_suffix(suffix: str) -> str:
    """Of a result whose format nobody chose, for the suffix of its source."""
    return suffix if suffix.lower() in WRITABLE else _SUBSTITUTES.get(suffix.lower(), ".png")


def _fitting(stem: str, tail: str) -> str:
    """stem + tail, the stem cut where both are too long and told apart by a few digits of its digest."""
    whole = stem + tail
    if len(_bytes(whole)) <= LONGEST_NAME:
        return whole
    tail = f"~{_digest(stem)}{tail}"
    return _bytes(stem)[: LONGEST_NAME - len(_bytes(tail))].decode("utf-8", "ignore") + tail


def _digest(name: str) -> str:
    return hashlib.sha256(_bytes(name)).hexdigest()[:8]


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _key(path: Path) -> str:
    """Equal for names that are one file on systems that ignore case."""
    return str(path).casefold()
