"""Files and what programs hold in memory, to and from `Picture`, the one form that leapsr works on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image
from torch import Tensor

from ..errors import ImageError
from . import metadata, opening, profiles, wide_tiff
from .decoding import Planes, Samples, decode, from_samples
from .metadata import Metadata
from .opening import MAX_SIDE, READABLE_SUFFIXES

__all__ = [
    "MAX_SIDE",
    "READABLE_SUFFIXES",
    "Picture",
    "Source",
    "from_pil",
    "load",
    "measure",
    "to_array",
    "to_pil",
]

Source = str | Path | bytes | Image.Image | np.ndarray | Tensor


@dataclass(frozen=True, eq=False)
class Picture:
    """rgb: (3, H, W) float32 in [0, 1], sRGB unless icc says otherwise, upright. alpha: (1, H, W) float32 in
    [0, 1], 1 is opaque; None where the picture has none. icc: a colour profile, of RGB or, if grey, of grey.
    exif: starts with "Exif", orientation 1. xmp: an XML packet. iptc: records (IIM). dpi: (x, y).
    depth: 8 or 16, the bits of each number in files. grey: the three colours are equal and files have one.
    """

    rgb: Tensor
    alpha: Tensor | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    depth: int = 8
    grey: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)"""
        return self.rgb.shape[-2], self.rgb.shape[-1]


def load(source: Source) -> Picture:
    """Read a file, or take over what is in memory.

    source: a path; bytes of a file; a PIL image; an ndarray (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of
    uint8 or uint16; or a float tensor (3, H, W) in [0, 1].
    Raises ImageError, in one sentence that names the file, for everything that cannot be used.
    """
    if isinstance(source, Tensor):
        return _from_tensor(source)
    if isinstance(source, np.ndarray):
        return _picture(from_samples(_checked_array(source), "the array"))
    if isinstance(source, Image.Image):
        return from_pil(source)
    data, name = opening.contents(source)
    if (layout := wide_tiff.layout(data)) is not None:
        return _from_wide_tiff(data, name, layout)
    with opening.opened(data, name) as image:
        return from_pil(image, name)


def measure(source: Source) -> tuple[int, int]:
    """(height, width) that load() would give, from the header alone. Raises ImageError as load() does."""
    if isinstance(source, Tensor):
        return source.shape[-2], source.shape[-1]
    if isinstance(source, np.ndarray):
        return source.shape[0], source.shape[1]
    if isinstance(source, Image.Image):
        return source.height, source.width
    data, name = opening.contents(source)
    if (layout := wide_tiff.layout(data)) is not None:
        opening.check_size(*layout.size, name)
        return layout.size
    with opening.opened(data, name) as image:
        return (image.width, image.height) if _lies_on_its_side(image) else (image.height, image.width)


def _lies_on_its_side(image: Image.Image) -> bool:
    if image.format == "TIFF":  # Pillow has turned its size already
        return False
    if image.format == "PNG" and "exif" not in image.info:  # asking for it would decode the whole picture
        return False
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
    except Exception:  # damaged EXIF, of which the metadata tell
        return False


def from_pil(image: Image.Image, name: str = "the picture") -> Picture:
    """Any mode. Raises ImageError for several frames, for damage, for numbers that are not finite."""
    opening.check(image, name)
    planes = decode(image, name)
    return _picture(planes, metadata.read(image), image.info.get("icc_profile"))


def _picture(planes: Planes, about: Metadata | None = None, icc: bytes | None = None) -> Picture:
    rgb, icc = profiles.fitted(planes.rgb, icc, planes.grey)
    about = about or Metadata()
    return Picture(
        rgb, planes.alpha, icc, about.exif, about.xmp, about.iptc, about.dpi, planes.depth, planes.grey
    )


def to_pil(picture: Picture) -> Image.Image:
    """L, LA, RGB or RGBA, and I;16 for opaque grey of 16 bits, with profile, EXIF, XMP and DPI in `info`."""
    values = to_array(picture)
    if picture.depth == 16 and values.ndim == 3:  # Pillow has no mode for it
        values = _to_integers(_planes(picture), 8)
    image = Image.fromarray(values)
    about = {"icc_profile": picture.icc, "exif": picture.exif, "xmp": picture.xmp, "dpi": picture.dpi}
    image.info |= {name: value for name, value in about.items() if value}
    return image


def to_array(picture: Picture) -> np.ndarray:
    """(H, W) of an opaque grey picture, (H, W, C) with C = 2 (grey and alpha), 3 or 4 of the others; uint8,
    or uint16 where depth is 16.
    """
    values = _to_integers(_planes(picture), picture.depth)
    return values[..., 0] if values.shape[2] == 1 else values


def _planes(picture: Picture) -> Tensor:
    """(C, H, W), C = 1 to 4."""
    colours = picture.rgb[:1] if picture.grey else picture.rgb
    return colours if picture.alpha is None else torch.cat((colours, picture.alpha))


def _to_integers(planes: Tensor, depth: int) -> np.ndarray:
    scaled = planes.detach().cpu().clamp(0, 1).mul_(2**depth - 1).round_()
    return scaled.permute(1, 2, 0).numpy().astype(np.uint8 if depth == 8 else np.uint16, order="C")


def _from_wide_tiff(data: bytes, name: str, layout: wide_tiff.Layout) -> Picture:
    opening.check_size(*layout.size, name)
    about, icc = metadata.of_tiff(data)
    return _picture(from_samples(wide_tiff.read(data, layout, name), name), about, icc)


def _checked_array(array: np.ndarray) -> Samples:
    if array.dtype not in (np.uint8, np.uint16):
        raise ImageError(
            f"The array holds {array.dtype}; give uint8 or uint16, or a float tensor (3, H, W) in [0, 1]."
        )
    values = array[..., None] if array.ndim == 2 else array
    if values.ndim != 3 or values.shape[2] not in (1, 3, 4) or not array.size:
        raise ImageError(f"The array has shape {array.shape}; give (H, W), (H, W, 3) or (H, W, 4).")
    return values


def _from_tensor(image: Tensor) -> Picture:
    if image.ndim != 3 or image.shape[0] != 3 or not image.numel() or not image.is_floating_point():
        raise ImageError(f"The tensor is {image.dtype} {tuple(image.shape)}; give float (3, H, W) in [0, 1].")
    if not image.isfinite().all():
        raise ImageError("The tensor holds values that are not finite.")
    return Picture(image.detach().float().cpu())
