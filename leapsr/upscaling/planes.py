"""The colours and the transparency of a picture, each finished and brought to the size of the result box by
box, so that no step looks further than a box and its margin.
"""

import logging
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from ..networks import Prompt
from ..ops.upsample import RADIUS as UPSAMPLING_RADIUS
from ..ops.upsample import bicubic_upsample
from ..pictures import icc_profiles
from ..pictures.picture import Picture, floats, integers
from ..restorer import Restorer
from . import color_fix, guard, transparency
from .box_reader import NetworkInput
from .color_fix import Moments
from .resample import Resampling
from .settings import Settings
from .tiles import Box, Extent

logger = logging.getLogger(__name__)

_ROUNDING = 2 / 255
"""How far the channels of a grey picture that was stored in colour may differ."""
_ROWS = 256


class Planes(Protocol):
    """The colours or the transparency of a picture.

    margin: pixels of the restored picture that `finish` needs around what it gives correctly.
    """

    @property
    def input(self) -> NetworkInput: ...

    @property
    def margin(self) -> int: ...

    @property
    def needs_statistics(self) -> bool:
        """Whether all of the restored picture must be gathered before any box of it can be finished."""

    def restart(self) -> None:
        """Forget what was gathered."""

    def gather(self, restored: Tensor, box: Box) -> None:
        """Take the statistics of a box into account. restored: as of `finish`."""

    def finish(self, restored: Tensor, box: Box) -> Tensor:
        """restored: (3, h, w) of a box in restored pixels, whose sides are multiples of the model's scale.
        Returns (C, h, w), correct but for `margin` at sides inside the picture."""

    def encode(self, resized: Tensor) -> Tensor:
        """(C, h, w) in [0, 1] of the result, as its file has it."""


class ColorPlanes:
    def __init__(
        self, picture: Picture, restorer: Restorer, settings: Settings, prompt: Prompt | None = None
    ) -> None:
        self._grey, self._tone = _is_grey(picture), icc_profiles.tone(picture.icc)
        visible = transparency.visible_colours(picture) if picture.has_alpha else None

        def read(box: Box) -> Tensor:
            colours = box.of(picture.pixels[:-1] if picture.has_alpha else picture.pixels)
            rgb = floats(colours).expand(3, -1, -1) if visible is None else visible(box)
            return rgb if self._tone is None else self._tone.to_srgb(rgb)

        extent = Extent(*picture.size, settings.seamless)
        self.input = NetworkInput(restorer, settings, extent, read, prompt)
        self._fix = restorer.config.color_fix if settings.color_fix == "auto" else settings.color_fix
        self._is_guarded = restorer.keeps_light
        self.restart()

    @property
    def margin(self) -> int:
        limits = guard.MARGIN * self.input.restorer.scale if self._is_guarded else 0
        return limits + (color_fix.RADIUS if self._fix == "wavelet" else 0)

    @property
    def needs_statistics(self) -> bool:
        """A second evaluation of the network for each tile is the price of `adain`: what the first gives
        would take four times the memory of the result, or as much of the disk.
        """
        return self._fix == "adain"

    def restart(self) -> None:
        self._statistics, self._wanted = Moments(), Moments()
        self._report = GuardReport()

    def gather(self, restored: Tensor, box: Box) -> None:
        self._wanted.add(self._reference(box))
        self._statistics.add(restored)

    def finish(self, restored: Tensor, box: Box) -> Tensor:
        """The guard comes last: its limits hold for whatever the correction of colours made of a failure."""
        if self._fix == "wavelet":
            restored = color_fix.wavelet(restored, self._reference(box))
        elif self._fix == "adain":
            restored = color_fix.adain(restored, self._statistics, self._wanted)
        if self._grey:
            restored = restored.mean(0, keepdim=True)
        if not self._is_guarded:
            return restored
        scale = self.input.restorer.scale
        source = self.input.read_input(box.covering(scale))
        if self._grey:
            source = source.mean(0, keepdim=True)
        result, change = guard.limited(restored, source, scale)
        self._report.add(self._exact(box).relative_to(box).of(change))
        return result

    def report(self) -> None:
        """Log how much of the picture the guard limited, if any of it."""
        if self._report.changed:
            logger.debug(
                "%.2g %% of the pixels were kept near their source, by up to %.0f grey levels.",
                100 * self._report.changed / self._report.pixels,
                255 * self._report.most,
            )

    def encode(self, resized: Tensor) -> Tensor:
        return resized if self._tone is None else self._tone.from_srgb(resized)

    def _reference(self, box: Box) -> Tensor:
        """The source enlarged by bicubic interpolation, (3, h, w) of a box as of `finish`."""
        scale = self.input.restorer.scale
        around = self.input.extent.grown(box.covering(scale), UPSAMPLING_RADIUS)
        large = bicubic_upsample(self.input.read_input(around)[None], scale)[0]
        return box.relative_to(around.scaled(scale)).of(large)

    def _exact(self, box: Box) -> Box:
        """The part of a box that `finish` gives correctly."""
        large, margin = self.input.large, self.margin
        top, left = (start + margin if large.wraps or start > 0 else 0 for start in box[:2])
        bottom, right = (
            end - margin if large.wraps or end < length else end
            for end, length in zip(box[2:], (large.height, large.width), strict=True)
        )
        return Box(top, left, max(top, bottom), max(left, right))


