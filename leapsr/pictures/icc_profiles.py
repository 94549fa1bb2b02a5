"""ICC profiles: CMYK to sRGB, and the tone curves of other colour spaces.

The networks are trained on sRGB. A picture in another RGB space keeps its primaries, because converting them
would clip colours outside of sRGB. Only its tone curve is replaced by that of sRGB while it is restored. So
every colour stays in [0, 1], and the result has the profile of the source.
"""

import io
import logging
import struct
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageCms
from torch import Tensor

logger = logging.getLogger(__name__)

Curve = np.ndarray[tuple[int], np.dtype[np.float64]]
"""Values at `_GRID`."""

_GRID: Curve = np.linspace(0, 1, 65_536)
_SAME = 1e-3
"""Curves closer to that of sRGB than this are taken for it: a quarter of an 8-bit level."""
_CURVES = {b"RGB ": (b"rTRC", b"gTRC", b"bTRC"), b"GRAY": (b"kTRC",)}
_PARAMETERS = (1, 3, 4, 5, 7)


def space(icc: bytes | None) -> bytes | None:
    """b"RGB ", b"GRAY", b"CMYK" ...; None without a valid profile."""
    return icc[16:20] if icc and len(icc) > 132 and icc[36:40] == b"acsp" else None


def cmyk_to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """Through the profile, relative to white and with black kept black; without one, by plain arithmetic."""
    if icc and space(icc) == b"CMYK":
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(icc)),
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            logger.warning("The colour profile cannot be used and was left out: %s.", error)
    return image.convert("RGB")


def curve_of_grey(icc: bytes | None, grey: bool) -> "Tone | None":
    """The tone curve of an RGB profile in a grey file. Viewers ignore such a profile there, so the curve is
    applied to the pixels and the profile is left out.
    """
    return tone(icc) if grey and space(icc) == b"RGB " else None


def fits(icc: bytes | None, grey: bool) -> bool:
    """Whether the profile is for such pixels, grey or RGB."""
    return space(icc) == (b"GRAY" if grey else b"RGB ")


@dataclass(frozen=True)
class Tone:
    """Converts between the tone curve of a profile and that of sRGB."""

    curves: tuple[Curve, ...]
    """For each channel, or one for all: the values of `_GRID` in sRGB, never falling."""

    def to_srgb(self, image: Tensor) -> Tensor:
        """(1, H, W) or (3, H, W) in [0, 1] on the CPU, both sides."""
        return self._mapped(image, [(_GRID, curve) for curve in self.curves])

    def from_srgb(self, image: Tensor) -> Tensor:
        """The inverse of to_srgb; what lies outside of [0, 1] is cut."""
        return self._mapped(image, [(curve, _GRID) for curve in self.curves])

    def _mapped(self, image: Tensor, pairs: list[tuple[Curve, Curve]]) -> Tensor:
        result = torch.empty_like(image)
        for channel in range(len(image)):
            known, wanted = pairs[channel % len(pairs)]
            result[channel] = torch.from_numpy(np.interp(image[channel].numpy(), known, wanted))
        return result


def tone(icc: bytes | None) -> Tone | None:
    """How to convert between the tone curve of the profile and that of sRGB.

    None where they are the same, and for profiles that have tables instead of curves or cannot be read.
    """
    kind = space(icc)
    if icc is None or kind not in _CURVES:
        return None
    try:
        with np.errstate(all="ignore"):  # of a nonsensical curve, which _rises finds
            linear = [_parsed(_tag(icc, name)) for name in _CURVES[kind]]
    except (KeyError, ValueError, IndexError, struct.error):
        return None
    curves = tuple(  # linear light to sRGB (IEC 61966-2-1)
        np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        for light in (curve.clip(0, 1) for curve in linear)
    )
    if all(np.abs(curve - _GRID).max() < _SAME for curve in curves):
        return None
    return Tone(curves) if all(_rises(curve) for curve in curves) else None


def _rises(curve: Curve) -> bool:
    return bool(np.isfinite(curve).all() and (np.diff(curve) >= 0).all() and curve[-1] - curve[0] > 0.5)


def _tag(icc: bytes, name: bytes) -> bytes:
    (count,) = struct.unpack_from(">I", icc, 128)
    for i in range(min(count, 1000)):
        signature, offset, size = struct.unpack_from(">4sII", icc, 132 + 12 * i)
        if signature == name:
            return icc[offset : offset + size]
    raise KeyError(name)


def _parsed(data: bytes) -> Curve:
    """A curve of ICC.1:2022, sections 10.6 (curveType) and 10.18 (parametricCurveType), on `_GRID`."""
    (count,) = struct.unpack_from(">I", data, 8)
    if data[:4] == b"curv":
        if count == 0:
            return _GRID
        values = np.frombuffer(data, ">u2", count, 12).astype(np.float64)
        return (
            _GRID ** (values[0] / 256)
            if count == 1
            else np.interp(_GRID, np.linspace(0, 1, count), values / 65_535)
        )
    if data[:4] != b"para":
        raise ValueError("neither kind of curve")
    kind = count >> 16
    values = np.frombuffer(data, ">i4", _PARAMETERS[kind], 12) / 65_536
    return _parametric(kind, *values)


def _parametric(
    kind: int, g: float, a: float = 1, b: float = 0, c: float = 0, d: float = 0, e: float = 0, f: float = 0
) -> Curve:
    """Table 68 of the standard."""
    if kind in (1, 2):  # the line below -b / a is constant, c in kind 2
        d, e, f, c = -b / a, c, c, 0.0
    power = np.maximum(a * _GRID + b, 0) ** g + e
    return power if kind == 0 else np.where(d <= _GRID, power, c * _GRID + f)
