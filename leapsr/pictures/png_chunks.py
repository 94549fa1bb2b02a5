"""The chunks of a PNG file."""

import io
import zlib
from collections.abc import Iterator
from typing import IO

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def find_chunk(file: IO[bytes], name: bytes, end: bytes = b"IEND") -> bytes | None:
    """The data of the first chunk of that name before the chunk `end`. The file is left where it stood."""
    before = file.tell()
    try:
        for found, size in chunks(file):
            if found in (name, end):
                return file.read(size) if found == name else None
        return None
    finally:
        file.seek(before)


def chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Name and size of each chunk; meanwhile the file stands at its data, which may be read."""
    place = len(SIGNATURE)
    file.seek(place)
    while len(head := file.read(8)) == 8:
        size = int.from_bytes(head[:4], "big")
        yield head[4:], size
        place += size + 12
        file.seek(place)


def without_damaged_extras(data: bytes) -> bytes | None:
    """A PNG without those of its chunks that are damaged and that it can be shown without (their names begin
    with a small letter: PNG, third edition, 5.4 and 13.2); None where there are none.
    """
    if not data.startswith(SIGNATURE):
        return None
    place, kept = len(SIGNATURE), [SIGNATURE]
    for name, size in chunks(io.BytesIO(data)):
        part = data[place : place + size + 12]
        is_whole = zlib.crc32(part[4:-4]) == int.from_bytes(part[-4:], "big")
        if is_whole or not name[:1].islower():
            kept.append(part)
        place += len(part)
    found = b"".join(kept)
    return found if len(found) < len(data) else None
