"""What cameras and programs put into files, field by field: EXIF blocks, colour profiles, XMP, IPTC."""

import io
import struct

from PIL import Image

from tests.conftest import picture_array

SHORT, LONG, RATIONAL, ASCII, UNDEFINED = 3, 4, 5, 2, 7

D50 = (0.9642, 1.0, 0.8249)
SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
P3_PRIMARIES = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

XMP = (
    b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
    b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about=''"
    b" xmlns:tiff='http://ns.adobe.com/tiff/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/'"
    b" xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='5' tiff:Orientation=\"6\" tiff:ImageWidth='24'>"
    b"<exif:PixelXDimension>24</exif:PixelXDimension><exif:PixelYDimension>37</exif:PixelYDimension>"
    b"</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
)
IPTC = b"\x1c\x02\x78\x00\x0bGr\xc3\xbc\xc3\x9fe!!!"
"""One record, the caption, in UTF-8."""


def jpeg(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture_array(height, width)).save(buffer, "JPEG")
    return buffer.getvalue()


def camera_exif(orientation: int = 6, order: str = "<", thumbnail: bytes | None = None) -> bytes:
    """As from a camera: a maker note that tells where in the block it lies, a position, a thumbnail."""
    thumbnail = jpeg(160, 120) if thumbnail is None else thumbnail
    data = bytearray(struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8))
    first = {
        0x010E: (ASCII, "Jürgen in Åbo".encode() + b"\0"),
        0x010F: (ASCII, b"Maker\0"),
        0x0112: (SHORT, (orientation,)),
        0x011A: (RATIONAL, (300, 1)),
        0x011B: (RATIONAL, (300, 1)),
        0x0128: (SHORT, (2,)),
        0x0131: (ASCII, b"Firmware 1.0\0"),
        0x8769: (LONG, (0,)),
        0x8825: (LONG, (0,)),
    }
    exposure = {
        0x829A: (RATIONAL, (1, 250)),
        0x9000: (UNDEFINED, b"0232"),
        0x927C: (UNDEFINED, b"NOTE\0\0\0\0 of the maker"),
        0xA002: (LONG, (24,)),
        0xA003: (LONG, (37,)),
        0xA434: (ASCII, b"A lens\0"),
    }
    position = {1: (ASCII, b"N\0"), 2: (RATIONAL, (60, 1, 10, 1, 30, 1))}
    small = {0x0103: (SHORT, (6,)), 0x0201: (LONG, (0,)), 0x0202: (LONG, (len(thumbnail),))}
    places = _append(data, order, first)
    struct.pack_into(order + "I", data, places[0x8769], len(data))
    exposure_places = _append(data, order, exposure)
    struct.pack_into(order + "I", data, exposure_places[0x927C] + 4, exposure_places[0x927C])
    struct.pack_into(order + "I", data, places[0x8825], len(data))
    _append(data, order, position)
    struct.pack_into(order + "I", data, 8 + 2 + 12 * len(first), len(data))
    small_places = _append(data, order, small)
    struct.pack_into(order + "I", data, small_places[0x0201], len(data))
    return b"Exif\0\0" + bytes(data) + thumbnail


def _append(data: bytearray, order: str, entries: dict[int, tuple[int, object]]) -> dict[int, int]:
    """Write a directory and its values; where each value lies."""
    places, start = {}, len(data)
    data += struct.pack(order + "H", len(entries)) + bytes(12 * len(entries) + 4)
    for i, (tag, (kind, value)) in enumerate(entries.items()):
        code, size = {SHORT: ("H", 2), LONG: ("I", 4), RATIONAL: ("I", 8)}.get(kind, ("", 1))
        raw = value if isinstance(value, bytes) else struct.pack(f"{order}{len(value)}{code}", *value)  # type: ignore[arg-type]
        field = start + 2 + 12 * i
        struct.pack_into(order + "HHI", data, field, tag, kind, len(raw) // size)
        places[tag] = field + 8
        if len(raw) > 4:
            data += b"\0" * (len(data) % 2)
            places[tag] = len(data)
            struct.pack_into(order + "I", data, field + 8, len(data))
            data += raw
        else:
            data[field + 8 : field + 8 + len(raw)] = raw
    return places


def _fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(65_536 * number)) for number in numbers)


def parametric(*parameters: float) -> bytes:
    """A tone curve: a gamma alone, or the five numbers of sRGB's kind."""
    return b"para" + bytes(4) + struct.pack(">HH", {1: 0, 5: 3}[len(parameters)], 0) + _fixed(*parameters)


def table(*values: int) -> bytes:
    """A tone curve by its values; one alone is a gamma in 256ths."""
    return b"curv" + bytes(4) + struct.pack(f">I{len(values)}H", len(values), *values)


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    text = (
        b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 8, 28) + "test".encode("utf-16-be")
    )
    tags = {b"desc": text, b"cprt": text, b"wtpt": b"XYZ " + bytes(4) + _fixed(*D50), **tags}
    body, rows, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        rows += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", 0, b"lcms", 0x04300000, kind, space, connection)
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _fixed(*D50)
    whole = head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + rows + body
    return struct.pack(">I", len(whole)) + whole[4:]


def rgb_profile(primaries: tuple[tuple[float, ...], ...], curve: bytes) -> bytes:
    """Three primaries and one tone curve."""
    tags = {
        name: b"XYZ " + bytes(4) + _fixed(*xyz)
        for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
    }
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def grey_profile(curve: bytes) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve})


def cmyk_profile() -> bytes:
    """A printer without colours: lightness falls with the sum of the four inks, and a = b = 0."""
    corners = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    lightness = [max(0, 100 - 20 * (c + m + y) - 60 * k) for c, m, y, k in corners]
    identity = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    lut += (
        4 * identity + b"".join(bytes((round(2.55 * level), 128, 128)) for level in lightness) + 3 * identity
    )
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut, b"A2B1": lut})
