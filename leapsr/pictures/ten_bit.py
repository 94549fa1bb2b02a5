"""AVIF and HEIC with 10 or 12 bits for each colour, which Pillow and its plugin hand out as 8.

The libraries of the extras know all bits: imagecodecs those of AVIF, pillow-heif those of HEIC.
"""

import io
import logging

import numpy as np
from PIL import ExifTags, Image, ImageFile

from ..errors import MissingExtra, optional
from .open_file import check_announced
from .orientation import upright_array
from .sixteen_bit import Samples

logger = logging.getLogger(__name__)

_CONFIGURATION = b"av1C"
_MORE_THAN_8, _TWELVE = 0x40, 0x20
"""Flags in the third byte of that box (AV1 in ISOBMFF, section 2.3.3)."""


def samples(image: Image.Image, name: str) -> Samples | None:
    """Of such a file that was opened and not yet decoded; None where it has 8 bits or is of another format.

    A warning, and None, for an AVIF where imagecodecs is missing. Raises what the decoders raise on damaged
    data.
    """
    if not isinstance(image, ImageFile.ImageFile) or image.fp is None:
        return None
    if image.format == "HEIF" and image.info.get("bit_depth", 8) > 8:
        return _of_heic(_file(image), image.tell(), image.info["bit_depth"], image.size)
    if image.format == "AVIF" and (bits := _bits_of_avif(data := _file(image))) > 8:
        return _of_avif(data, bits, image, name)
    return None


def _file(image: ImageFile.ImageFile) -> bytes:
    assert image.fp is not None
    image.fp.seek(0)
    return image.fp.read()


def _of_heic(data: bytes, which: int, bits: int, announced: tuple[int, int]) -> Samples:
    """libheif has turned it upright already."""
    pillow_heif = optional("pillow_heif", "heif")
    file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)
    values = np.asarray(file[which])
    check_announced(values.shape[1::-1], announced)
    return _in_sixteen_bits(values, bits)


def _bits_of_avif(data: bytes) -> int:
    """Of the first item, which the others follow; 8 where the file does not say."""
    place = data.find(_CONFIGURATION) + len(_CONFIGURATION)
    flags = data[place + 2] if place >= len(_CONFIGURATION) and place + 2 < len(data) else 0
    return 8 if not flags & _MORE_THAN_8 else 12 if flags & _TWELVE else 10


def _of_avif(data: bytes, bits: int, image: Image.Image, name: str) -> Samples | None:
    try:
        imagecodecs = optional("imagecodecs", "formats")
    except MissingExtra as error:
        logger.warning("%s was read as 8 of its %d bits. %s", name, bits, error)
        return None
    values = imagecodecs.avif_decode(data)
    check_announced(values.shape[1::-1], image.size)
    return upright_array(_in_sixteen_bits(values, bits), image.getexif().get(ExifTags.Base.Orientation, 1))


def _in_sixteen_bits(values: np.ndarray, bits: int) -> Samples:
    """So that the greatest number of `bits` becomes 65,535."""
    top = 2**bits - 1
    scaled = (np.minimum(values, top).astype(np.uint32) * 65_535 + top // 2) // top
    return (scaled if scaled.ndim == 3 else scaled[..., None]).astype(np.uint16)
