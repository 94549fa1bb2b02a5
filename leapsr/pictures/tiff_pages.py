"""The directories of a TIFF, and which of them is the photo.

One photo may come with further directories: smaller copies of it (a thumbnail, the levels of a pyramid) and
masks, marked by NewSubfileType (TIFF 6.0, page 36). A RAW photo of a camera often is a TIFF too; what stands
first in it is a small preview, and what the sensor saw lies in a directory for RAW converters.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from PIL import TiffImagePlugin

from ..errors import ImageError

NEW_SUBFILE, SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
FILL_ORDER, ORIENTATION, SAMPLES, STRIP_BYTES, PLANES, TILE_BYTES = 266, 274, 277, 279, 284, 325
SUB_DIRECTORIES, INK_SET, EXTRA, SAMPLE_FORMAT, JPEG_OFFSET, DNG_VERSION = 330, 332, 338, 339, 513, 50_706
DOT_RANGE, IMAGE_DEPTH = 336, 32_997
_TAGS = {
    NEW_SUBFILE,
    SUBFILE,
    WIDTH,
    HEIGHT,
    BITS,
    COMPRESSION,
    PHOTOMETRIC,
    FILL_ORDER,
    ORIENTATION,
    SAMPLES,
}
_TAGS |= {PLANES, SUB_DIRECTORIES, INK_SET, EXTRA, SAMPLE_FORMAT, JPEG_OFFSET, DNG_VERSION}
_TAGS |= {DOT_RANGE, IMAGE_DEPTH}
_MOST_VALUES = 64
"""Of a tag that are read; no photo has more samples or sub-directories."""

_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
"""Of the types that hold whole numbers, those of BigTIFF too."""
_REDUCED, _MASK, _OLD_REDUCED = 1, 4, 2
_SENSOR = (32_803, 34_892)
"""PhotometricInterpretation of what a sensor saw: a mosaic of colours, and linear RAW (DNG 1.4)."""
_OLD_JPEG = 6


@dataclass(frozen=True)
class Page:
    """offset: where its directory lies. pointer: where in the file the place of the following one stands.
    tags: those that hold whole numbers and are used here. big: BigTIFF.
    """

    offset: int
    pointer: int
    tags: dict[int, tuple[int, ...]]
    big_endian: bool
    big: bool

    def number(self, tag: int, default: int = 0) -> int:
        return (self.tags.get(tag) or (default,))[0]

    @property
    def is_beside_a_photo(self) -> bool:
        """Whether it is a smaller copy or a mask of a photo."""
        return bool(self.number(NEW_SUBFILE) & (_REDUCED | _MASK)) or self.number(SUBFILE) == _OLD_REDUCED

    @property
    def is_preview_of_raw(self) -> bool:
        """As far as it says itself."""
        return self.is_beside_a_photo and (SUB_DIRECTORIES in self.tags or DNG_VERSION in self.tags)

    @property
    def is_exif_thumbnail(self) -> bool:
        return self.number(COMPRESSION) == _OLD_JPEG and JPEG_OFFSET in self.tags

    @property
    def is_big_endian_bigtiff(self) -> bool:
        """Of which Pillow does not know the header."""
        return self.big_endian and self.big


class Directories:
    """Of a TIFF or BigTIFF. Raises ValueError for other bytes, and when reading beyond the end."""

    def __init__(self, data: bytes) -> None:
        orders = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
        if data[:4] not in orders:
            raise ValueError("no TIFF header")
        self.data, self.order, self.big = data, orders[data[:4]], b"+" in data[:4]
        self.place = "Q" if self.big else "I"
        self.first = 8 if self.big else 4
        """Where the place of directory 0 stands."""

    def chain(self) -> Iterator[Page]:
        """One after the other; where the last points back, it is the last."""
        seen, pointer = set(), self.first
        while (offset := self._unpack(self.place, pointer)[0]) and offset not in seen:
            seen.add(offset)
            page = self.page(offset)
            yield page
            if page.pointer + struct.calcsize(self.place) > len(self.data):
                return  # some writers leave out that nothing follows
            pointer = page.pointer

    def page(self, offset: int) -> Page:
        start, end = self._extent(offset)
        tags = {
            tag: self._unpack(f"{min(count, _MOST_VALUES)}{_CODES[kind]}", at)
            for tag, kind, count, at in self._entries(start, end)
            if tag in _TAGS and kind in _CODES
        }
        return Page(offset, end, tags, self.order == ">", self.big)

    def raw(self, page: Page, tag: int) -> bytes | None:
        """The value of a tag of bytes, such as a colour profile; None where there is none."""
        for found, _, count, at in self._entries(*self._extent(page.offset)):
            if found == tag:
                return self.data[at : at + count]
        return None

    def bytes_of_pixels(self, page: Page) -> int:
        return sum(
            sum(self._unpack(f"{count}{_CODES[kind]}", at))
            for tag, kind, count, at in self._entries(*self._extent(page.offset))
            if tag in (STRIP_BYTES, TILE_BYTES) and kind in _CODES
        )

    def below(self, pages: list[Page]) -> list[Page]:
        """The sub-directories; those that are damaged are left out."""
        found = []
        for offset in (offset for page in pages for offset in page.tags.get(SUB_DIRECTORIES, ())):
            with suppress(ValueError):
                found.append(self.page(offset))
        return found

    def _extent(self, offset: int) -> tuple[int, int]:
        """Where the entries of the directory begin and end."""
        head, size = ("Q", 20) if self.big else ("H", 12)
        (count,) = self._unpack(head, offset)
        start = offset + struct.calcsize(self.order + head)
        if start + size * count > len(self.data):
            raise ValueError("a directory that ends beyond the file")
        return start, start + size * count

    def _entries(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Tag, type, how many values, and where they lie."""
        size, inside = (20, 8) if self.big else (12, 4)
        for entry in range(start, end, size):
            tag, kind, count = self._unpack("HH" + self.place, entry)
            if count > len(self.data):
                raise ValueError("more values than the file has bytes")
            at = entry + size - inside
            if count * struct.calcsize(_CODES.get(kind, "B")) > inside:
                (at,) = self._unpack(self.place, at)
            yield tag, kind, count, at

    def alone(self, page: Page) -> bytes:
        """The file with this page as its only one; nothing in it moves."""
        changed = bytearray(self.data)
        struct.pack_into(self.order + self.place, changed, self.first, page.offset)
        if page.pointer + struct.calcsize(self.order + self.place) <= len(changed):
            struct.pack_into(self.order + self.place, changed, page.pointer, 0)
        return bytes(changed)

    def _unpack(self, codes: str, offset: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self.order + codes, self.data, offset)
        except (struct.error, OverflowError) as error:
            raise ValueError("a directory that points beyond the end") from error


