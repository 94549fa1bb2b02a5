"""What a picture consists of, colours and transparency, each restored and brought to the size of the result
box by box: with that, no step looks further than a box and its margin.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from ..networks import Prompt
from ..ops.upsample import RADIUS as UPSAMPLING_RADIUS
from ..ops.upsample import bicubic_upsample
from ..pictures import icc_profiles
from ..pictures.picture import Picture, floats
from ..restorer import Restorer
from . import color_fix, guard, transparency
from .box_reader import Restoration, Restored
from .color_fix import Moments
from .resample import Resampling
from .settings import Settings
from .tiles import Box, Extent

logger = logging.getLogger(__name__)

_ROUNDING = 2 / 255
"""By how much the channels of a grey picture may differ that was stored in colour."""
_ROWS = 256


class Layer(Protocol):
    """margin: pixels of the restored picture that `finished` needs around what it gives correctly."""

    @property
    def restoration(self) -> Restoration: ...

    @property
    def margin(self) -> int: ...

    def prepare(self, restored: Restored, work: "Work") -> None:
        """What has to be known of the whole before any box can be finished."""

    def finished(self, restored: Tensor, box: Box) -> Tensor:
        """restored: (3, h, w) of a box in restored pixels, whose sides are multiples of the model's scale.
        Returns (C, h, w), correct but for `margin` at sides inside the picture."""

    def encoded(self, resized: Tensor) -> Tensor:
        """(C, h, w) in [0, 1] of the result, as its file has it."""


Work = Callable[[Callable[[Box], None]], None]
"""Given a function of a core, in pixels of the small picture, calls it for all."""


class Colours:
    def __init__(
        self, picture: Picture, restorer: Restorer, settings: Settings, prompt: Prompt | None = None
    ) -> None:
        self._grey, self._tone = _is_grey(picture), icc_profiles.tone(picture.icc)
        extent = Extent(*picture.size, settings.seamless)
        visible = transparency.visible_colours(picture) if picture.has_alpha else None

        def read(box: Box) -> Tensor:
            colours = box.of(picture.pixels[:-1] if picture.has_alpha else picture.pixels)
            rgb = floats(colours).expand(3, -1, -1) if visible is None else visible(box)
            return rgb if self._tone is None else self._tone.to_srgb(rgb)

        self.restoration = Restoration(restorer, settings, extent, read, prompt)
        wish = restorer.config.color_fix
        self._fix = wish if settings.color_fix == "auto" else settings.color_fix
        self._statistics, self._wanted = Moments(), Moments()
        self._limited = Limited()

    @property
    def margin(self) -> int:
        limits = guard.MARGIN * self.restoration.restorer.scale
        return limits + (color_fix.RADIUS if self._fix == "wavelet" else 0)

    def prepare(self, restored: Restored, work: Work) -> None:
        """The statistics that `adain` needs. A second evaluation of the network for each tile is the price:
        what the first gives would take four times the memory of the result, or as much of the disk.
        """
        self._limited = Limited()
        if self._fix != "adain":
            return
        statistics, wanted = Moments(), Moments()

        def gather(core: Box) -> None:
            box = core.scaled(self.restoration.restorer.scale)
            part = restored(box)
            wanted.add(self._reference(box))
            statistics.add(part)

        work(gather)
        self._statistics, self._wanted = statistics, wanted

    def finished(self, restored: Tensor, box: Box) -> Tensor:
        """The limits come last: they hold for whatever the correction of colours has made of a failure."""
        if self._fix == "wavelet":
            restored = color_fix.wavelet(restored, self._reference(box))
        elif self._fix == "adain":
            restored = color_fix.adain(restored, self._statistics, self._wanted)
        scale = self.restoration.restorer.scale
        source = self.restoration.shown(box.covering(scale))
        if self._grey:
            restored, source = restored.mean(0, keepdim=True), source.mean(0, keepdim=True)
        result, change = guard.limited(restored, source, scale)
        self._limited.add(self._exact(box).relative_to(box).of(change))
        return result

    def tell(self) -> None:
        """Says how much of the picture was limited, if any of it was."""
        if self._limited.changed:
            logger.info(
                "%.2g %% of the pixels were kept near their source, by up to %.0f grey levels.",
                100 * self._limited.changed / self._limited.pixels,
                255 * self._limited.most,
            )

    def encoded(self, resized: Tensor) -> Tensor:
        return resized if self._tone is None else self._tone.from_srgb(resized)

    def _reference(self, box: Box) -> Tensor:
        """The source enlarged by bicubic interpolation, (3, h, w) of a box as of `finished`."""
        scale = self.restoration.restorer.scale
        around = self.restoration.extent.grown(box.covering(scale), UPSAMPLING_RADIUS)
        large = bicubic_upsample(self.restoration.shown(around)[None], scale)[0]
        return box.relative_to(around.scaled(scale)).of(large)

    def _exact(self, box: Box) -> Box:
        """The part of a box that `finished` gives correctly."""
        large, margin = self.restoration.large, self.margin
        top, left = (start + margin if large.wraps or start > 0 else 0 for start in box[:2])
        bottom, right = (
            end - margin if large.wraps or end < length else end
            for end, length in zip(box[2:], (large.height, large.width), strict=True)
        )
        return Box(top, left, max(top, bottom), max(left, right))


@dataclass
class Limited:
    """How many pixels were changed by what shows in 8 bits, and by how much, gathered box by box: where boxes
    overlap, pixels count twice, changed or not."""

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
    """Whether what can be seen has no colour but what rounding gives: a few levels, and none on average."""
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


class Transparency:
    """Alpha, (1, H, W), by the network at its most faithful."""

    def __init__(self, picture: Picture, restorer: Restorer, settings: Settings) -> None:
        faithful = replace(settings, steps=1, fidelity=restorer.most_faithful, guidance=1.0)
        extent = Extent(*picture.size, settings.seamless)
        self._alpha = picture.pixels[-1:]
        self.margin = restorer.scale
        self.restoration = Restoration(
            restorer, faithful, extent, lambda box: self._of(box).expand(3, -1, -1)
        )

    @property
    def constant(self) -> Tensor | None:
        """(1, 1, 1) in [0, 1] where all of it is the same."""
        values = self._alpha.numpy()
        return floats(self._alpha[:, :1, :1]) if values.min() == values.max() else None

    def prepare(self, restored: Restored, work: Work) -> None:
        pass

    def finished(self, restored: Tensor, box: Box) -> Tensor:
        scale = self.restoration.restorer.scale
        source = self.restoration.extent.read(self._of, box.covering(scale))
        return transparency.bounded(restored.mean(0, keepdim=True), source, scale)

    def encoded(self, resized: Tensor) -> Tensor:
        return resized

    def _of(self, box: Box) -> Tensor:
        return floats(box.of(self._alpha))


@dataclass(frozen=True)
class Finishing:
    """From the restored picture to the numbers of the result, box by box."""

    layer: Layer
    resampling: Resampling

    @classmethod
    def to(cls, size: tuple[int, int], layer: Layer) -> "Finishing":
        """size: (height, width) of the result."""
        large = layer.restoration.large
        return cls(layer, Resampling(large, Extent(*size, large.wraps)))

    def __call__(self, restored: Restored, box: Box) -> Tensor:
        """(C, h, w) in [0, 1] of a box of the result."""
        restoration = self.layer.restoration
        needed = self.resampling.needs(box)
        wide = restoration.large.grown(needed, self.layer.margin, restoration.restorer.scale)
        finished = self.layer.finished(restored(wide), wide)
        part = needed.relative_to(wide).of(finished)
        return self.layer.encoded(self.resampling(part, box).clamp(0, 1))

    def margin(self) -> int:
        """Pixels of the small picture around a core that the network is shown."""
        restoration = self.layer.restoration
        beyond = self.layer.margin + self.resampling.margin()
        return (restoration.halo or 0) + -(-beyond // restoration.restorer.scale)
