"""Positions and scales in EXIF that are given in pixels, for a picture that was turned or enlarged.

They refer to the size stored beside them. So that is corrected too where one of them is there.
"""

from PIL import ExifTags

from .ifd import LONG, RATIONAL, SHORT, Block, Directory
from .orientation import Orientation

_TAG = ExifTags.Base
_SUBJECTS = (0x9214, _TAG.SubjectLocation)
"""SubjectArea is the first. Two numbers: a point; three: a circle by its centre and diameter; four: a
rectangle by its centre."""
_SCALES = (_TAG.FocalPlaneXResolution, _TAG.FocalPlaneYResolution)
_SIZE = (_TAG.ExifImageWidth, _TAG.ExifImageHeight)
_HIGHEST = {SHORT: 0xFFFF, RATIONAL: 0xFFFFFFFF}


def turn(block: Block, entries: Directory, orientation: Orientation) -> None:
    """For a picture that is upright now. entries: of the Exif directory, changed in place."""
    stored, size = orientation.stored_size, orientation.size
    if stored is None or size is None or not entries.keys() & {*_SUBJECTS, *_SCALES}:
        return
    if orientation.value != 1:
        for tag in _SUBJECTS:
            _replace(block, entries, tag, SHORT, _turned(_numbers(block, entries, tag, SHORT), orientation))
    if orientation.swaps_sides and entries.keys() >= {*_SCALES}:
        x, y = _SCALES
        entries[x], entries[y] = entries[y], entries[x]
    for tag, side in zip(_SIZE, size[::-1], strict=True):
        if tag not in entries or block.values(entries[tag]) != (side,):
            entries[tag] = block.entry(LONG, [side])


def enlarge(block: Block, entries: Directory, size: tuple[int, int]) -> None:
    """For a picture of the new size (height, width). Entries are removed where the old size is unknown."""
    before = [block.values(entries[tag])[0] if tag in entries else 0 for tag in _SIZE]
    factors = [after / side if side else 0.0 for after, side in zip(size[::-1], before, strict=True)]
    for tag in _SUBJECTS:
        numbers = _numbers(block, entries, tag, SHORT)
        mean = sum(factors) / 2
        by = [*factors, mean] if len(numbers) == 3 else [*factors, *factors]
        scaled = [round(number * factor) for number, factor in zip(numbers, by, strict=False)]
        _replace(block, entries, tag, SHORT, scaled if all(factors) else [])
    for tag, factor in zip(_SCALES, factors, strict=True):
        numbers = _numbers(block, entries, tag, RATIONAL)
        known = len(numbers) == 2 and numbers[1] and factor
        thousandths = [round(1000 * factor * numbers[0] / numbers[1]), 1000] if known else []
        _replace(block, entries, tag, RATIONAL, thousandths)


def _turned(numbers: list[int], orientation: Orientation) -> list[int]:
    (height, width), (new_height, new_width) = orientation.stored_size or (1, 1), orientation.size or (1, 1)
    if not 2 <= len(numbers) <= 4:
        return []
    x, y = orientation.to_upright(numbers[0] / width, numbers[1] / height)
    extent = numbers[2:] if len(numbers) < 4 else [round(side) for side in orientation.swapped(*numbers[2:])]
    return [round(x * new_width), round(y * new_height), *extent]


def _numbers(block: Block, entries: Directory, tag: int, kind: int) -> list[int]:
    """Empty where the tag is missing or of another type."""
    if tag not in entries or block.kind(entries[tag]) != kind:
        return []
    return list(block.values(entries[tag]))


def _replace(block: Block, entries: Directory, tag: int, kind: int, numbers: list[int]) -> None:
    """Without numbers, or with numbers that it cannot hold, the tag is removed."""
    if tag not in entries:
        return
    if numbers and min(numbers) >= 0 and max(numbers) <= _HIGHEST[kind]:
        entries[tag] = block.entry(kind, numbers)
    else:
        del entries[tag]