def first_page(data: bytes) -> Page | None:
    """None for what is no TIFF and for damage."""
    try:
        return next(Directories(data).chain(), None)
    except ValueError:
        return None


def page_of(image: TiffImagePlugin.TiffImageFile) -> Page:
    """The one that an image opened by Pillow shows."""
    found = {tag: image.tag_v2.get(tag) for tag in _TAGS}  # None too where a tag is there and empty
    rows = {
        tag: value if isinstance(value, tuple) else (value,)
        for tag, value in found.items()
        if value is not None
    }
    numbers = {tag: row for tag, row in rows.items() if all(isinstance(number, int) for number in row)}
    return Page(0, 0, numbers, image.tag_v2.prefix == b"MM", big=False)


def photo(data: bytes, name: str) -> bytes:
    """The file, with its photo as the only page; as it is where it is no TIFF or is damaged.

    Raises ImageError for several pages, and where there is a preview only.
    """
    try:
        file = Directories(data)
        pages = list(file.chain())
        found = _photos(file, pages)
    except ValueError:
        return data
    if pages:
        _refuse_raw(pages, name)
    if pages and not found:
        raise ImageError(f"{name} holds a preview of a photo and no photo that can be read; export it again.")
    if len(found) > 1:
        raise ImageError(f"{name} has {len(found)} frames or pages; give a single picture.")
    return data if len(pages) < 2 else file.alone(found[0])


def _photos(file: Directories, pages: list[Page]) -> list[Page]:
    """Without the smaller copies and masks. A smaller copy that is all there is counts as a photo."""
    found = [page for page in pages if not page.is_beside_a_photo]
    if len(pages) == 1 and not found and 2 * file.bytes_of_pixels(pages[0]) > len(file.data):
        return pages
    if found and not found[0].is_exif_thumbnail:
        return found[:1] + [page for page in found[1:] if not page.is_exif_thumbnail]
    return found


def is_raw(data: bytes) -> bool:
    """Whether a file is a TIFF that holds what a sensor saw. False for other files and for damage."""
    try:
        file = Directories(data)
        pages = list(file.chain())
        kinds = {page.number(PHOTOMETRIC) for page in (*pages, *file.below(pages))}
    except ValueError:
        return False
    has_more = any(SUB_DIRECTORIES in page.tags for page in pages)
    is_dng = bool(pages) and DNG_VERSION in pages[0].tags and (has_more or pages[0].is_beside_a_photo)
    return is_dng or bool(kinds & set(_SENSOR)) or data[8:10] == b"CR"


def _refuse_raw(pages: list[Page], name: str) -> None:
    """Raises ImageError."""
    if pages[0].is_beside_a_photo and any(SUB_DIRECTORIES in page.tags for page in pages):
        raise ImageError(
            f"{name} begins with a preview, and its photo lies where RAW photos of cameras have it; "
            "develop or export it to TIFF, PNG or JPEG first."
        )
