"""What the network is shown of a picture, and in which form a picture and its result are compared."""

from torch import Tensor

from ..ops.color import luma
from ..ops.resize import resize
from ..pictures import icc_profiles
from ..pictures.picture import Picture
from . import transparency


def model_input(picture: Picture) -> Tensor:
    """What a network is given of a picture: (3, H, W) in [0, 1], with the tone curve of sRGB, and invisible
    pixels in the colours of those around them."""
    rgb, alpha = picture.rgb, picture.alpha
    if alpha is not None:
        rgb = transparency.without_hidden_colours(rgb, alpha)
    return _in_srgb(rgb, picture)


def to_srgb_tone(picture: Picture) -> Tensor:
    """The colours of a picture with the tone curve of sRGB: (3, H, W) in [0, 1]."""
    return _in_srgb(picture.rgb, picture)


def from_srgb_tone(image: Tensor, picture: Picture) -> Tensor:
    """The inverse of to_srgb_tone(), for the profile that `picture` has."""
    tone = icc_profiles.tone(picture.icc)
    return image if tone is None else tone.from_srgb(image)


def reduced(image: Tensor, size: tuple[int, int]) -> Tensor:
    """What a file of the picture made small would hold, unrounded: antialiased bicubic, clamped, as in
    `metrics.lr_psnr`. image: (C, H, W) in [0, 1] -> (C, *size)."""
    return resize(image[None], size, antialias=True)[0].clamp(0, 1)


def grey_levels(image: Tensor) -> Tensor:
    """Luma. image: (3, H, W) in [0, 1] -> (1, H, W), in grey levels, 0 to 255."""
    return luma(image).mul_(255)


def _in_srgb(rgb: Tensor, picture: Picture) -> Tensor:
    tone = icc_profiles.tone(picture.icc)
    return rgb if tone is None else tone.to_srgb(rgb)
