"""Where the parts of a file lie, and the numbers in it that say how long or large something is.

Written for damaged files: what cannot be followed any more is one last part.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

Order = Literal["big", "little"]


@dataclass(frozen=True)
class Number:
    """An unsigned integer of the file."""

    place: int
    width: int
    order: Order

    def of(self, data: bytes) -> int:
        return int.from_bytes(data[self.place : self.place + self.width], self.order)

    def set(self, data: bytes, value: int) -> bytes:
        if self.place + self.width > len(data):
            return data
        raw = (value % (1 << 8 * self.width)).to_bytes(self.width, self.order)
        return data[: self.place] + raw + data[self.place + self.width :]


@dataclass
class Layout:
    """starts: of the parts, the first is 0. lengths: of parts, counts, offsets. sides: of the picture."""

    starts: list[int] = field(default_factory=lambda: [0])
    lengths: list[Number] = field(default_factory=list)
    sides: list[Number] = field(default_factory=list)

    def parts(self, data: bytes) -> list[bytes]:
        places = [*sorted(set(self.starts)), len(data)]
        return [data[start:end] for start, end in pairwise(places)]


def jpeg(data: bytes) -> Layout:
    found, place = Layout([0, 2]), 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker, length = data[place + 1], Number(place + 2, 2, "big")
        found.lengths.append(length)
        if 0xC0 <= marker <= 0xC2:
            found.sides += [Number(place + 5, 2, "big"), Number(place + 7, 2, "big")]
        place += 2 + length.of(data)
        found.starts.append(place)
        if marker == 0xDA:
            place = _end_of_scan(data, place)
            found.starts.append(place)
    return _within(found, data)


def _end_of_scan(data: bytes, place: int) -> int:
    """Restarts go on with the same scan, and 0 follows a byte that only looks like a marker."""
    inside = (0, *range(0xD0, 0xD8))
    while place + 1 < len(data) and not (data[place] == 0xFF and data[place + 1] not in inside):
        place += 1
    return place


def png(data: bytes) -> Layout:
    found, place = Layout([0, 8], [], [Number(16, 4, "big"), Number(20, 4, "big")]), 8
    while place + 8 <= len(data):
        length = Number(place, 4, "big")
        found.lengths.append(length)
        place += length.of(data) + 12
        found.starts.append(place)
    return _within(found, data)


def webp(data: bytes) -> Layout:
    found, place = Layout([0, 12], [Number(4, 4, "little")]), 12
    while place + 8 <= len(data):
        kind, length = data[place : place + 4], Number(place + 4, 4, "little")
        if kind == b"VP8X":
            found.sides += [Number(place + 12, 3, "little"), Number(place + 15, 3, "little")]
        elif kind == b"VP8 ":
            found.sides += [Number(place + 14, 2, "little"), Number(place + 16, 2, "little")]
        elif kind == b"VP8L":
            found.sides.append(Number(place + 9, 4, "little"))
        found.lengths.append(length)
        place += 8 + length.of(data) + length.of(data) % 2
        found.starts.append(place)
    return _within(found, data)


_CONTAINERS = {b"meta": 12, b"iprp": 8, b"ipco": 8, b"moov": 8, b"trak": 8, b"mdia": 8, b"minf": 8}
_CONTAINERS |= {b"stbl": 8, b"iinf": 14, b"iref": 12}


def heif(data: bytes) -> Layout:
    """AVIF and HEIC: boxes in boxes."""
    found = Layout()
    _boxes(data, 0, len(data), found)
    return _within(found, data)


def _boxes(data: bytes, place: int, end: int, found: Layout) -> None:
    while place + 8 <= end:
        length, kind = Number(place, 4, "big"), data[place + 4 : place + 8]
        found.starts.append(place)
        found.lengths.append(length)
        size = length.of(data)
        if kind == b"ispe":
            found.sides += [Number(place + 12, 4, "big"), Number(place + 16, 4, "big")]
        if kind in (b"iloc", b"ipma"):
            found.lengths += [Number(at, 2, "big") for at in range(place + 12, min(place + size, end), 2)]
        if kind in _CONTAINERS:
            _boxes(data, place + _CONTAINERS[kind], min(place + size, end), found)
        if size < 8:
            return
        place += size


def tiff(data: bytes) -> Layout:
    order: Order = "little" if data[:2] == b"II" else "big"
    found, queue, seen = Layout([0, 8], [Number(4, 4, order)]), [Number(4, 4, order).of(data)], set[int]()
    while queue:
        place = queue.pop()
        if place in seen or place + 2 > len(data):
            continue
        seen.add(place)
        count = Number(place, 2, order)
        found.lengths.append(count)
        found.starts.append(place)
        entries = [place + 2 + 12 * i for i in range(min(count.of(data), 200))]
        for entry in entries:
            tag, value = Number(entry, 2, order).of(data), Number(entry + 8, 4, order)
            found.starts.append(entry)
            found.lengths += [Number(entry + 2, 2, order), Number(entry + 4, 4, order), value]
            if tag in (256, 257):
                found.sides.append(value)
            if tag in (0x8769, 0x8825):
                queue.append(value.of(data))
        queue.append(Number(place + 2 + 12 * len(entries), 4, order).of(data))
    return _within(found, data)


def bmp(data: bytes) -> Layout:
    place = Number(10, 4, "little")
    sides = [Number(18, 4, "little"), Number(22, 4, "little")]
    lengths = [Number(at, 4, "little") for at in (2, 10, 14, 30, 34, 46, 50)]
    lengths += [Number(at, 2, "little") for at in (26, 28)]
    return _within(Layout([0, 14, 54, place.of(data)], lengths, sides), data)


def gif(data: bytes) -> Layout:
    sides = [Number(6, 2, "little"), Number(8, 2, "little")]
    found, place = Layout([0, 6, 13], [Number(10, 1, "little")], sides), 13
    place += _colours(data, 10)
    while place < len(data):
        found.starts.append(place)
        if data[place] == 0x21:
            place = _sub_blocks(data, place + 2, found)
        elif data[place] == 0x2C:
            found.sides += [Number(place + at, 2, "little") for at in (1, 3, 5, 7)]
            place = _sub_blocks(data, place + 11 + _colours(data, place + 9), found)
        else:
            break
    return _within(found, data)


def _colours(data: bytes, place: int) -> int:
    """Bytes of the palette that this flag byte announces."""
    flags = data[place] if place < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _sub_blocks(data: bytes, place: int, found: Layout) -> int:
    while place < len(data) and data[place]:
        found.lengths.append(Number(place, 1, "little"))
        place += data[place] + 1
    return place + 1


def _within(found: Layout, data: bytes) -> Layout:
    found.starts = [start for start in found.starts if start < len(data)] or [0]
    for numbers in (found.lengths, found.sides):
        numbers[:] = [number for number in numbers if number.place + number.width <= len(data)]
    return found


def jp2(data: bytes) -> Layout:
    """Its boxes, and the segments in the header of the codestream (ISO 15444-1, annexes A and I)."""
    found, place = Layout(), 0
    if data[4:8] == b"jP  ":
        _boxes(data, 0, len(data), found)
    place = data.find(b"\xff\x4f\xff\x51") + 2
    while place > 1 and data[place : place + 1] == b"\xff" and data[place + 1 : place + 2] != b"\x93":
        found.starts.append(place)
        size = Number(place + 2, 2, "big")
        found.lengths.append(size)
        if data[place + 1 : place + 2] == b"\x51":
            found.sides += [Number(place + at, 4, "big") for at in (6, 10, 14, 18, 22, 26)]
        place += 2 + size.of(data)
    return _within(found, data)


def jxl(data: bytes) -> Layout:
    """Boxes, and the header of the codestream, in which sides have no whole bytes."""
    found, place = Layout(), 0
    if data[4:8] == b"JXL ":
        _boxes(data, 0, len(data), found)
        place = max(data.find(b"jxlc") + 4, data.find(b"jxlp") + 8)
    found.starts += [place + 2, place + 12]
    found.lengths.append(Number(place + 4, 2, "little"))
    found.sides.append(Number(place + 2, 2, "little"))
    return _within(found, data)


LAYOUTS: dict[str, Callable[[bytes], Layout]] = {
    "jpeg": jpeg,
    "png": png,
    "tiff": tiff,
    "webp": webp,
    "avif": heif,
    "heic": heif,
    "bmp": bmp,
    "gif": gif,
    "jp2": jp2,
    "jxl": jxl,
    "dng": tiff,
}
