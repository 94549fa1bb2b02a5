"""Colour spaces by primaries and tone curve, and ICC profiles for files that have none."""

import struct
from dataclasses import dataclass
from typing import Self

import numpy as np

Point = tuple[float, float]
"""A chromaticity: x and y of CIE 1931."""

Matrix = np.ndarray

D65: Point = (0.3127, 0.3290)
_C: Point = (0.310, 0.316)
_D50 = np.array([0.9642, 1.0, 0.8249])
"""XYZ of the connection space (ICC.1:2022, section 7.2.16)."""
_BRADFORD: Matrix = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_NEAR, _NEAR_GAMMA = 0.005, 0.1
"""Chromaticities and gammas that are taken for those of sRGB."""
_MOST_VALUES = 1024
"""Of a tone curve that is a table."""


@dataclass(frozen=True)
class Tone:
    """From the numbers of a file to linear light, both in [0, 1].

    gamma: the exponent; None is the curve of sRGB. table: takes its place, (values,) or (channels, values).
    """

    gamma: float | None = None
    table: np.ndarray | None = None

    @property
    def is_srgb(self) -> bool:
        if self.table is None:
            return self.gamma is None
        grid = np.linspace(0, 1, self.table.shape[-1])
        return bool(np.abs(self.table - grid**2.2).max() < 0.02)

    def curves(self) -> list[bytes]:
        """One for all channels, or one for each: ICC.1:2022, sections 10.6 and 10.18."""
        if self.table is not None:
            return [_curve(row) for row in np.atleast_2d(self.table)]
        if self.gamma is None:
            return [b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _fixed(*_SRGB_CURVE)]
        return [b"para" + bytes(4) + struct.pack(">HH", 0, 0) + _fixed(self.gamma)]


@dataclass(frozen=True)
class ColourSpace:
    """red, green, blue, white: chromaticities. Raises ValueError where they span no colour space."""

    red: Point = (0.64, 0.33)
    green: Point = (0.30, 0.60)
    blue: Point = (0.15, 0.06)
    white: Point = D65
    tone: Tone = Tone()

    def __post_init__(self) -> None:
        if self.tone.gamma is not None and not 0.1 < self.tone.gamma < 10:
            raise ValueError("a tone curve that is none")
        if any(y <= 0 for _, y in self._points) or not np.isfinite(self._points).all():
            raise ValueError("primaries that are none")
        if abs(np.linalg.det(self._colours())) < 1e-3 or (self._to_xyz()[1] <= 0).any():
            raise ValueError("primaries that span no space")

    @classmethod
    def of(cls, primaries: Self, tone: Tone) -> Self:
        return cls(primaries.red, primaries.green, primaries.blue, primaries.white, tone)

    @property
    def _points(self) -> tuple[Point, ...]:
        return self.red, self.green, self.blue, self.white

    @property
    def has_srgb_primaries(self) -> bool:
        return bool(np.abs(np.subtract(self._points, SRGB._points)).max() < _NEAR)

    def as_meant(self) -> Self:
        """sRGB for its primaries with a gamma of 2.2, which in most files stands for the curve of sRGB."""
        gamma = self.tone.gamma
        stands = self.has_srgb_primaries and gamma is not None and abs(gamma - 2.2) < _NEAR_GAMMA
        return type(self)() if stands else self

    def profile(self, grey: bool) -> bytes | None:
        """None for sRGB and for grey with its tone curve: a file without a profile is taken for that."""
        curves = self.tone.curves()
        if grey:
            return None if self.tone.is_srgb else _profile(b"GRAY", {b"kTRC": curves[0]})
        if self.has_srgb_primaries and self.tone.is_srgb:
            return None
        columns = (_adaptation(self._white()) @ self._to_xyz()).T
        tags = {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
        tags |= dict(zip((b"rTRC", b"gTRC", b"bTRC"), (curves * 3)[:3], strict=True))
        tags[b"chad"] = b"sf32" + bytes(4) + _fixed(*_adaptation(self._white()).ravel())
        return _profile(b"RGB ", tags)

    def _colours(self) -> Matrix:
        """Columns: XYZ of the primaries, each with x + y + z = 1."""
        return np.array([(x, y, 1 - x - y) for x, y in self._points[:3]]).T

    def _white(self) -> np.ndarray:
        x, y = self.white
        return np.array([x / y, 1, (1 - x - y) / y])

    def _to_xyz(self) -> Matrix:
        """Of linear RGB, so that white has the luminance 1 (SMPTE RP 177)."""
        colours = self._colours()
        return colours * np.linalg.solve(colours, self._white())


SRGB = ColourSpace()
ADOBE_RGB = ColourSpace(green=(0.21, 0.71), tone=Tone(563 / 256))

PRIMARIES = {
    1: SRGB,
    2: SRGB,
    4: ColourSpace((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: ColourSpace((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: ColourSpace((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: ColourSpace((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    8: ColourSpace((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: ColourSpace((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: ColourSpace((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ColourSpace((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: ColourSpace((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
"""ColourPrimaries of ITU-T H.273, table 2; 2 is unspecified."""

TONES = {1: Tone(), 2: Tone(), 6: Tone(), 13: Tone(), 14: Tone(), 15: Tone()} | {4: Tone(2.2), 5: Tone(2.8)}
TONES |= {8: Tone(1.0)}
"""TransferCharacteristics of ITU-T H.273, table 3. The curves of video (1, 6, 14, 15) are taken for that of
sRGB, which is what browsers do with them too."""
HDR_TONES = {16: "PQ", 18: "HLG"}


def _adaptation(white: np.ndarray) -> Matrix:
    """From this white to that of the connection space, by Bradford's cones (ICC.1:2022, annex E)."""
    scale = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    return np.linalg.solve(_BRADFORD, scale @ _BRADFORD)


def _curve(values: np.ndarray) -> bytes:
    count = min(len(values), _MOST_VALUES)
    wanted = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(values)), values)
    levels = (65_535 * wanted.clip(0, 1)).round().astype(">u2")
    return b"curv" + bytes(4) + struct.pack(">I", count) + levels.tobytes()


def _fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(65_536 * number)) for number in numbers)


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(*values)


def _text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(data), 28) + data


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """For displays, of version 4.3: ICC.1:2022, section 7."""
    tags = {
        b"desc": _text("Colours as the source states them"),
        b"cprt": _text("No copyright"),
        b"wtpt": _xyz(_D50),
    } | tags
    rows, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        rows += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", 0, bytes(4), 0x04300000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _fixed(*_D50)
    whole = head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + rows + body
    return struct.pack(">I", len(whole)) + whole[4:]
