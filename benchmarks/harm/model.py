"""What is judged, and what it is judged against: a model at a position of its dial, and bicubic."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from leapsr import Upscaler
from leapsr.errors import UsageError
from leapsr.pictures import picture as pictures
from leapsr.pictures.picture import Source
from leapsr.upscaling.settings import Settings
from leapsr.upscaling.sizes import Target

SEED = 0


class Model(NamedTuple):
    name: str
    upscaler: Upscaler
    scale: int
    settings: Settings

    @property
    def default(self) -> float:
        """Where its dial stands; a model of the image's edge only has none but 0."""
        restorer = self.upscaler.restorer
        return min(restorer.default_fidelity, restorer.most_faithful)

    def positions(self, asked: str) -> list[float]:
        """Those of the dial that the model has, the most faithful first. asked: "1,default,0".

        Raises UsageError for what is no position.
        """
        try:
            wanted = [self.default if word == "default" else float(word) for word in asked.split(",")]
        except ValueError as error:
            raise UsageError(f"Positions are numbers from 0 to 1, or default, not {asked!r}.") from error
        most = self.upscaler.restorer.most_faithful
        return sorted({position for position in wanted if position <= most}, reverse=True)

    def label(self, position: float) -> str:
        return f"{position:g}" + (" (default)" if position == self.default else "")

    def __call__(self, source: Source, fidelity: float) -> np.ndarray:
        """(scale H, scale W, 3) uint8 of an RGB source of 8 bits."""
        settings = replace(self.settings, fidelity=fidelity, seed=SEED)
        result = self.upscaler.upscale(pictures.load(source), Target(scale=self.scale), settings)
        return result.numpy()


def bicubic(source: np.ndarray, scale: int) -> np.ndarray:
    """Pillow's. source: (H, W, 3) uint8 -> (scale H, scale W, 3) uint8."""
    height, width = source.shape[:2]
    large = Image.fromarray(source).resize((scale * width, scale * height), Image.Resampling.BICUBIC)
    return np.asarray(large)
