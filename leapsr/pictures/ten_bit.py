"""AVIF and HEIC with 10 or 12 bits for each colour, which Pillow and its plugin reduce to 8.

Libraries of the extras read all bits: imagecodecs of AVIF, pillow-heif of HEIC.
"""

import io
import logging

import numpy as np
from PIL import ExifTags, Image, ImageFile

from ..errors import MissingExtra, optional
from .open_file import check_announced, file_bytes
from .orientation import CLEAN_APERTURE, upright_array

logger = logging.getLogger(__name__)

_CONFIGURATION = b"av1C"
_MORE_THAN_8, _TWELVE = 0x40, 0x20
"""Flags in the third byte of that box (AV1 in ISOBMFF, section 2.3.3)."""


def read(image: Image.Image, name: str) -> np.ndarray | None:
    """(H, W, C) uint16, upright; None for 8 bits and other formats.

    image: opened and not yet decoded. Without imagecodecs an AVIF gives None and a warning. Raises what the
    decoders raise for damaged data.
    """
    if not isinstance(image, ImageFile.ImageFile) or image.fp is None:
        return None
    if image.format == "HEIF" and image.info.get("bit_depth", 8) > 8:
        return _of_heic(file_bytes(image), image.tell(), image.info["bit_depth"], image.size)
    if image.format == "AVIF" and (bits := _bits_of_avif(data := file_bytes(image))) > 8:
        return _of_avif(data, bits, image, name)
    return None


def _of_heic(data: bytes, which: int, bits: int, announced: tuple[int, int]) -> np.ndarray:
    """libheif has turned it upright already."""
    pillow_heif = optional("pillow_heif", "heif")
    file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)
    values = np.asarray(file[which])
    check_announced(values.shape[1::-1], announced)
    return _in_sixteen_bits(values, bits)


def _bits_of_avif(data: bytes) -> int:
    """By the first configuration box, which holds for all items; 8 where there is none."""
    place = data.find(_CONFIGURATION) + len(_CONFIGURATION)
    flags = data[place + 2] if place >= len(_CONFIGURATION) and place + 2 < len(data) else 0
    return 8 if not flags & _MORE_THAN_8 else 12 if flags & _TWELVE else 10


def _of_avif(data: bytes, bits: int, image: Image.Image, name: str) -> np.ndarray | None:
    try:
        imagecodecs = optional("imagecodecs", "formats")
    except MissingExtra as error:
        logger.warning("%s was read as 8 of its %d bits. %s", name, bits, error)
        return None
    values = imagecodecs.avif_decode(data)
    check_announced(values.shape[1::-1], image.size)
    left, top, right, bottom = image.info.get(CLEAN_APERTURE, (0, 0, *image.size))
    values = values[top:bottom, left:right]
    return upright_array(_in_sixteen_bits(values, bits), image.getexif().get(ExifTags.Base.Orientation, 1))


def _in_sixteen_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """Scaled so that the largest value of `bits` becomes 65,535."""
    top = 2**bits - 1
    scaled = (np.minimum(values, top).astype(np.uint32) * 65_535 + top // 2) // top
    return (scaled if scaled.ndim == 3 else scaled[..., None]).astype(np.uint16)
