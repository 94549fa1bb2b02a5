"""Any box of the restored picture on demand, so that the whole need never be held in floating point."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor

from ..errors import ImageError
from ..flow.solvers import EVALUATIONS
from ..networks import Prompt
from ..ops import damage
from ..ops.noise import position_noise
from ..restorer import Restorer
from .settings import Settings
from .tiles import Box, Extent

BoxReader = Callable[[Box], Tensor]
"""A box, in pixels of the restored picture, to (3, h, w) on the CPU, about [0, 1], not clamped."""


class OverflowInHalfError(ArithmeticError):
    """Half precision overflowed. Never leaves this package."""


@dataclass(frozen=True)
class NetworkInput:
    """What the network is given for each box of one picture.

    read: colours of a box inside the picture: (3, h, w) in [0, 1], in the tone curve of sRGB.
    prompt: see Restorer.restore.
    """

    restorer: Restorer
    settings: Settings
    extent: Extent
    read: Callable[[Box], Tensor]
    prompt: Prompt | None = None

    @cached_property
    def halo(self) -> int | None:
        """Pixels of the small picture that the network can see on each side; None: it sees everything, or
        the solver evaluates it as often as it likes."""
        solver = self.settings.solver
        if solver == "rk45":
            return None
        return self.restorer.halo(self.settings.steps * (1 if solver is None else EVALUATIONS[solver]))

    @property
    def large(self) -> Extent:
        return self.extent.scaled(self.restorer.scale)

    def read_input(self, box: Box) -> Tensor:
        """(3, h, w) in [0, 1]; the box may lie outside of a picture that is seamless."""
        return self.extent.read(self.read, box)

    @cached_property
    def restore(self) -> partial[Tensor]:
        """Restorer.restore, given all but the picture and its noise."""
        settings, measures = self.settings, None
        if self.restorer.reads_damage:  # that of the whole picture, from at most 64 patches of it
            boxes = damage.patch_boxes(self.extent.height, self.extent.width)
            measures = damage.of_patches(torch.stack([self.read(Box(*box)) for box in boxes]))
        return partial(
            self.restorer.restore,
            steps=settings.steps,
            fidelity=settings.fidelity,
            solver=settings.solver,
            guidance=settings.guidance,
            prompt=self.prompt,
            measures=measures,
            denoise=1.0 if settings.denoise == "auto" else settings.denoise,
        )

    def evaluate(self, box: Box) -> Tensor:
        """The network's result for a box of the small picture: (3, scale h, scale w) on the CPU."""
        return self.check(self.restore(*self.batch(box)))

    def batch(self, box: Box) -> tuple[Tensor, Tensor]:
        """The picture and its noise in a box of the small picture, as batches of one."""
        return self.read_input(box)[None].to(self.restorer.device), self._noise(box)[None]

    def check(self, restored: Tensor) -> Tensor:
        """The restored picture of a batch of one, on the CPU.

        Raises OverflowInHalfError, and ImageError where full precision overflows as well.
        """
        if restored.isfinite().all():
            return restored[0].cpu()
        if self.restorer.dtype != torch.float32:
            raise OverflowInHalfError
        raise ImageError("The model gave values that are not finite; 'leapsr models verify' checks its file.")

    def _noise(self, box: Box) -> Tensor:
        """(C, h, w) of the state of a box: one field for the whole picture, by position."""
        space, seed, device = self.restorer.space, self.settings.seed, self.restorer.device
        channels, height, width = space.state_shape(box.height, box.width)
        top, left = space.place(box.top), space.place(box.left)
        _, rows, columns = space.state_shape(self.extent.height, self.extent.width)

        def draw(part: Box) -> Tensor:
            return position_noise(seed, part.top, part.left, part.height, part.width, channels, device)

        field = Extent(rows, columns, self.extent.wraps)
        return field.read(draw, Box(top, left, top + height, left + width))


class ExactTiles:
    """A BoxReader for networks with a bounded receptive field: the network sees each box with a margin that
    makes the result equal to that part of the whole.

    The last result is kept: a picture that is one tile is restored once, however often it is read.
    """

    def __init__(self, given: NetworkInput) -> None:
        self._input = given
        self._last: tuple[Box, Tensor] | None = None

    def __call__(self, box: Box) -> Tensor:
        given, scale = self._input, self._input.restorer.scale
        assert given.halo is not None, "this network sees everything; it needs windows"
        context = given.extent.grown(box.covering(scale), given.halo, given.restorer.alignment)
        if self._last is None or self._last[0] != context:
            self._last = None  # free its memory first
            self._last = context, given.check(given.restore(*given.batch(context)))
        return box.relative_to(context.scaled(scale)).of(self._last[1])
