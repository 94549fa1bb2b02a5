"""The colour space of a file, by its ICC profile or the tags of its own format.

Where a format has several, its standard says which one counts. A file without any is sRGB.
"""

import logging
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

from ..errors import ImageError
from . import heif_properties
from .colour_spaces import ADOBE_RGB, D65, HDR_TONES, PRIMARIES, TONES, ColourSpace, Point, Tone
from .ifd import Block
from .open_file import file_bytes
from .png_chunks import find_chunk
from .png_text import info_without_text

logger = logging.getLogger(__name__)

_BMP_HEADER, _BMP_HEADERS = 14, (108, 124)
"""Where it begins, and its sizes in versions 4 and 5."""
_EMBEDDED, _LINKED = b"DEBM", b"KNIL"
"""Four letters, as a number in the order of Windows."""
_TRANSFER, _WHITE, _PRIMARIES, _PHOTOMETRIC, _PROFILE = 301, 318, 319, 262, 34_675
_REFERENCES, _RGB = 532, 2
"""The numbers of black and white in TIFF 6.0, section 20."""
_NARROW = "{} has colours in the narrow range of video; convert it to sRGB first."
_EXIF_HEADER = b"Exif\0\0"
_CONVERTED = ("CMYK", "LAB")
"""Modes that become sRGB when they are decoded."""
_SRGB_PRIMARIES = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_ADOBE_OF_EXIF, _NO_SRGB_OF_EXIF, _INDEX = 2, 65_535, 1


@dataclass(frozen=True)
class Colours:
    """icc: the profile in the file. space: a colour space stated otherwise. Neither: sRGB."""

    icc: bytes | None = None
    space: ColourSpace | None = None

    def profile(self, grey: bool) -> bytes | None:
        """For the pixels as they are, grey or RGB."""
        return self.icc if self.space is None else self.space.profile(grey)


SRGB = Colours()


def read(image: Image.Image, name: str) -> Colours:
    """image: opened and not yet decoded. Raises ImageError for HDR and unknown colours.

    Damaged statements are left out with a warning.
    """
    about = info_without_text(image)
    icc = about.get("icc_profile")
    if icc is None and "icc_profile" in about:
        logger.warning("The colour profile of %s is damaged and was left out.", name)
    reader = _READERS.get(image.format or "")
    try:
        found = reader(image, name) if reader is not None else None
    except (ValueError, ArithmeticError, IndexError, TypeError, struct.error) as error:
        logger.warning("What %s says of its colours makes no sense and was left out: %s.", name, error)
        found = None
    return Colours(icc) if found is None else found


def of_tiff(tags: Mapping[int, Any], name: str) -> Colours:
    """tags: of the directory of the photo."""
    blacks = tags.get(_REFERENCES, ())[::2]
    if tags.get(_PHOTOMETRIC) == _RGB and blacks and all(blacks):  # YCbCr's own, which is common, has a 0
        raise ImageError(_NARROW.format(name))
    icc = tags.get(_PROFILE)
    if isinstance(icc, bytes) and icc:
        return Colours(icc)
    try:
        return Colours(space=_space_of_tiff(tags))
    except (ValueError, ArithmeticError, TypeError) as error:
        logger.warning("What %s says of its colours makes no sense and was left out: %s.", name, error)
        return SRGB


def of_code_points(primaries: int, transfer: int, name: str) -> Colours:
    """ITU-T H.273. Raises ImageError for those that are not known here."""
    if transfer in HDR_TONES:
        raise ImageError(
            f"{name} is an HDR picture ({HDR_TONES[transfer]}), brighter than white; convert it to SDR first."
        )
    if primaries not in PRIMARIES or transfer not in TONES:
        raise ImageError(
            f"{name} has colours of a kind that is not read (primaries {primaries}, transfer {transfer} of "
            "H.273); convert it to sRGB first."
        )
    return Colours(space=ColourSpace.of(PRIMARIES[primaries], TONES[transfer]))


# PNG


def _of_png(image: Image.Image, name: str) -> Colours | None:
    """PNG, third edition, section 4.3: cICP counts before iCCP, sRGB, and gAMA with cHRM."""
    file = image.fp if isinstance(image, ImageFile.ImageFile) else None
    code = None if file is None else find_chunk(file, b"cICP", end=b"IDAT")
    if code is not None and len(code) == 4:
        primaries, transfer, _, full = code
        if not full:
            raise ImageError(_NARROW.format(name))
        return of_code_points(primaries, transfer, name)
    about = info_without_text(image)
    if about.get("icc_profile"):
        return None
    if "srgb" in about:
        return SRGB
    gamma, points = about.get("gamma"), about.get("chromaticity")
    tone = Tone() if gamma is None else Tone(round(1 / gamma, 3))
    if points is None:
        return Colours(space=ColourSpace(tone=tone).as_meant())
    white, red, green, blue = _pairs(points)
    return Colours(space=ColourSpace(red, green, blue, white, tone).as_meant())


def _pairs(numbers: Any) -> list[Point]:
    values = [float(number) for number in numbers]
    return [pair for i, pair in enumerate(pairwise(values)) if i % 2 == 0]


# AVIF and HEIC


def _of_heif(image: Image.Image, name: str) -> Colours | None:
    nclx = image.info.get("nclx_profile")
    if not nclx or image.info.get("icc_profile"):
        return None
    return of_code_points(nclx["color_primaries"], nclx["transfer_characteristics"], name)


