"""The boxes that JPEG 2000 and JPEG XL files are made of (ISO 15444-1, annex I.4)."""

from collections.abc import Iterator


def boxes(data: bytes) -> Iterator[tuple[bytes, slice]]:
    """Kind of each, one behind the other, and where its content lies; ends at a wrong length."""
    place = 0
    while place + 8 <= len(data):
        size, kind, head = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[place + 8 : place + 16], "big"), 16
        end = place + size if size else len(data)
        if end < place + head:
            return
        yield kind, slice(place + head, end)
        place = end
