"""Ways to damage a file. Each takes the bytes, another file of the same kind, and a source of randomness."""

import zlib
from collections.abc import Callable, Mapping
from random import Random

from tests.fuzz.layouts import LAYOUTS, Layout
from tests.fuzz.seeds import Seeds

Mutation = Callable[[bytes, Layout, bytes, Layout, Random], bytes]

_AWKWARD = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_LARGE = (1_000, 5_000, 16_383, 29_999, 30_000, 30_001, 65_535, 1 << 20, (1 << 31) - 1, (1 << 32) - 1)
_CHECKSUMS_MENDED = 0.8  # of the PNG files: otherwise nothing behind the checksum would ever be reached


def mutated(kind: str, seeds: Seeds, random: Random) -> tuple[bytes, str]:
    """A damaged file, and how it was made."""
    names = list(seeds)
    name, other = random.choice(names), seeds[random.choice(names)]
    data, applied = seeds[name], list[str]()
    layout = LAYOUTS[kind]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        how = random.choice(list(MUTATIONS))
        data = MUTATIONS[how](data, layout(data), other, layout(other), random)
        applied.append(how)
    if kind == "png" and random.random() < _CHECKSUMS_MENDED:
        data = _with_right_checksums(data, layout(data))
    return data, f"{name}: {', '.join(applied)}"


def flip_bits(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    result = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8, 32)) if data else 0):
        result[random.randrange(len(result))] ^= 1 << random.randrange(8)
    return bytes(result)


def write_noise(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    start, size = random.randrange(len(data) + 1), random.choice((1, 2, 4, 16, 64))
    return data[:start] + random.randbytes(size) + data[start + size :]


def write_a_number(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    width = random.choice((1, 2, 4))
    value = random.choice(_AWKWARD) % (1 << 8 * width)
    start = random.randrange(len(data) + 1)
    order = "big" if random.random() < 0.5 else "little"
    return data[:start] + value.to_bytes(width, order) + data[start + width :]


def cut(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def leave_out(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    start = random.randrange(len(data) + 1)
    return data[:start] + data[start + random.choice((1, 2, 13, 100)) :]


def put_in(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    start = random.randrange(len(data) + 1)
    return data[:start] + random.randbytes(random.choice((1, 2, 13, 100))) + data[start:]


def append(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    return data + (other if random.random() < 0.5 else random.randbytes(50))


def double_a_part(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    parts = layout.parts(data)
    i = random.randrange(len(parts)) if parts else 0
    return b"".join(parts[: i + 1] + parts[i : i + 1] * random.choice((1, 1, 20)) + parts[i + 1 :])


def drop_a_part(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    parts = layout.parts(data)
    i = random.randrange(len(parts)) if parts else 0
    return b"".join(parts[:i] + parts[i + 1 :])


def exchange_parts(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    parts = layout.parts(data)
    if len(parts) < 2:
        return data
    i, j = random.sample(range(len(parts)), 2)
    parts[i], parts[j] = parts[j], parts[i]
    return b"".join(parts)


def take_a_part(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    """One of another file, beside or instead of one of this."""
    parts, theirs = layout.parts(data), its.parts(other)
    i = random.randrange(len(parts) + 1)
    return b"".join([*parts[:i], random.choice(theirs), *parts[i + random.randrange(2) :]])


def change_to_another(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    parts, theirs = layout.parts(data), its.parts(other)
    return b"".join(parts[: random.randrange(len(parts) + 1)] + theirs[random.randrange(len(theirs)) :])


def damage_a_part(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    """One part much, so that metadata, too, are hit with force and the rest is whole."""
    parts = layout.parts(data)
    i = random.randrange(len(parts)) if parts else 0
    damaged = [flip_bits(part, layout, other, its, random) for part in parts[i : i + 1]]
    return b"".join(parts[:i] + damaged + parts[i + 1 :])


def lie_about_a_length(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    if not layout.lengths:
        return data
    number = random.choice(layout.lengths)
    true = number.of(data)
    return number.set(data, random.choice((*_AWKWARD, true + 1, true - 1, 2 * true, true // 2)))


def lie_about_a_side(data: bytes, layout: Layout, other: bytes, its: Layout, random: Random) -> bytes:
    for number in layout.sides:
        if random.random() < 0.6:
            data = number.set(data, random.choice((*_LARGE, 0, 1, 9, -9)))
    return data


MUTATIONS: Mapping[str, Mutation] = {
    mutation.__name__.replace("_", " "): mutation
    for mutation in (
        flip_bits,
        write_noise,
        write_a_number,
        cut,
        leave_out,
        put_in,
        append,
        double_a_part,
        drop_a_part,
        exchange_parts,
        take_a_part,
        change_to_another,
        damage_a_part,
        lie_about_a_length,
        lie_about_a_side,
    )
}


def _with_right_checksums(png: bytes, layout: Layout) -> bytes:
    head, *chunks = layout.parts(png)
    return head + b"".join(
        chunk[:-4] + zlib.crc32(chunk[4:-4]).to_bytes(4, "big") if len(chunk) >= 12 else chunk
        for chunk in chunks
    )
