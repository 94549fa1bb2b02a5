"""How a picture stood in its file, for the metadata that name places in it."""

from dataclasses import dataclass

from PIL import ExifTags, Image

from .orientation import upright_size

_POINTS = {
    1: lambda x, y: (x, y),
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}
"""By orientation, where a point comes to lie when the picture is brought upright, in parts of its sides."""


@dataclass(frozen=True)
class Standing:
    """orientation: as in EXIF. size: (height, width), upright; None where it is not known."""

    orientation: int = 1
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.orientation not in _POINTS:  # nobody turns by it
            object.__setattr__(self, "orientation", 1)

    @classmethod
    def of(cls, image: Image.Image) -> "Standing":
        """Of an image that was opened and not yet decoded, after which that of a TIFF is lost."""
        try:
            orientation = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
        except Exception:  # Pillow stumbles over damaged EXIF in many ways
            orientation = 1
        # pillow_heif turns pictures itself, and tells here what their EXIF said before.
        orientation = image.info.get("original_orientation") or orientation
        return cls(orientation, upright_size(image))

    @property
    def turned(self) -> bool:
        """Whether its sides have changed places."""
        return self.orientation >= 5

    @property
    def stored(self) -> tuple[int, int] | None:
        """(height, width) in the file."""
        return self.size[::-1] if self.size is not None and self.turned else self.size

    def point(self, x: float, y: float) -> tuple[float, float]:
        """From the file to the upright picture, in parts of the sides."""
        return _POINTS[self.orientation](x, y)

    def sides(self, first: float, second: float) -> tuple[float, float]:
        """What belongs to the width and the height, or to the x and the y, in their order when upright."""
        return (second, first) if self.turned else (first, second)


AS_STORED = Standing()
