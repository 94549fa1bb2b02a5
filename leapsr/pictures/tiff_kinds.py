"""What the samples of a TIFF stand for, which kinds are read, and by which library.

Kinds that are not in this list are refused by name, because readers differ in what they make of them: they
would become wrong pictures (negatives, black, bands of grey) without any error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from PIL import Image, ImagePalette, TiffImagePlugin

from ..errors import ImageError
from . import jpeg_kinds
from . import tiff_pages as tags
from .tiff_pages import Page

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
UNSIGNED, FLOAT = 1, 3
GREY = (WHITE_IS_ZERO, BLACK_IS_ZERO)
SEPARATE = 2

_COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, LAB: 3}
_BITS = {
    WHITE_IS_ZERO: (1, 2, 4, 8, 10, 12, 14, 16, 32),
    BLACK_IS_ZERO: (1, 2, 4, 8, 10, 12, 14, 16, 32),
    RGB: (8, 10, 12, 14, 16, 32),
    PALETTE: (1, 2, 4, 8),
    CMYK: (8, 16),
    YCBCR: (8,),
    LAB: (8,),
}
"""Of unsigned integers that are read."""
_FLOAT_BITS = (16, 32, 64)
_NAMES = {
    WHITE_IS_ZERO: "grey",
    BLACK_IS_ZERO: "grey",
    RGB: "RGB",
    PALETTE: "a palette",
    4: "a mask",
    CMYK: "CMYK",
    YCBCR: "YCbCr",
    LAB: "L*a*b*",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32_844: "LogL",
    32_845: "LogLuv",
    51_177: "depth",
}
_FORMATS = {
    2: "signed integers",
    4: "samples of no declared kind",
    5: "complex integers",
    6: "complex numbers",
}
_BILEVEL = (2, 3, 4)
"""Compressions of fax, in which 0 is white where nothing else is said."""
_OLD_JPEG, _JPEG = 6, 7
_HEADER_OF_JPEG = 1 << 16
"""Bytes of a strip that are looked at: its tables and the size of the picture are first."""
_WEBP = 50_001
_OTHER_INKS = 2
_MOST_EXTRA = 3
"""Samples of RGB, and CMYK of 8 bits, beyond the colours; those that are no alpha are left out."""
_DOTS = {(0, 255), (0, 65_535)}
ALPHA = (1, 2)
"""Premultiplied, and not."""


@dataclass(frozen=True)
class Kind:
    """photometric: what the colours are; None where the file does not say. samples: of each pixel. bits,
    formats: of each sample; format 1 is unsigned, 3 floating point. planes: 2 is one plane for each colour.
    extra: what the samples beyond the colours are, 1 is premultiplied alpha, 2 is alpha, 0 is not said.
    fill_order: 2 has the lowest bit first. inks: 2 is other inks than CMYK. dots: the numbers of no ink and
    of full ink, nothing where they are not said. layers: of a volume, 1 of a picture.
    """

    photometric: int | None
    samples: int
    bits: tuple[int, ...]
    formats: tuple[int, ...]
    planes: int
    extra: tuple[int, ...]
    compression: int
    fill_order: int
    inks: int
    dots: tuple[int, ...]
    layers: int
    big_endian: bool
    big_endian_bigtiff: bool

    @classmethod
    def of(cls, page: Page) -> Self:
        compression = page.number(tags.COMPRESSION, 1)
        said = page.tags.get(tags.PHOTOMETRIC)
        if compression == _OLD_JPEG:
            said = (YCBCR,)
        elif said is None and compression in _BILEVEL:
            said = (WHITE_IS_ZERO,)
        samples = page.number(tags.SAMPLES, 3 if compression == _OLD_JPEG else 1)
        if said == (YCBCR,) and samples == 1:  # as some writers of JPEG in TIFF have it
            said = (BLACK_IS_ZERO,)
        return cls(
            said[0] if said else None,
            samples,
            (page.tags.get(tags.BITS) or (1,))[: max(samples, 1)],
            page.tags.get(tags.SAMPLE_FORMAT) or (UNSIGNED,),
            page.number(tags.PLANES, 1),
            page.tags.get(tags.EXTRA, ()),
            compression,
            page.number(tags.FILL_ORDER, 1),
            page.number(tags.INK_SET, 1),
            page.tags.get(tags.DOT_RANGE, ()),
            page.number(tags.IMAGE_DEPTH, 1),
            page.big_endian,
            page.is_big_endian_bigtiff,
        )

    def check(self, name: str) -> None:
        """Raises ImageError, which names what the file holds, for what is not read."""
        if (what := self._unread()) is not None:
            raise ImageError(
                f"{name} is a TIFF of {what}, which is not read; "
                "convert it to grey or RGB of 8 or 16 bits first."
            )

    def _unread(self) -> str | None:
        colours, bits, kind = self.photometric, self.bits[0], self.formats[0]
        if colours is None:
            return "numbers that may stand for anything (it has no PhotometricInterpretation)"
        if colours not in _COLOURS:
            return _NAMES.get(colours, f"an unknown kind (PhotometricInterpretation {colours})")
        named, more = _NAMES[colours], self.samples - _COLOURS[colours]
        if len(set(self.bits)) > 1 or len(set(self.formats)) > 1:
            return f"{named} whose samples differ in kind"
        if kind in _FORMATS:
            return f"{named} of {_FORMATS[kind]} ({bits} bits)"
        if kind not in (UNSIGNED, FLOAT):
            return f"{named} of an unknown kind of number (SampleFormat {kind})"
        if (
            (colours not in (*GREY, RGB) or bits not in _FLOAT_BITS)
            if kind == FLOAT
            else bits not in _BITS[colours]
        ):
            return f"{named} of {bits} bits{' in floating point' if kind == FLOAT else ''}"
        if colours == CMYK and self.inks == _OTHER_INKS:
            return "inks other than CMYK"
        if colours == CMYK and not set(zip(self.dots[::2], self.dots[1::2], strict=False)) <= _DOTS:
            return "CMYK in another range of numbers (DotRange)"
        if self.layers > 1:
            return f"{self.layers} layers, one behind the other"
        if more < 0 or more > (_MOST_EXTRA if colours == RGB or (colours == CMYK and bits == 8) else 1):
            return f"{named} with {self.samples} samples for each pixel"
        if more and (colours in (YCBCR, LAB) or (colours == CMYK and any(self.extra))):
            return f"{named} with transparency"
        if self.planes == SEPARATE and (
            colours == LAB or (colours == CMYK and (more or bits > 8))  # which Pillow takes for another kind
        ):
            return f"{named} in separate planes"
        if colours not in (*GREY, RGB) and not self._has_a_decoder:
            return f"{named} in compression {self.compression}"
        if colours not in (*GREY, RGB) and self.big_endian_bigtiff:
            return f"{named} in a big-endian BigTIFF"
        return None

    @property
    def alpha(self) -> int:
        """Which of the samples beyond the colours is alpha; -1 where none is."""
        return next((i for i, kind in enumerate(self.extra) if kind in ALPHA), -1)

    @property
    def _has_a_decoder(self) -> bool:
        """In Pillow; that for WebP does not take what others write."""
        return self.compression in TiffImagePlugin.COMPRESSION_INFO and self.compression != _WEBP

    @property
    def is_beyond_pillow(self) -> bool:
        """Whether Pillow cannot open it or decodes it wrongly.

        (It swaps the bytes of decoded big-endian floats once too often.)
        """
        if self.photometric not in (*GREY, RGB):
            return False
        bits, floating = self.bits[0], self.formats[0] == FLOAT
        if self.big_endian_bigtiff or not self._has_a_decoder:
            return True
        negative, reversed_bits = self.photometric == WHITE_IS_ZERO, self.fill_order != 1
        if self.samples > 4 and (self.planes == SEPARATE or self.alpha > 0 or bits > 8):
            return True
        if bits <= 8:
            return negative and (self.samples == 2 or (bits == 8 and reversed_bits))
        if self.samples == 1 and floating:
            return bits != 32 or reversed_bits or (self.big_endian and self.compression != 1)
        if self.samples == 1:
            return bits != 16 or reversed_bits or (self.big_endian and negative)
        return bits != 16 or floating or self.planes != 1 or reversed_bits or self.samples == 2


def prepare_for_pillow(image: Image.Image) -> None:
    """Correct what Pillow would decode wrongly. image: opened and not yet decoded, of any format.

    Raises ValueError for a TIFF of JPEGs that are smaller than it says.
    """
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tile:
        _check_jpegs(image)
        _leave_to_libtiff(image)
        _read_short_palette(image)


def bytes_of_strips(image: Image.Image) -> tuple[int, int]:
    """The bytes that the strips of an uncompressed TIFF have and need; (0, 0) for other files."""
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


def _check_jpegs(image: TiffImagePlugin.TiffImageFile) -> None:
    """libtiff makes grey of what a narrow JPEG lacks. Raises ValueError."""
    tags = image.tag_v2
    separate = tags.get(TiffImagePlugin.PLANAR_CONFIGURATION, 1) != 1
    if tags.get(TiffImagePlugin.COMPRESSION) != _JPEG or separate or image.fp is None:
        return
    width = tags.get(TiffImagePlugin.TILEWIDTH, tags[TiffImagePlugin.IMAGEWIDTH])
    for place in tags.get(TiffImagePlugin.TILEOFFSETS, tags.get(TiffImagePlugin.STRIPOFFSETS, ())):
        image.fp.seek(place)
        size = jpeg_kinds.size(image.fp.read(_HEADER_OF_JPEG))
        if size is not None and size[1] < width:
            raise ValueError(f"{size[1]} pixels in a row of {width}")


def _read_short_palette(image: TiffImagePlugin.TiffImageFile) -> None:
    """Some writers fill the 16 bits of a palette's levels with 8, and Pillow would make black of them.

    libtiff looks for this, too.
    """
    levels = image.tag_v2.get(TiffImagePlugin.COLORMAP)
    if image.palette is not None and levels and max(levels) <= 255:
        image.palette = ImagePalette.raw("RGB;L", bytes(levels))
