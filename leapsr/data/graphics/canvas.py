"""A canvas measured in small pixels, those of the picture that training makes `scale` times smaller.

Lines and boxes on whole small pixels stay exact when those are averaged, as they are on a screen.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from .colours import Colour
from .fonts import Face, sized

Point = tuple[float, float]
"""(x, y) in small pixels."""
Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in small pixels, the last two outside."""
FINER = 4
"""How many times finer than its pixels a canvas is drawn, for smooth edges."""


class Canvas:
    """A picture that is drawn on. Lengths and places are in small pixels, fractions allowed.

    width, height: of the picture, in its own pixels.
    """

    def __init__(self, width: int, height: int, scale: int, ground: Colour | np.ndarray) -> None:
        """ground: one colour, or a picture (height, width, 3) to draw over."""
        self.scale = scale
        self.width, self.height = width / scale, height / scale
        size = (width * FINER, height * FINER)
        if isinstance(ground, np.ndarray):
            self.image = Image.fromarray(ground).resize(size, Image.Resampling.NEAREST)
        else:
            self.image = Image.new("RGB", size, ground)
        self.draw = ImageDraw.Draw(self.image)

    def pixels(self) -> np.ndarray:
        """uint8 (height, width, 3)."""
        return np.array(self.image.reduce(FINER))

    def _fine(self, *lengths: float) -> list[int]:
        return [round(length * self.scale * FINER) for length in lengths]

    def box(
        self,
        place: Box,
        fill: Colour | None = None,
        border: Colour | None = None,
        width: float = 1,
        radius: float = 0,
    ) -> None:
        """place: (left, top, right, bottom), the last two outside. width: of the border, drawn inside."""
        left, top, right, bottom, width, radius = self._fine(*place, width, radius)
        if right <= left or bottom <= top:
            return
        radius = min(radius, (right - left) // 2, (bottom - top) // 2)
        thick = 0 if border is None else int(width)
        corners = (left, top, right - 1, bottom - 1)
        self.draw.rounded_rectangle(corners, radius, fill, border, thick)

    def ellipse(
        self,
        place: Box,
        fill: Colour | None = None,
        border: Colour | None = None,
        width: float = 1,
    ) -> None:
        left, top, right, bottom, width = self._fine(*place, width)
        if right > left and bottom > top:
            corners = (left, top, right - 1, bottom - 1)
            self.draw.ellipse(corners, fill, border, 0 if border is None else int(width))

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        self.draw.polygon(self._points(points), fill)

    def slice(
        self,
        centre: Point,
        radius: float,
        begin: float,
        end: float,
        fill: Colour,
        border: Colour | None = None,
    ) -> None:
        """Of a pie; begin, end: degrees."""
        x, y, radius, thick = self._fine(*centre, radius, 1)
        corners = (x - radius, y - radius, x + radius, y + radius)
        self.draw.pieslice(corners, begin, end, fill, border, 0 if border is None else int(thick))

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1) -> None:
        self.draw.line(self._points(points), colour, max(1, self._fine(width)[0]), joint="curve")

    def _points(self, points: Sequence[Point]) -> list[tuple[float, float]]:
        return [(x, y) for x, y in (self._fine(*point) for point in points)]

    def dashed(self, points: Sequence[Point], colour: Colour, width: float = 1) -> None:
        """Every other piece of a line."""
        for i, (begin, end) in enumerate(pairwise(points)):
            if i % 2 == 0:
                self.line((begin, end), colour, width)

    def row(self, left: float, right: float, y: float, colour: Colour, width: float = 1) -> None:
        """A horizontal line below y."""
        self.box((left, y, right, y + width), colour)

    def column(self, top: float, bottom: float, x: float, colour: Colour, width: float = 1) -> None:
        """A vertical line right of x."""
        self.box((x, top, x + width, bottom), colour)

    def text(
        self,
        place: Point,
        text: str,
        size: float,
        colour: Colour,
        file: Face,
        anchor: str = "ls",
        outline: Colour | None = None,
    ) -> float:
        """size: of the font. anchor: Pillow's; "ls" starts at the baseline. Returns the length."""
        font = sized(file, *self._fine(size))
        stroke = 0 if outline is None else max(1, self._fine(size / 16)[0])
        at = tuple(self._fine(*place))
        self.draw.text((at[0], at[1]), text, colour, font, anchor, stroke_width=stroke, stroke_fill=outline)
        return self.length(text, size, file)

    def length(self, text: str, size: float, file: Face) -> float:
        return float(sized(file, *self._fine(size)).getlength(text)) / (self.scale * FINER)

    def part(self, width: int, height: int, ground: Colour) -> "Canvas":
        """An empty canvas, which `paste` puts on this one."""
        return Canvas(width * self.scale, height * self.scale, self.scale, ground)

    def paste(self, part: "Canvas", place: tuple[int, int], degrees: float = 0, clear: bool = False) -> None:
        """place: (left, top). clear: where the part has the colour of its first pixel nothing is pasted."""
        image, (left, top) = part.image, self._fine(*place)
        mask = None
        if clear:
            levels = np.asarray(image)
            mask = Image.fromarray((levels != levels[0, 0]).any(2))
        if degrees:
            mask = mask or Image.new("1", image.size, 1)
            image = image.rotate(degrees, expand=True)
            mask = mask.rotate(degrees, expand=True)
        self.image.paste(image, (left, top), mask)
