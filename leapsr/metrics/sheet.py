"""A sheet to compare by eye: a row for each picture, with its most detailed region from every restorer."""

import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..data.pairs import Pair
from ..ops.color import to_pil
from .table import Setting

INPUTS = ("picture", "LR", "HR")
"""Names of columns that no result has."""
CELL = 256
"""Pixels a side of one region, enlarged."""
REGION = 128
"""Pixels a side of the region in the result; less where the picture is smaller."""
HEADER = 28
GAP = 4
BACKGROUND, INK, FRAME = (24, 24, 24), (235, 235, 235), (255, 210, 60)

Box = tuple[int, int, int, int]
"""left, top, right, bottom"""


class Sheet:
    """`observe` collects regions while an evaluation runs, `draw` then draws them."""

    def __init__(self, rows: int = 12) -> None:
        """rows: greatest number of pictures; later ones are left out."""
        self._rows = rows
        self._regions: dict[str, dict[str, Image.Image]] = {}
        self._columns: list[str] = []
        self._reference = False

    def observe(self, pair: Pair, setting: Setting, restored: Tensor) -> None:
        """restored: (1, 3, sH, sW) in [0, 1]."""
        if pair.name not in self._regions and len(self._regions) == self._rows:
            return
        scale = restored.shape[-1] // pair.lr.shape[-1]
        box = busiest_box(pair.lr, max(1, REGION // scale))
        large = tuple(side * scale for side in box)
        row = self._regions.setdefault(pair.name, _inputs(pair, box, large))
        name = f"{setting.label} (result)" if setting.label in INPUTS else setting.label
        row[name] = _region(restored, large)
        self._reference |= pair.hr is not None
        if name not in self._columns:
            self._columns.append(name)

    def draw(self) -> Image.Image:
        """Columns: the low-resolution picture with its region framed, then that region (pixels enlarged) of
        it, of each result and of the reference."""
        columns = [*INPUTS[:2], *self._columns, *(INPUTS[2:] if self._reference else [])]
        sheet = Image.new("RGB", sheet_size(len(columns), len(self._regions)), BACKGROUND)
        for x, column in enumerate(columns):
            label(sheet, column, (x * (CELL + GAP), 0))
        for y, (name, regions) in enumerate(self._regions.items()):
            top = HEADER + y * (CELL + HEADER + GAP)
            label(sheet, name, (0, top))
            for x, column in enumerate(columns):
                if column in regions:
                    sheet.paste(regions[column], (x * (CELL + GAP), top + HEADER))
        return sheet


def sheet_size(columns: int, rows: int) -> tuple[int, int]:
    """(width, height) in pixels."""
    return columns * (CELL + GAP) - GAP, HEADER + rows * (CELL + HEADER + GAP) - GAP


def busiest_box(lr: Tensor, side: int) -> Box:
    """The square with the steepest gradients. lr: (1, 3, H, W); side: pixels, cut to the picture's."""
    side = min(side, *lr.shape[-2:])
    step = max(1, side // 4)
    grey = lr.mean(1, keepdim=True)
    across = F.pad(grey.diff(dim=3), (0, 1)).square()
    down = F.pad(grey.diff(dim=2), (0, 0, 0, 1)).square()
    detail = F.avg_pool2d(across + down, side, step)[0, 0]
    row, column = divmod(int(detail.argmax()), detail.shape[1])
    return column * step, row * step, column * step + side, row * step + side


def _inputs(pair: Pair, box: Box, large: tuple[int, ...]) -> dict[str, Image.Image]:
    cells = {"picture": _overview(pair.lr, box), "LR": _region(pair.lr, box)}
    return cells if pair.hr is None else {**cells, "HR": _region(pair.hr, large)}


def _region(image: Tensor, box: tuple[int, ...]) -> Image.Image:
    left, top, right, bottom = box
    part = to_pil(image[0, :, top:bottom, left:right])
    return part.resize((CELL, CELL), Image.Resampling.NEAREST)


def _overview(lr: Tensor, box: Box) -> Image.Image:
    """The whole picture, fitted into a cell, the region framed."""
    picture = to_pil(lr[0])
    zoom = CELL / max(picture.size)
    picture = picture.resize([max(1, round(side * zoom)) for side in picture.size], Image.Resampling.LANCZOS)
    ImageDraw.Draw(picture).rectangle([side * zoom for side in box], outline=FRAME, width=2)
    cell = Image.new("RGB", (CELL, CELL), BACKGROUND)
    cell.paste(picture, ((CELL - picture.width) // 2, (CELL - picture.height) // 2))
    return cell


def label(sheet: Image.Image, words: str, corner: tuple[int, int]) -> None:
    """One line, cut to the width of a cell."""
    font = ImageFont.load_default(size=15)
    while words and font.getlength(words) > CELL:
        words = words[:-1]
    ImageDraw.Draw(sheet).text((corner[0] + 2, corner[1] + 5), words, fill=INK, font=font)
