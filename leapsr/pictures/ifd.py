"""Directories of TIFF, which EXIF uses too, changed without moving what is there.

Camera makers keep notes that point at absolute places in the block. So nothing is ever moved: a directory
that changes is written again at the end, and what pointed to the old one points to the new one.
"""

import struct
from collections.abc import Sequence
from typing import Literal

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_CODES = {SHORT: "H", LONG: "I", RATIONAL: "I"}

Directory = dict[int, bytes]
"""Tag -> type, count, and the value or where it lies: the ten bytes that stand in the file."""

EMPTY = b"II*\0\x08\0\0\0\0\0\0\0\0\0"


class Block:
    """A TIFF structure in memory. Raises ValueError for other bytes, and when reading beyond the end."""

    def __init__(self, data: bytes) -> None:
        orders: dict[bytes, Literal["<", ">"]] = {b"II*\0": "<", b"MM\0*": ">"}
        if data[:4] not in orders:
            raise ValueError("no TIFF header")
        self.order: Literal["<", ">"] = orders[bytes(data[:4])]
        self.data = bytearray(data)

    def unpack(self, codes: str, offset: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self.order + codes, self.data, offset)
        except struct.error as error:
            raise ValueError("a directory that points beyond the end") from error

    @property
    def first(self) -> int:
        """Where directory 0 lies."""
        return self.unpack("I", 4)[0]

    @first.setter
    def first(self, offset: int) -> None:
        struct.pack_into(self.order + "I", self.data, 4, offset)

    def directory(self, offset: int) -> tuple[Directory, int]:
        """The entries at `offset`, and where the next directory lies (0: there is none)."""
        (count,) = self.unpack("H", offset)
        end = offset + 2 + 12 * count
        following = self.unpack("I", end)[0] if len(self.data) >= end + 4 else 0  # some writers leave it out
        places = range(offset + 2, end, 12)
        return {self.unpack("H", place)[0]: self._raw(place + 2, 10) for place in places}, following

    def values(self, entry: bytes) -> tuple[int, ...]:
        """The integers of an entry of SHORT, LONG, RATIONAL (pairs) or bytes."""
        kind, count = struct.unpack(self.order + "HI", entry[:6])
        raw = self.raw(entry)
        if kind not in _CODES:
            return tuple(raw)
        return struct.unpack(f"{self.order}{count * (2 if kind == RATIONAL else 1)}{_CODES[kind]}", raw)

    def kind(self, entry: bytes) -> int:
        """The type of the value: SHORT, LONG ..."""
        return int(struct.unpack(self.order + "H", entry[:2])[0])

    def raw(self, entry: bytes) -> bytes:
        """The bytes of the value, wherever they lie."""
        kind, count, offset = struct.unpack(self.order + "HII", entry)
        size = SIZES.get(kind, 1) * count
        return entry[6 : 6 + size] if size <= 4 else self._raw(offset, size)

    def append(self, data: bytes) -> int:
        """Put `data` at the end, on an even place as TIFF wants; where that is."""
        self.data += b"\0" * (len(self.data) % 2)
        offset = len(self.data)
        self.data += data
        return offset

    def entry(self, kind: int, value: bytes | Sequence[int]) -> bytes:
        """An entry; a value that does not fit into it is appended. RATIONAL: numerators and denominators."""
        raw = (
            value
            if isinstance(value, bytes)
            else struct.pack(f"{self.order}{len(value)}{_CODES[kind]}", *value)
        )
        head = struct.pack(self.order + "HI", kind, len(raw) // SIZES[kind])
        if len(raw) <= 4:
            return head + raw.ljust(4, b"\0")
        return head + struct.pack(self.order + "I", self.append(raw))

    def append_directory(self, entries: Directory, following: int = 0) -> int:
        """Write a directory at the end; where it lies."""
        order = self.order
        rows = b"".join(struct.pack(order + "H", tag) + entries[tag] for tag in sorted(entries))
        return self.append(
            struct.pack(order + "H", len(entries)) + rows + struct.pack(order + "I", following)
        )

    def _raw(self, offset: int, size: int) -> bytes:
        found = bytes(self.data[offset : offset + size])
        if len(found) != size:
            raise ValueError("a value that lies beyond the end")
        return found
