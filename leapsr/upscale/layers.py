"""What a picture consists of, colours and transparency, each restored and brought to the size of the result
box by box: with that, no step looks further than a box and its margin.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor

from ..networks import Prompt
from ..ops.upsample import RADIUS as UPSAMPLING_RADIUS
from ..ops.upsample import bicubic_upsample
from ..restorer import Restorer
from . import colorfix, profiles, transparency
from .colorfix import Moments
from .images import Picture, floats
from .resampling import Resampling
from .restoration import Restoration, Restored
from .settings import Settings
from .tiles import Box, Extent


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
        self._grey, self._tone = picture.grey, profiles.tone(picture.icc)
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

    @property
    def margin(self) -> int:
        return colorfix.RADIUS if self._fix == "wavelet" else 0

    def prepare(self, restored: Restored, work: Work) -> None:
        """The statistics that `adain` needs. A second evaluation of the network for each tile is the price:
        what the first gives would take four times the memory of the result, or as much of the disk.
        """
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
        if self._fix == "wavelet":
            restored = colorfix.wavelet(restored, self._reference(box))
        elif self._fix == "adain":
            restored = colorfix.adain(restored, self._statistics, self._wanted)
        return restored.mean(0, keepdim=True) if self._grey else restored

    def encoded(self, resized: Tensor) -> Tensor:
        return resized if self._tone is None else self._tone.from_srgb(resized)

    def _reference(self, box: Box) -> Tensor:
        """The source enlarged by bicubic interpolation, (3, h, w) of a box as of `finished`."""
        scale = self.restoration.restorer.scale
        around = self.restoration.extent.grown(box.covering(scale), UPSAMPLING_RADIUS)
        large = bicubic_upsample(self.restoration.shown(around)[None], scale)[0]
        return box.relative_to(around.scaled(scale)).of(large)


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
