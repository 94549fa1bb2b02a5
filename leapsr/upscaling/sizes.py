"""The size of the result."""

from dataclasses import dataclass, fields
from math import floor, sqrt
from numbers import Integral, Real

from ..errors import UsageError


@dataclass(frozen=True)
class Target:
    """The size of the result: a factor, or a width and/or height, or a side, or an area; nothing is the
    model's factor.

    Sides are in pixels. With one side the proportions are kept; width and height together are both exact.
    Raises UsageError when two ways are mixed, a factor is below 1, or a number is not above 0 and at most a
    million.
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None
    long_side: int | None = None
    short_side: int | None = None
    megapixels: float | None = None

    def __post_init__(self) -> None:
        given = self._given()
        if len(given) > 1 and set(given) != {"width", "height"}:
            listed = " and ".join(given).replace("_", " ")
            raise UsageError(f"Give one size, not {listed}; only width and height go together.")
        for name, value in given.items():
            said = name.replace("_", " ")
            check_number(said, value)
            if not 0 < value <= _LARGEST:
                raise UsageError(f"{said} must be more than 0 and at most {_LARGEST:,}, not {value}.")
            if name in _SIDES and value != int(value):
                raise UsageError(f"{said} must be a whole number of pixels, not {value}.")
        if self.scale is not None and self.scale < 1:
            raise UsageError(
                f"scale is how many times larger the result is, 1 or more, not {self.scale}: "
                "make pictures smaller in an image editor."
            )

    def _given(self) -> dict[str, float]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def size(self, height: int, width: int, model_scale: int) -> tuple[int, int]:
        """(height, width) of the result for a picture of height x width."""
        if self.width and self.height:
            return int(self.height), int(self.width)
        factor = self._factor(height, width, model_scale)
        wanted = _rounded(height * factor), _rounded(width * factor)
        return int(self.height or wanted[0]), int(self.width or wanted[1])

    def _factor(self, height: int, width: int, model_scale: int) -> float:
        if self.megapixels:
            return sqrt(self.megapixels * 1e6 / (height * width))
        sides = (
            (self.width, width),
            (self.height, height),
            (self.long_side, max(height, width)),
            (self.short_side, min(height, width)),
        )
        return next((side / have for side, have in sides if side), self.scale or model_scale)

    def reached_by(self, height: int, width: int, model_scale: int) -> bool:
        """Whether a picture already is at least as large as it shall become, so that there is nothing to do.

        A model of scale 1 restores pictures of the wanted size, too.
        """
        wanted = self.size(height, width, model_scale)
        restores = model_scale == 1 and wanted == (height, width)
        return wanted[0] <= height and wanted[1] <= width and not restores

    def label(self, model_scale: int) -> str:
        """The size as part of a file name: x4, x2.5, 1920w, 1920wx1080h, 3000long, 1080short, 12mp."""
        if not self._given():
            return f"x{model_scale}"
        if self.scale:
            return f"x{self.scale:g}"
        units = {"width": "w", "height": "h", "long_side": "long", "short_side": "short", "megapixels": "mp"}
        return "x".join(f"{value:g}{units[name]}" for name, value in self._given().items())


def check_number(name: str, value: object, whole: bool = False) -> None:
    """Raises UsageError for what is no number. whole: only whole ones will do."""
    if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
        raise UsageError(f"{name} is a {'whole ' if whole else ''}number, not {value!r}.")


_LARGEST = 1_000_000
"""Of any of these numbers: far beyond every format, and small enough to calculate with."""
_SIDES = ("width", "height", "long_side", "short_side")
AS_THE_MODEL = Target()

LABEL = r"(?:x[\d.]+|\d+wx\d+h|[\d.]+(?:w|h|long|short|mp))"
"""Regular expression of every label() that a name can end in."""


def _rounded(length: float) -> int:
    return max(1, floor(length + 0.5))
