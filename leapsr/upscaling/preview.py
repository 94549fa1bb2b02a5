"""A detail of a result beside plain enlargement, to see what will come before a long run."""

from PIL import Image

from ..errors import ImageError
from ..metrics.sheet import BACKGROUND, GAP, HEADER, busiest_box, label
from ..ops.color import to_pil
from ..pictures import icc_profiles
from ..pictures.picture import Picture
from .sizes import Target
from .tiles import Box
from .upscaler import Progress, Settings, Upscaler

SIDE = 512
"""Pixels a side of the detail in the result, about."""
NARROWEST = 130
"""Pixels of a column, so that there is room for the words above it."""


def preview(
    upscaler: Upscaler, picture: Picture, target: Target, settings: Settings, progress: Progress | None = None
) -> Image.Image:
    """Where the picture has the most detail: enlarged by bicubic interpolation, and by the model, with the
    pixels that the whole result would have there. In the colours of the source, without transparency.

    Raises ImageError for a picture that already has the size, and what `Upscaler.upscale` raises.
    """
    if target.reached_by(*picture.size, upscaler.scale):
        raise ImageError("The picture already has the size that is asked for; there is nothing to preview.")
    size, source = target.size(*picture.size, upscaler.scale), picture.rgb
    factor = max(after / before for after, before in zip(size, picture.size, strict=True))
    left, top, right, bottom = busiest_box(source[None], max(16, round(SIDE / factor)))
    part = Box(top, left, bottom, right)
    result = to_pil(upscaler.upscale(picture, target, settings, progress, part).rgb)
    plain = to_pil(part.of(source)).resize(result.size, Image.Resampling.BICUBIC)
    column = max(NARROWEST, result.width) + GAP
    sheet = Image.new("RGB", (2 * column - GAP, HEADER + result.height), BACKGROUND)
    for index, (words, image) in enumerate((("plain enlargement", plain), ("result", result))):
        label(sheet, words, (index * column, 0))
        sheet.paste(image, (index * column, HEADER))
    if picture.icc and icc_profiles.space(picture.icc) == b"RGB ":
        sheet.info["icc_profile"] = picture.icc
    return sheet
