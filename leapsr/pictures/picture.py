"""Files and what programs hold in memory, to and from `Picture`, the one form that leapsr works on."""

import io
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..errors import ImageError
from . import colour_tags, float_tiff, gain_map, icc_profiles, jpeg_xl, metadata, open_file, raw, raw_kinds
from .colour_tags import SRGB, Colours
from .decode import Planes, decode, from_samples
from .metadata import Metadata
from .open_file import READABLE_SUFFIXES
from .orientation import Orientation, upright_size
from .png_text import Text

logger = logging.getLogger(__name__)

__all__ = [
    "READABLE_SUFFIXES",
    "Picture",
    "Source",
    "floats",
    "from_pil",
    "integers",
    "load",
    "measure",
]

Source = str | Path | bytes | bytearray | memoryview | BinaryIO | Image.Image | np.ndarray | Tensor

_WITH_GAIN_MAPS = ("JPEG", "MPO", "HEIF", "AVIF")
_BEYOND = 0.25
"""How far floats may lie outside of [0, 1], as a network's do; further out they are of another range."""


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """pixels: (C, H, W), upright, C = 1 to 4: grey, grey + alpha, RGB, RGBA. As they were given: uint8 or
    uint16, of which the greatest number stands for 1, or float32 in [0, 1]. sRGB unless icc says otherwise;
    the greatest alpha is opaque. icc: a colour profile, of RGB or of grey as the pixels are. exif: starts
    with "Exif", orientation 1. xmp: an XML packet. iptc: records (IIM). dpi: (x, y). depth: 8 or 16, the bits
    of each number in files. text: that of a PNG. gain_map: of an Ultra HDR photo, see `gain_map`: a JPEG.
    """

    pixels: Tensor
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    depth: int = 8
    text: tuple[Text, ...] = ()
    gain_map: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)"""
        return self.pixels.shape[-2], self.pixels.shape[-1]

    @property
    def grey(self) -> bool:
        return len(self.pixels) < 3

    @property
    def has_alpha(self) -> bool:
        return len(self.pixels) in (2, 4)

    @property
    def rgb(self) -> Tensor:
        """(3, H, W) float32 in [0, 1], made anew for every call; three equal planes of grey."""
        own = self.pixels[:-1] if self.has_alpha else self.pixels
        colours = floats(own).expand(3, -1, -1).contiguous()
        return colours.clone() if colours.data_ptr() == own.data_ptr() else colours

    @property
    def alpha(self) -> Tensor | None:
        """(1, H, W) float32 in [0, 1], made anew for every call; None where all is opaque."""
        return floats(self.pixels[-1:]) if self.has_alpha else None

    def with_rgb(self, rgb: Tensor) -> Self:
        """Other colours and the same transparency. rgb: (3, H, W) float32 in [0, 1]; grey takes the first."""
        alpha = [floats(self.pixels[-1:])] if self.has_alpha else []
        return replace(self, pixels=torch.cat([rgb[:1] if self.grey else rgb, *alpha]))

    def without_useless_alpha(self) -> Self:
        """Without an alpha that is opaque everywhere."""
        if not self.has_alpha:
            return self
        alpha = self.pixels[-1:]
        most = 1 if alpha.is_floating_point() else torch.iinfo(alpha.dtype).max
        return replace(self, pixels=self.pixels[:-1]) if bool((alpha == most).all()) else self

    def pil(self) -> Image.Image:
        """L, LA, RGB or RGBA, and I;16 for opaque grey of 16 bits, with profile, EXIF, XMP and DPI in `info`.
        Pillow has no mode for colours of 16 bits: they are rounded to 8, so `save` files from the Picture.
        """
        values = self.numpy()
        if self.depth == 16 and values.ndim == 3:
            values = replace(self, depth=8).rows(0, self.size[0])
        image = Image.fromarray(values)
        kept = {"icc_profile": self.icc, "exif": self.exif, "xmp": self.xmp, "dpi": self.dpi}
        image.info |= {name: value for name, value in kept.items() if value}
        return image

    def numpy(self) -> np.ndarray:
        """(H, W) of an opaque grey picture, (H, W, C) with C = 2 (grey and alpha), 3 or 4 of the others;
        uint8, or uint16 where depth is 16.
        """
        values = self.rows(0, self.size[0])
        return values[..., 0] if values.shape[2] == 1 else values

    def save(self, path: str | Path | BinaryIO, quality: int = 95, file_format: str | None = None) -> None:
        """Write a JPEG, PNG, WebP, AVIF or TIFF, as the suffix of `path` says, with all that is known of the
        picture: profile, EXIF, XMP, IPTC, resolution, 16 bits where the format has them.

        A file of that name is replaced, but only by a complete one.

        Args:
            path: where to; missing folders are made. Or an open file, such as a BytesIO.
            quality: of JPEG, WebP and AVIF, 1 to 100.
            file_format: jpg, png, webp, avif or tiff; None is what the suffix of `path` says.
        Raises:
            OutputError: for a full disk, a missing permission, or a format that cannot hold the picture.
            UsageError: for a quality or format that there is not.
        """
        from .save_file import save  # which needs this module

        save(self, path, quality, file_format)

    def _repr_png_(self) -> bytes:
        """What a notebook shows: at most 1024 pixels a side."""
        image = replace(self, depth=8).pil()
        image.thumbnail((1024, 1024))
        file = io.BytesIO()
        image.save(file, "PNG")
        return file.getvalue()

    def __repr__(self) -> str:
        """Size, colours, depth and what else is known of the picture."""
        height, width = self.size
        colours = ("grey", "grey + alpha", "RGB", "RGBA")[len(self.pixels) - 1]
        kept = [
            name for name in ("icc", "exif", "xmp", "iptc", "dpi", "text", "gain_map") if getattr(self, name)
        ]
        bits = "float" if self.pixels.is_floating_point() else f"{self.depth} bits"
        return f"<Picture {width} x {height}, {colours}, {bits}{''.join(f', {name}' for name in kept)}>"

    def rows(self, top: int, bottom: int) -> np.ndarray:
        """(bottom - top, W, C), uint8, or uint16 where depth is 16: what a file holds of these rows."""
        return integers(self.pixels[:, top:bottom], self.depth)


def floats(pixels: Tensor) -> Tensor:
    """Pixels of a Picture as float32 in [0, 1]."""
    if pixels.is_floating_point():
        return pixels
    return pixels.to(torch.float32) / torch.iinfo(pixels.dtype).max


def integers(pixels: Tensor, depth: int) -> np.ndarray:
    """(C, H, W) pixels of any kind, floats of any range, as (H, W, C) uint8 or, where depth is 16, uint16."""
    wanted = np.uint8 if depth == 8 else np.uint16
    last = pixels.detach().cpu().permute(1, 2, 0)
    if pixels.is_floating_point() or last.numpy().dtype != wanted:
        scaled = floats(last).clamp(0, 1).mul_(2**depth - 1).round_()
        return scaled.numpy().astype(wanted, order="C")
    return np.ascontiguousarray(last.numpy())


def load(source: Source, with_metadata: bool = True) -> Picture:
    """Read a file, or take over what is in memory.

    source: a path; an open file, or the bytes of one; a PIL image; an ndarray (H, W), (H, W, 1), (H, W, 3) or
    (H, W, 4) of uint8, uint16 or floats in [0, 1]; or a float tensor (3, H, W) in [0, 1].
    with_metadata: False leaves out EXIF, XMP, IPTC, resolution and text, which takes less time.
    Raises ImageError, in one sentence that names the file, for everything that cannot be used.
    """
    if isinstance(source, Tensor):
        return _from_tensor(source)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return from_pil(source, with_metadata=with_metadata)
    data, name = open_file.contents(source)
    if raw_kinds.matches(data, name):
        developed = raw.read(data, name, with_metadata)
        return _picture(from_samples(developed.values, name), developed.about)
    if (layout := float_tiff.layout(data, name)) is not None:
        return _from_wide_tiff(data, name, layout)
    if jpeg_xl.matches(data):
        return _from_jpeg_xl(data, name)
    with open_file.opened(data, name) as image:
        return from_pil(image, name, with_metadata)


def measure(source: Source) -> tuple[int, int]:
    """(height, width) that load() would give, from the header alone. Raises ImageError as load() does."""
    if isinstance(source, Tensor):
        return _checked_tensor(source).shape[-2], source.shape[-1]
    if isinstance(source, np.ndarray):
        return _checked_array(source).shape[:2]
    if isinstance(source, Image.Image):
        open_file.check_size(source.height, source.width, "the picture")
        return upright_size(source)
    if isinstance(source, str | Path):
        with (
            suppress(Exception),
            open_file.opened_header(Path(source)) as image,
        ):  # else: what is wrong, below
            colour_tags.read(image, str(source))
            return upright_size(image)
    data, name = open_file.contents(source)
    if raw_kinds.matches(data, name):
        return raw.measure(data, name)
    if (layout := float_tiff.layout(data, name)) is not None:
        open_file.check_size(*layout.size, name)
        return layout.size
    if jpeg_xl.matches(data):
        return _size_of_jpeg_xl(data, name)
    with open_file.opened(data, name) as image:
        colour_tags.read(image, name)  # which may be of a kind that is refused
        return upright_size(image)


def from_pil(image: Image.Image, name: str = "the picture", with_metadata: bool = True) -> Picture:
    """Any mode. Raises ImageError for several frames, for damage, for numbers that are not finite."""
    open_file.check(image, name)
    colours = colour_tags.read(image, name)
    orientation = Orientation.of(image)
    has_map = with_metadata and image.format in _WITH_GAIN_MAPS
    data = open_file.file_bytes(image) if has_map else b""  # reading the whole file is for these alone
    gains = gain_map.read(data, orientation)
    if gain_map.is_left_out(data):
        logger.warning("The gain map of %s, for HDR screens, cannot be kept.", name)
    planes = decode(image, name)
    about = metadata.read(image, name, orientation) if with_metadata else None
    return replace(_picture(planes, about, colours), gain_map=gains)


def _picture(planes: Planes, about: Metadata | None = None, colours: Colours = SRGB) -> Picture:
    about = about or Metadata()
    pixels, grey = planes.pixels, len(planes.pixels) < 3
    icc = colours.profile(grey)
    if (tone := icc_profiles.curve_of_grey(icc, grey)) is not None:
        pixels = _toned(pixels, tone)
    icc = icc if icc_profiles.fits(icc, grey) else None
    return Picture(pixels, icc, about.exif, about.xmp, about.iptc, about.dpi, planes.depth, about.text)


def _toned(pixels: Tensor, tone: icc_profiles.Tone) -> Tensor:
    """Grey pixels in the tone of sRGB, in 16 bits."""
    values = floats(pixels).clone()
    values[:1] = tone.to_srgb(values[:1])
    return torch.from_numpy(integers(values, 16)).permute(2, 0, 1)


def _from_wide_tiff(data: bytes, name: str, layout: float_tiff.Layout) -> Picture:
    open_file.check_size(*layout.size, name)
    open_file.check_memory(*layout.size, name)
    about, colours = metadata.of_tiff(data, name, Orientation(layout.orientation, layout.size))
    return _picture(from_samples(float_tiff.read(data, layout, name), name), about, colours)


def _checked_array(array: np.ndarray) -> np.ndarray:
    if array.dtype not in (np.uint8, np.uint16) and array.dtype.kind != "f":
        raise ImageError(f"The array holds {array.dtype}; give uint8, uint16, or floats in [0, 1].")
    values = array[..., None] if array.ndim == 2 else array
    if values.ndim != 3 or values.shape[2] not in (1, 3, 4) or not array.size:
        raise ImageError(f"The array has shape {array.shape}; give (H, W), (H, W, 3) or (H, W, 4).")
    return values


def _from_jpeg_xl(data: bytes, name: str) -> Picture:
    size = _size_of_jpeg_xl(data, name)
    open_file.check_memory(*size, name)
    found = jpeg_xl.read(data, name)
    about = metadata.of_blocks(found.exif, found.xmp, size, name)
    return _picture(from_samples(found.values, name), about, found.colours)


def _size_of_jpeg_xl(data: bytes, name: str) -> tuple[int, int]:
    told = jpeg_xl.header(data, name)
    open_file.check_size(told.height, told.width, name)
    return told.height, told.width


def _from_array(array: np.ndarray) -> Picture:
    values = _checked_array(array)
    if values.dtype.kind != "f":
        return _picture(from_samples(values, "the array"))
    pixels = torch.from_numpy(values.astype(np.float32)).permute(2, 0, 1)
    _check_range(pixels, "array")
    return Picture(pixels)


def _check_range(values: Tensor, kind: str) -> None:
    if not values.isfinite().all():
        raise ImageError(f"The {kind} holds values that are not finite.")
    low, high = (bound.item() for bound in values.aminmax())
    if low < 0 - _BEYOND or high > 1 + _BEYOND:
        raise ImageError(f"The {kind} holds values from {low:g} to {high:g}; give floats in [0, 1].")


def _checked_tensor(image: Tensor) -> Tensor:
    if image.ndim != 3 or image.shape[0] != 3 or not image.numel() or not image.is_floating_point():
        raise ImageError(f"The tensor is {image.dtype} {tuple(image.shape)}; give float (3, H, W) in [0, 1].")
    return image


def _from_tensor(image: Tensor) -> Picture:
    values = _checked_tensor(image).detach().float().cpu()
    _check_range(values, "tensor")
    return Picture(values)
