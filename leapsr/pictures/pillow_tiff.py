"""What Pillow leaves undone for some of the TIFFs that it opens, done before it decodes them."""

from collections.abc import Mapping
from typing import Any

from PIL import Image, ImagePalette, TiffImagePlugin

from .tiff_kinds import YCBCR

_EIGHT_BITS = 255


def prepare(image: Image.Image) -> None:
    """Of an image that was opened and not yet decoded; other formats stay as they are."""
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tile:
        _leave_to_libtiff(image)
        _read_short_palette(image)


def bytes_of_strips(image: Image.Image) -> tuple[int, int]:
    """Of an uncompressed TIFF: the bytes that its strips have, and those that its pixels need; else zeros."""
    tags = getattr(image, "tag_v2", {})
    strips = tags.get(TiffImagePlugin.STRIPBYTECOUNTS)
    if image.format != "TIFF" or not strips or tags.get(TiffImagePlugin.COMPRESSION, 1) != 1:
        return 0, 0
    bits = sum(tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,)))
    if _is_ycbcr(tags):
        across, down = tags.get(TiffImagePlugin.YCBCRSUBSAMPLING, (2, 2))
        bits = 8 + 16 // (across * down)
    return sum(strips), image.height * -(-image.width * bits // 8)


def _is_ycbcr(tags: Mapping[int, Any]) -> bool:
    """Of one sample it is grey, as some writers of JPEG in TIFF have it."""
    kind, samples = TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, TiffImagePlugin.SAMPLESPERPIXEL
    return bool(tags.get(kind) == YCBCR and tags.get(samples, 1) > 1)


def _leave_to_libtiff(image: TiffImagePlugin.TiffImageFile) -> None:
    """Uncompressed YCbCr, of which Pillow's own decoder knows neither the sampling nor the coefficients.

    It does the same by itself for all other compressions.
    """
    if not image.use_load_libtiff and _is_ycbcr(image.tag_v2):
        place = image.tile[0]._replace(
            codec_name="libtiff",
            extents=(0, 0, *image._tile_size),
            offset=0,
            args=("RGBX", False, image.tag_v2.offset),
        )
        image.tile, image.use_load_libtiff, image._mode = [place], True, "RGB"


def _read_short_palette(image: TiffImagePlugin.TiffImageFile) -> None:
    """Some writers fill the 16 bits of a palette's levels with 8, and Pillow would make black of them.

    libtiff looks for this, too.
    """
    levels = image.tag_v2.get(TiffImagePlugin.COLORMAP)
    if image.palette is not None and levels and max(levels) <= _EIGHT_BITS:
        image.palette = ImagePalette.raw("RGB;L", bytes(levels))
