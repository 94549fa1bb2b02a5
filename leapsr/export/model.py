"""What is exported: a model, where its dial stands, and which damage it is told of."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from ..errors import UsageError
from ..hub import catalog
from ..methods.restore import Region
from ..networks.pixel.folded import FoldedUNet, fold
from ..networks.pixel.unet import UNet
from ..ops import damage
from ..ops.noise import position_noise
from ..pictures.picture import load
from ..restorer import Restorer
from ..upscaling.model_input import model_input
from .difference import Difference, pictures

TYPICAL = (2.5, 2.2, 0.2, 2.5, 0.62, 45.0, 1.0)
"""The measures of `ops.damage` of photos as people have them, see docs/export.md."""
NOISE_PSNR = 50.0
"""Decibels. A model whose results differ by more without the noise of its source needs that noise."""


def measures_of(picture: Path) -> tuple[float, ...]:
    """Of a picture file. Raises ImageError."""
    return tuple(damage.of_pictures(model_input(load(picture))[None])[0].tolist())


@dataclass(frozen=True)
class Exported:
    """A model as files of other programs have it.

    fidelity: where the dial stands. measures: of `ops.damage`, that the network is told; None for networks
    that are not told any. denoise: see `ops.damage.told`.
    """

    name: str
    restorer: Restorer
    fidelity: float
    measures: tuple[float, ...] | None = TYPICAL
    denoise: float = 1.0

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        fidelity: float | None = None,
        measures: tuple[float, ...] | None = None,
        denoise: float = 1.0,
    ) -> "Exported":
        """A model by its name or folder; fidelity None is its own default, measures None a typical photo's.

        Raises UsageError for a model, or a position of its dial, that is more than one evaluation of one of
        the small networks.
        """
        folder = catalog.find_or_default(model)
        restorer = Restorer.from_pretrained(folder)
        if not isinstance(restorer.network, UNet):
            raise UsageError(
                f"{folder.name} is a {restorer.config.network.kind}: only the small unets can be exported."
            )
        asked = restorer.default_fidelity if fidelity is None else fidelity
        if not 0 <= asked <= 1:
            raise UsageError(f"fidelity is from 0 (most detail) to 1 (most faithful), not {asked}.")
        if restorer.region is Region.DIAGONAL and asked < 1:
            raise UsageError(
                "This is a teacher, which takes several evaluations: export it with --fidelity 1."
            )
        if asked > restorer.most_faithful:
            raise UsageError("This model has no dial: leave --fidelity out.")
        if not restorer.reads_damage and (measures is not None or denoise != 1):
            raise UsageError("This model is not told of damage: leave --like and --denoise out.")
        told = (measures or TYPICAL) if restorer.reads_damage else None
        return cls(catalog.model_name(folder), restorer, asked, told, denoise)

    @property
    def network(self) -> UNet:
        assert isinstance(self.restorer.network, UNet)
        return self.restorer.network

    @cached_property
    def told(self) -> Tensor | None:
        """(1, 7)."""
        return None if self.measures is None else torch.tensor([self.measures])

    def folded(self) -> FoldedUNet:
        known = None if self.told is None else damage.told(self.told, torch.tensor([self.denoise]))[0]
        return fold(self.network, self.restorer.config.source, self.fidelity, known)

    def restore(self, image: Tensor, *, seed: int | None = None, fidelity: float | None = None) -> Tensor:
        """What torch says: (B, 3, H, W) in [0, 1] -> (B, 3, scale H, scale W). seed: of the source's noise;
        None is no noise. fidelity: None is this one's."""
        height, width = (side * self.restorer.scale for side in image.shape[-2:])
        noise = (
            torch.zeros(1, 3, height, width)
            if seed is None
            else position_noise(seed, 0, 0, height, width)[None]
        )
        return self.restorer.restore(
            image,
            noise.expand(len(image), -1, -1, -1),
            fidelity=self.fidelity if fidelity is None else fidelity,
            measures=self.told,
            denoise=self.denoise,
        )

    def without_noise(self, fidelities: Sequence[float | None] = (None,)) -> Difference:
        """How much it changes that the source has no noise in a file, at these positions of the dial; None is
        this one's.

        Raises UsageError for a model that needs it.
        """
        found = Difference.of(
            (self.restore(each, seed=0, fidelity=where), self.restore(each, fidelity=where))
            for where in fidelities
            for each in pictures()
        )
        if found.psnr < NOISE_PSNR:
            raise UsageError(
                f"{self.name} draws detail from noise, which files for other programs do not have "
                f"(without it: {found}). Export leap-small, or turn --fidelity to 1."
            )
        return found

    @property
    def facts(self) -> dict[str, str]:
        """What a file says of itself."""
        found = {
            "model": self.name,
            "scale": str(self.restorer.scale),
            "fidelity": f"{self.fidelity:g}",
            "licence": self.restorer.config.licence,
        }
        if self.measures is not None:
            found["measures"] = " ".join(f"{value:.4g}" for value in self.measures)
            found["denoise"] = f"{self.denoise:g}"
        return found
