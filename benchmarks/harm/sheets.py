"""What was found, as tables of text and as sheets of pictures side by side."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

HEADER, GAP = 22, 4
GROUND, INK = (24, 24, 24), (235, 235, 235)


class Row(NamedTuple):
    words: str
    cells: Sequence[np.ndarray]
    """(h, w, 3) uint8 each."""


def sheet(columns: Sequence[str], rows: Sequence[Row], cell: tuple[int, int]) -> Image.Image:
    """cell: (width, height). Smaller pictures are enlarged by a whole factor, as far as they fit."""
    width, height = cell
    step = HEADER + height + GAP
    image = Image.new("RGB", (len(columns) * (width + GAP) - GAP, HEADER + len(rows) * step), GROUND)
    for x, words in enumerate(columns):
        _write(image, words, (x * (width + GAP), 0), width)
    for y, row in enumerate(rows):
        top = HEADER + y * step
        _write(image, row.words, (0, top), image.width)
        for x, picture in enumerate(row.cells):
            image.paste(_fitted(picture, cell), (x * (width + GAP), top + HEADER))
    return image


def file_name(*words: str) -> str:
    """Of a sheet; a model's name may be a path."""
    return "_".join(words).replace("/", "_").replace(" ", "_") + ".png"


def beside(left: Image.Image, right: Image.Image) -> Image.Image:
    both = Image.new("RGB", (left.width + 4 * GAP + right.width, max(left.height, right.height)), GROUND)
    both.paste(left, (0, 0))
    both.paste(right, (left.width + 4 * GAP, 0))
    return both


def _fitted(picture: np.ndarray, cell: tuple[int, int]) -> Image.Image:
    image = Image.fromarray(picture)
    factor = max(1, min(cell[0] // image.width, cell[1] // image.height))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def _write(image: Image.Image, words: str, corner: tuple[int, int], width: int) -> None:
    """One line, cut to the width."""
    font = ImageFont.load_default(size=14)
    while words and font.getlength(words) > width - 4:
        words = words[:-1]
    ImageDraw.Draw(image).text((corner[0] + 2, corner[1] + 3), words, fill=INK, font=font)


def table(lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be; the first and the last to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    last = len(widths) - 1

    def cell(words: str, column: int) -> str:
        return words.ljust(widths[column]) if column in (0, last) else words.rjust(widths[column])

    return "\n".join("  ".join(cell(words, n) for n, words in enumerate(line)).rstrip() for line in lines)