@dataclass
class GuardReport:
    """How many pixels the guard changed by what shows in 8 bits, and by how much, gathered box by box: where
    boxes overlap, pixels count twice, changed or not."""

    pixels: int = 0
    changed: int = 0
    most: float = 0.0
    """In units of [0, 1]."""

    def add(self, change: Tensor) -> None:
        """change: (h, w)."""
        if change.numel():
            self.pixels += change.numel()
            self.changed += int((change > 0.5 / 255).sum())
            self.most = max(self.most, change.max().item())


def _is_grey(picture: Picture) -> bool:
    """Whether the visible colours are grey up to rounding: a few levels apart, and equal on average."""
    if picture.grey:
        return True
    total, seen = torch.zeros(3, dtype=torch.float64), not picture.has_alpha
    for top in range(0, picture.size[0], _ROWS):
        part = floats(picture.pixels[:, top : top + _ROWS])
        rgb = part[:3]
        if picture.has_alpha:
            visible = part[3:] > 0
            rgb, seen = rgb * visible, seen or bool(visible.any())
        least, greatest = rgb.amin(0), rgb.amax(0)
        if (greatest - least).max() > _ROUNDING * 1.001:  # in floats two levels may come to more
            return False
        total += (rgb - least).sum((1, 2), dtype=torch.float64)
    mean = total / (picture.size[0] * picture.size[1])
    return seen and bool(mean.max() - mean.min() < _ROUNDING / 4)


class AlphaPlane:
    """Alpha, (1, H, W), by the network at its most faithful."""

    needs_statistics = False

    def __init__(self, picture: Picture, restorer: Restorer, settings: Settings) -> None:
        faithful = replace(settings, steps=1, fidelity=restorer.most_faithful, guidance=1.0)
        extent = Extent(*picture.size, settings.seamless)
        self._alpha = picture.pixels[-1:]
        self.margin = restorer.scale
        self.input = NetworkInput(restorer, faithful, extent, lambda box: self._of(box).expand(3, -1, -1))

    @property
    def constant(self) -> Tensor | None:
        """(1, 1, 1) in [0, 1] where all of it is the same."""
        values = self._alpha.numpy()
        return floats(self._alpha[:, :1, :1]) if values.min() == values.max() else None

    def restart(self) -> None: ...

    def gather(self, restored: Tensor, box: Box) -> None: ...

    def finish(self, restored: Tensor, box: Box) -> Tensor:
        scale = self.input.restorer.scale
        source = self.input.extent.read(self._of, box.covering(scale))
        return transparency.bounded(restored.mean(0, keepdim=True), source, scale)

    def encode(self, resized: Tensor) -> Tensor:
        return resized

    def _of(self, box: Box) -> Tensor:
        return floats(box.of(self._alpha))


class Compositor:
    """Writes planes into a result, box by box, from what the network made of them."""

    def __init__(self, planes: Planes, result: Tensor, depth: int) -> None:
        """result: (C, H, W) of floats, or of integers of that depth."""
        large = planes.input.large
        self._planes, self._result, self._depth = planes, result, depth
        self._resampling = Resampling(large, Extent(result.shape[1], result.shape[2], large.wraps))

    def share(self, core: Box) -> Box:
        """The box of the result that belongs to a core of the small picture; it may be empty."""
        return self._resampling.share(core, self._planes.input.extent)

    def source(self, box: Box) -> Box:
        """The box of the restored picture that a box of the result is made from."""
        given = self._planes.input
        return given.large.grown(self._resampling.needs(box), self._planes.margin, given.restorer.scale)

    def write(self, restored: Tensor, box: Box) -> None:
        """restored: what `source(box)` holds."""
        needs = self._resampling.needs(box)
        wide = self.source(box)
        part = needs.relative_to(wide).of(self._planes.finish(restored, wide))
        put(box.of(self._result), self._planes.encode(self._resampling(part, box).clamp(0, 1)), self._depth)

    def halo(self) -> int:
        """Pixels of the small picture around a core that the network is shown."""
        beyond = self._planes.margin + self._resampling.margin()
        return (self._planes.input.halo or 0) + -(-beyond // self._planes.input.restorer.scale)


def put(result: Tensor, values: Tensor, depth: int) -> None:
    """Write floats in [0, 1], to be broadcast, into (C, h, w), a part of a result of that depth."""
    if result.is_floating_point():
        result.copy_(values)
    else:
        result.copy_(torch.from_numpy(integers(values, depth)).permute(2, 0, 1))
