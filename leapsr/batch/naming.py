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

SIDECAR = r"(?:_s-?\d+)?(?:_detail|_samples|_preview)?"
"""Regular expression of what follows the label in the names of samples and of files beside a result."""

_SUBSTITUTES = dict.fromkeys((".heic", ".heif", ".hif", ".jif", ".mpo"), ".jpg")
"""Of formats that are read only; PNG takes the place of the others."""


def output_name(source: Path, label: str, suffix: str | None) -> str:
    """suffix: None keeps the source's where it can be written, else .jpg for HEIC and .png for the rest."""
    return _shortened(source.stem, f"_{label}{suffix or default_suffix(source.suffix)}")


def check_format(out: Path, suffix: str | None) -> Path:
    """The name that the user gave to a result. Raises UsageError where it tells no format or another one."""
    if out.suffix.lower() not in WRITABLE:
        raise UsageError(f"{out} has no suffix that can be written; use one of {', '.join(WRITABLE)}.")
    if suffix is not None and WRITABLE[suffix] != WRITABLE[out.suffix.lower()]:
        raise UsageError(f"{out} and '-f {suffix[1:]}' ask for two formats; leave out -f.")
    return out


def make_distinct(
    sources: Sequence[Path], outputs: Sequence[Path], label: str, has_sidecars: bool = False
) -> list[Path]:
    """The outputs, each with a name of its own.

    Where several sources want the same name, it gets the whole name of the source, and as many of the folders
    above it as needed. Names that differ by case only, which many systems do not tell apart, get a few digits
    of their hash.

    Args:
        has_sidecars: results have files beside them, whose names do not contain the suffix of the result.

    Raises:
        UsageError: all folders are not enough.
    """
    outputs = list(outputs)
    for depth in range(1, 1 + max((len(source.parts) for source in sources), default=0)):
        clashes = _clashes(outputs, has_sidecars)
        stems = _stems([sources[index] for index in clashes], depth)
        for index, stem in zip(clashes, stems, strict=True):
            name = _shortened(stem, f"_{label}{outputs[index].suffix}")
            outputs[index] = outputs[index].with_name(name)
    if clashes := _clashes(outputs, has_sidecars):
        first, second = (sources[index] for index in clashes[:2])
        clash = outputs[clashes[0]]
        raise UsageError(f"{first} and {second} would become one file, {clash}; choose another -o.")
    return outputs


def _clashes(outputs: Sequence[Path], has_sidecars: bool) -> list[int]:
    """The indices of names that are wanted more than once, equal names together."""
    keys = [_without_case(output.with_suffix("") if has_sidecars else output) for output in outputs]
    indices: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        indices.setdefault(key, []).append(index)
    return [index for equal in indices.values() if len(equal) > 1 for index in equal]


def _stems(sources: Sequence[Path], depth: int) -> list[str]:
    """The last `depth` parts of each path joined, with a hash where another source differs in case only."""
    stems = [
        "_".join(part for part in source.parts[-depth:] if part not in (source.anchor, ".."))
        for source in sources
    ]
    keys = [_without_case(source) for source in sources]
    spellings = Counter(key for key, _ in set(zip(keys, stems, strict=True)))
    return [
        stem if spellings[key] == 1 else f"{stem}~{_short_hash(stem)}"
        for key, stem in zip(keys, stems, strict=True)
    ]


def with_seed(label: str, seed: int) -> str:
    """The label of one of several samples."""
    return f"{label}_s{seed}"


def sample_path(output: Path, first: int, seed: int) -> Path:
    """Of the sample from `seed`; `output` is that of the seed `first`, whether its name says so or not."""
    return output.with_name(_shortened(_without_seed(output, first), f"_s{seed}{output.suffix}"))


def contact_sheet_path(output: Path, first: int) -> Path:
    """Of the sheet of all samples; `first` is the seed of `output`."""
    return output.with_name(_shortened(_without_seed(output, first), "_samples.png"))


def detail_map_path(output: Path) -> Path:
    return output.with_name(_shortened(output.stem, "_detail.png"))


def _without_seed(output: Path, seed: int) -> str:
    return output.stem.removesuffix(with_seed("", seed))


def default_suffix(suffix: str) -> str:
    """Of a result whose format nobody chose, for the suffix of its source."""
    return suffix if suffix.lower() in WRITABLE else _SUBSTITUTES.get(suffix.lower(), ".png")


def _shortened(stem: str, tail: str) -> str:
    """stem + tail; where that is too long the stem is cut and gets a few digits of its hash."""
    whole = stem + tail
    if len(_bytes(whole)) <= LONGEST_NAME:
        return whole
    tail = f"~{_short_hash(stem)}{tail}"
    return _bytes(stem)[: LONGEST_NAME - len(_bytes(tail))].decode("utf-8", "ignore") + tail


def _short_hash(name: str) -> str:
    return hashlib.sha256(_bytes(name)).hexdigest()[:8]


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _without_case(path: Path) -> str:
    """Equal for names that are one file on systems that ignore case."""
    return str(path).casefold()
