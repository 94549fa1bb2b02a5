"""Samples with their seeds beside the enlarged source, to pick one."""

from dataclasses import replace

import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from ..metrics.sheet import BACKGROUND, CELL, FRAME, GAP, HEADER, Box, label, sheet_size
from ..ops.color import to_pil
from ..ops.resize import resize
from ..pictures import icc_profiles
from ..pictures.picture import Picture, floats
from .model_input import grey_levels, to_srgb_tone

CROPS = 2
"""Rows of details, where the first two samples differ the most; small pictures are shown whole only."""
BEHIND = 0.5
"""Grey behind transparency."""


class ContactSheet:
    """Collects samples (`add`), then draws them (`draw`). Only what is drawn stays in memory, and the first
    sample until the second has come."""

    def __init__(self, source: Picture) -> None:
        self._source = source
        self._first: tuple[int, Picture] | None = None
        self._boxes: list[Box] | None = None
        self._columns: dict[str, list[Image.Image]] = {}

    def add(self, seed: int, result: Picture) -> None:
        """Results are of one size."""
        if self._boxes is not None:
            self._columns[f"seed {seed}"] = _column(result, self._boxes)
        elif self._first is None:
            self._first = seed, result
        else:
            self._boxes = differing_boxes(self._first[1], result)
            enlarged = _enlarged(self._source, result.size)
            self._columns["bicubic"] = _column(enlarged, self._boxes)
            for number, sample in (self._first, (seed, result)):
                self._columns[f"seed {number}"] = _column(sample, self._boxes)
            self._first = None

    def draw(self) -> Image.Image | None:
        """Columns: the source, enlarged, and each sample. Rows: the whole picture with the details framed,
        each detail pixel by pixel. With the profile of the source in `info`. None where there are fewer than
        two samples, so nothing to choose from."""
        if self._boxes is None:
            return None
        rows = ["whole", *("where they differ most", "and next")[: len(self._boxes)]]
        sheet = Image.new("RGB", sheet_size(len(self._columns), len(rows)), BACKGROUND)
        for column, (name, cells) in enumerate(self._columns.items()):
            left = column * (CELL + GAP)
            label(sheet, name, (left, 0))
            for row, cell in enumerate(cells):
                top = HEADER + row * (CELL + HEADER + GAP)
                if column == 0:
                    label(sheet, rows[row], (left, top))
                sheet.paste(cell, (left + (CELL - cell.width) // 2, top + HEADER))
        if self._source.icc and icc_profiles.space(self._source.icc) == b"RGB ":
            sheet.info["icc_profile"] = self._source.icc
        return sheet


def differing_boxes(one: Picture, other: Picture) -> list[Box]:
    """Where two results of one size differ the most: CROPS squares of CELL pixels (smaller in a narrow
    picture) that do not overlap, the greatest first. None of a picture that fits into a cell."""
    height, width = one.size
    if max(height, width) <= CELL:
        return []
    side = min(CELL, height, width)
    difference = (grey_levels(to_srgb_tone(one)) - grey_levels(to_srgb_tone(other))).square_()
    step = max(1, side // 4)
    means = F.avg_pool2d(difference[None], side, step)[0, 0]
    boxes: list[Box] = []
    while len(boxes) < CROPS and means.max() > -1:
        row, column = divmod(int(means.argmax()), means.shape[1])
        boxes.append((column * step, row * step, column * step + side, row * step + side))
        reach = -(-side // step) - 1
        means[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = -1
    return boxes


def _enlarged(source: Picture, size: tuple[int, int]) -> Picture:
    return replace(source, pixels=resize(floats(source.pixels)[None], size, antialias=True)[0].clamp(0, 1))


def _column(picture: Picture, boxes: list[Box]) -> list[Image.Image]:
    """What one column shows from top to bottom."""
    flat = _on_grey(picture)
    details = [to_pil(flat[:, top:bottom, left:right]) for left, top, right, bottom in boxes]
    return [_whole(flat, boxes), *details]


def _on_grey(picture: Picture) -> Tensor:
    rgb, alpha = picture.rgb, picture.alpha
    return rgb if alpha is None else rgb * alpha + BEHIND * (1 - alpha)


def _whole(image: Tensor, boxes: list[Box]) -> Image.Image:
    """(3, H, W) fitted into a cell, the boxes framed."""
    height, width = image.shape[1:]
    zoom = CELL / max(height, width)
    size = max(1, round(height * zoom)), max(1, round(width * zoom))
    mode = "area" if zoom < 1 else "nearest"
    small = to_pil(F.interpolate(image[None], size=size, mode=mode)[0])
    for box in boxes:
        ImageDraw.Draw(small).rectangle([side * zoom for side in box], outline=FRAME, width=1)
    return small