def _of_avif(image: Image.Image, name: str) -> Colours | None:
    if image.info.get("icc_profile") or not (data := file_bytes(image)):
        return None
    nclx = next(
        (body for kind, body in heif_properties.of_primary(data) if kind == b"colr" and body[:4] == b"nclx"),
        None,
    )
    if nclx is None:
        return None
    primaries, transfer = struct.unpack_from(">HH", nclx, 4)
    return of_code_points(primaries, transfer, name)


# BMP


def _of_bmp(image: Image.Image, name: str) -> Colours | None:
    """The headers of version 4 and 5: a profile, or primaries as XYZ and a gamma for each."""
    data = file_bytes(image, _BMP_HEADER)
    size = int.from_bytes(data[:4], "little")
    if size not in _BMP_HEADERS:
        return None
    if data[56:60] == _LINKED:
        raise ImageError(f"{name} has its colour profile in another file; convert it to sRGB first.")
    if data[56:60] == _EMBEDDED and size == _BMP_HEADERS[1]:
        start, length = struct.unpack_from("<II", data, 112)
        return Colours(data[start : start + length])
    if data[56:60] != bytes(4) or not any(data[60:96]):
        return None
    ends = np.array(struct.unpack_from("<9i", data, 60)).reshape(3, 3) / 2**30
    gammas = [gamma / 65_536 for gamma in struct.unpack_from("<3I", data, 96)]
    gammas = [1 / gamma if 0 < gamma < 1 else gamma for gamma in gammas]  # some state how to encode
    white = (
        ends.sum(0) if np.abs(ends.sum(1) - 1).max() > 0.01 else None
    )  # of chromaticities it cannot be told
    red, green, blue = (_chromaticity(end) for end in ends)
    space = ColourSpace(red, green, blue, D65 if white is None else _chromaticity(white))
    if not any(gammas):
        return Colours(space=space)
    table = np.linspace(0, 1, 1024) ** np.array(gammas)[:, None]
    tone = Tone(gammas[0]) if len(set(gammas)) == 1 else Tone(table=table)
    return Colours(space=ColourSpace.of(space, tone).as_meant())


def _chromaticity(xyz: np.ndarray) -> Point:
    if xyz.sum() <= 0:
        raise ValueError("a primary that is none")
    return float(xyz[0] / xyz.sum()), float(xyz[1] / xyz.sum())


# TIFF, and what EXIF says


def _of_tiff_image(image: Image.Image, name: str) -> Colours | None:
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return None
    found = of_tiff(image.tag_v2, name)
    return found if found != SRGB else _of_exif(image, name)


def _space_of_tiff(tags: Mapping[int, Any]) -> ColourSpace | None:
    """TIFF 6.0, section 20. Photometric 1 to 3 are grey, RGB and palettes."""
    if tags.get(_PHOTOMETRIC) not in (1, 2, 3) or not {_TRANSFER, _PRIMARIES} & set(tags):
        return None
    points = tags.get(_PRIMARIES)
    red, green, blue = _pairs(points) if points else _pairs(_SRGB_PRIMARIES)
    white = _pairs(tags[_WHITE])[0] if points and _WHITE in tags else D65
    return ColourSpace(red, green, blue, white, _tone_of_tiff(tags.get(_TRANSFER)))


def _tone_of_tiff(numbers: Any) -> Tone:
    """Tables of 2 to the power of the bits, one for all colours or one for each."""
    if numbers is None:
        return Tone()
    values = np.array(numbers, np.float64) / 65_535
    rows = values.reshape(1 if len(values).bit_count() == 1 else 3, -1)
    if rows.shape[1] < 2 or (np.diff(rows) < 0).any() or (rows[:, -1] - rows[:, 0] < 0.5).any():
        raise ValueError("a tone curve that falls")
    tone = Tone(table=rows)
    return Tone() if tone.is_srgb else tone


def _of_exif(image: Image.Image, name: str) -> Colours | None:
    """DCF 2.0: cameras say by "R03" and a colour space that is not sRGB that it is Adobe RGB."""
    if image.info.get("icc_profile") or image.mode in _CONVERTED:
        return None
    raw = image.info.get("exif", b"")
    if image.format == "TIFF":  # which is a block of EXIF itself
        raw = file_bytes(image)
    space, index = 0, b""
    with suppress(ValueError, LookupError, struct.error):  # of damaged EXIF: reading the block tells
        block = Block(raw.removeprefix(_EXIF_HEADER))
        entries, _ = block.directory(block.first)
        about, _ = block.directory(block.values(entries[ExifTags.Base.ExifOffset])[0])
        space = block.values(about[ExifTags.Base.ColorSpace])[0]
        if ExifTags.IFD.Interop in about:
            further, _ = block.directory(block.values(about[ExifTags.IFD.Interop])[0])
            index = block.raw(further[_INDEX])
    is_adobe = space == _ADOBE_OF_EXIF or (space == _NO_SRGB_OF_EXIF and index.startswith(b"R03"))
    return Colours(space=ADOBE_RGB) if is_adobe else None


_READERS: dict[str, Callable[[Image.Image, str], Colours | None]] = {
    "PNG": _of_png,
    "AVIF": _of_avif,
    "HEIF": _of_heif,
    "BMP": _of_bmp,
    "TIFF": _of_tiff_image,
    "JPEG": _of_exif,
    "MPO": _of_exif,
    "WEBP": _of_exif,
}
