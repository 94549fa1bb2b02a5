"""Tiles of pictures, for viewers that zoom: level 0 is the whole picture in one tile, each level doubles.

Results are cut once, by libvips in little memory whatever their size; a source is small, so its tiles are
enlarged when they are asked for.
"""

import os
import shutil
import uuid
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import optional
from ..files import atomic_write
from ..pictures import picture as pictures
from ..upscaling.detail_map import LEGEND, LONGEST

TILE = 256
QUALITY = 90


class Place(NamedTuple):
    """A tile of a pyramid: x counts columns, y rows."""

    level: int
    x: int
    y: int

    def is_in(self, height: int, width: int) -> bool:
        """Whether a pyramid of that size has it."""
        count = levels(height, width)
        if not 0 <= self.level < count:
            return False
        rows, columns = (-(-side // TILE) for side in sizes(height, width)[self.level])
        return 0 <= self.x < columns and 0 <= self.y < rows

    def path(self, folder: Path) -> Path:
        return folder / str(self.level) / f"{self.x}_{self.y}.jpg"


def sizes(height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of each level."""
    found = [(height, width)]
    while max(found[-1]) > TILE:
        found.append((-(-found[-1][0] // 2), -(-found[-1][1] // 2)))
    return found[::-1]


def levels(height: int, width: int) -> int:
    return len(sizes(height, width))


def build(result: Path, folder: Path) -> None:
    """Cut a result into the tiles of all its levels; the folder is complete or not there."""
    vips = optional("pyvips", "serve")
    part = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
    folder.parent.mkdir(exist_ok=True)
    try:
        image = vips.Image.new_from_file(str(result), access="sequential")
        if image.get_typeof("orientation") != 0 and image.get("orientation") != 1:
            image = vips.Image.new_from_file(str(result)).autorot()  # a photo as it was sent, on its side
        image = _srgb(image)
        image.dzsave(
            str(part),
            layout="dz",
            suffix=f".jpg[Q={QUALITY}]",
            tile_size=TILE,
            overlap=0,
            depth="onetile",
            keep="none",
        )
        os.replace(f"{part}_files", folder)  # noqa: PTH105  to a folder that may be there
    finally:
        shutil.rmtree(f"{part}_files", ignore_errors=True)
        Path(f"{part}.dzi").unlink(missing_ok=True)


def draw(source: Path, is_map: bool, size: tuple[int, int], place: Place, path: Path) -> None:
    """A tile of a picture enlarged to `size` = (height, width) by bicubic interpolation.

    is_map: it is a map of invented detail, which has a legend below.
    """
    image = _loaded(source)
    if is_map:  # it may be narrower than its legend
        map_width = max(1, round(size[1] * min(1.0, LONGEST / max(size))))
        image = image.crop((image.width - map_width) // 2, 0, map_width, image.height - LEGEND)
    height, width = sizes(*size)[place.level]
    each = 2 ** (levels(*size) - 1 - place.level)  # pixels of the result in one of this level, a side
    scales = size[1] / each / image.width, size[0] / each / image.height
    large = image.resize(scales[0], vscale=scales[1], kernel="cubic")
    large = large.embed(0, 0, width, height, extend="copy")  # the last pixel may stand for less
    left, top = place.x * TILE, place.y * TILE
    tile = large.crop(left, top, min(TILE, width - left), min(TILE, height - top))
    data = tile.write_to_buffer(".jpg", Q=QUALITY, keep="none")
    with atomic_write(path) as part:
        part.write_bytes(data)


@lru_cache(maxsize=2)
def _loaded(path: Path) -> Any:
    """Read as leapsr reads it, upright, whatever its format."""
    vips = optional("pyvips", "serve")
    picture = pictures.load(path, with_metadata=False)
    image = vips.Image.new_from_array(picture.numpy())
    image = image.copy(interpretation=_interpretation(picture))
    if picture.icc:
        image = image.copy()
        image.set_type(vips.GValue.blob_type, "icc-profile-data", picture.icc)
    return _srgb(image)


def _interpretation(picture: pictures.Picture) -> str:
    deep = picture.depth == 16
    return ("grey16" if deep else "b-w") if picture.grey else ("rgb16" if deep else "srgb")


def _srgb(image: Any) -> Any:
    """Opaque, in 8 bits of sRGB."""
    if image.hasalpha():
        most = 65535 if image.format == "ushort" else 255
        image = image.flatten(background=[most] * (image.bands - 1), max_alpha=most)
    if image.get_typeof("icc-profile-data") != 0:
        return image.icc_transform("srgb", embedded=True, intent="relative", depth=8)
    return image.colourspace("srgb").cast("uchar")
