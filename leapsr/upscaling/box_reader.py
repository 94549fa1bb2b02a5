"""Any box of the restored picture on demand, so that the whole need never be held in floating point."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..errors import ImageError
from ..networks import Prompt
from ..ops import damage
from ..ops.noise import position_noise
from ..restorer import Restorer
from .blended_windows import Blended
from .settings import Settings
from .tiles import Box, Extent

Restored = Callable[[Box], Tensor]
"""A box, in pixels of the restored picture, to (3, h, w) on the CPU, about [0, 1], not clamped."""


class OverflowInHalfError(ArithmeticError):
    """Half precision overflowed. Never leaves this package."""


@dataclass(frozen=True)
class Restoration:
    """One picture, one model, one way to restore it. read: what the network is shown of a box inside the
    picture: (3, h, w) in [0, 1], in the tone curve of sRGB. prompt: see Restorer.restore.
    """

    restorer: Restorer
    settings: Settings
    extent: Extent
    read: Callable[[Box], Tensor]
    prompt: Prompt | None = None

    @cached_property
    def halo(self) -> int | None:
        """Pixels of the small picture that a network can see on each side; None: it sees everything."""
        return self.restorer.halo(self.settings.steps)

    @cached_property
    def measures(self) -> Tensor:
        """(1, 5): how damaged the whole picture looks (`ops.damage`), by at most 64 patches all over it."""
        boxes = damage.patch_boxes(self.extent.height, self.extent.width)
        return damage.of_patches(torch.stack([self.read(Box(*box)) for box in boxes]))

    @property
    def large(self) -> Extent:
        return self.extent.scaled(self.restorer.scale)

    def shown(self, box: Box) -> Tensor:
        """(3, h, w) in [0, 1]; the box may lie outside of a picture that goes on with itself."""
        return self.extent.read(self.read, box)

    def in_tiles(self) -> Restored:
        """Each box by a call of its own, with the margin that makes it exact."""
        return _Exact(self)

    def in_windows(self, tile: int) -> Restored:
        """From overlapping windows; tile: their side in pixels of the small picture, 0 is the whole."""
        return Blended(self.evaluate, self.extent, self.restorer.scale, tile, self.restorer.alignment)

    def evaluate(self, box: Box) -> Tensor:
        """One call of the network for a box of the small picture: (3, scale h, scale w) on its device.

        Raises OverflowInHalfError, and ImageError where full precision overflows as well.
        """
        restorer, settings = self.restorer, self.settings
        restored = restorer.restore(
            self.shown(box)[None].to(restorer.device),
            self._noise(box)[None],
            steps=settings.steps,
            fidelity=settings.fidelity,
            guidance=settings.guidance,
            prompt=self.prompt,
            measures=self.measures if restorer.reads_damage else None,
            denoise=1.0 if settings.denoise == "auto" else settings.denoise,
        )[0]
        if restored.isfinite().all():
            return restored
        if restorer.dtype != torch.float32:
            raise OverflowInHalfError
        raise ImageError("The model gave values that are not finite; 'leapsr models verify' checks its file.")

    def _noise(self, box: Box) -> Tensor:
        """(C, h, w) of the state of a box of the small picture: one field for all of it, by position."""
        space, seed, device = self.restorer.space, self.settings.seed, self.restorer.device
        channels, height, width = space.state_shape(box.height, box.width)
        top, left = space.place(box.top), space.place(box.left)
        _, rows, columns = space.state_shape(self.extent.height, self.extent.width)

        def drawn(part: Box) -> Tensor:
            return position_noise(seed, part.top, part.left, part.height, part.width, channels, device)

        field = Extent(rows, columns, self.extent.wraps)
        return field.read(drawn, Box(top, left, top + height, left + width))


class _Exact:
    """Remembers the last context: a picture that is one tile is restored once, however often it is looked
    at."""

    def __init__(self, restoration: Restoration) -> None:
        self._restoration = restoration
        self._last: tuple[Box, Tensor] | None = None

    def __call__(self, box: Box) -> Tensor:
        restoration = self._restoration
        restorer = restoration.restorer
        assert restoration.halo is not None, "this network sees everything; it needs windows"
        context = restoration.extent.grown(box.covering(restorer.scale), restoration.halo, restorer.alignment)
        if self._last is None or self._last[0] != context:
            self._last = None
            self._last = context, restoration.evaluate(context).cpu()
        return box.relative_to(context.scaled(restorer.scale)).of(self._last[1])
