"""What an AVIF says of its primary picture: colours, and the part of it that is to be shown."""

import struct
from collections.abc import Iterator
from contextlib import suppress

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""


def clean_aperture(data: bytes, size: tuple[int, int]) -> Box | None:
    """The part that is to be shown, before it is turned (ISO/IEC 14496-12, 12.1.4); None for all of it.

    size: (width, height) of the whole. Decoders of AVIF leave it to their caller.
    """
    with suppress(ValueError, IndexError, struct.error, ZeroDivisionError):  # damage, which says nothing
        body = next((body for kind, body in of_primary(data) if kind == b"clap"), None)
        if body is None:
            return None
        width, height, across, down = (a / b for a, b in struct.iter_unpack(">iI", body[:32]))
        left, top = (size[0] - width) / 2 + across, (size[1] - height) / 2 + down
        box = (round(left), round(top), round(left + width), round(top + height))
        if 0 <= box[0] < box[2] <= size[0] and 0 <= box[1] < box[3] <= size[1]:
            return box
    return None


def of_primary(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Of the primary item: ISO/IEC 23008-12, sections 9.3 and 6.4."""
    meta = dict(_boxes(dict(_boxes(data)).get(b"meta", b"")[4:]))
    parts = dict(_boxes(meta.get(b"iprp", b"")))
    primary, known = meta.get(b"pitm", bytes(6)), list(_boxes(parts.get(b"ipco", b"")))
    number, table = int.from_bytes(primary[4:], "big"), parts.get(b"ipma", bytes(8))
    wide_numbers, wide_indices = table[0] > 0, table[3] & 1
    place = 8
    for _ in range(int.from_bytes(table[4:8], "big")):
        size = 4 if wide_numbers else 2
        item, count = int.from_bytes(table[place : place + size], "big"), table[place + size]
        place += size + 1
        for _ in range(count):
            index = int.from_bytes(table[place : place + 1 + wide_indices], "big")
            place += 1 + wide_indices
            index &= 0x7FFF if wide_indices else 0x7F
            if item == number and 0 < index <= len(known):
                yield known[index - 1]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each, one behind the other."""
    place = 0
    while place + 8 <= len(data):
        size, start = int.from_bytes(data[place : place + 4], "big"), place + 8
        if size == 1:
            size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        end = place + size if size else len(data)
        yield data[place + 4 : place + 8], data[start:end]
        place = max(end, place + 8)
