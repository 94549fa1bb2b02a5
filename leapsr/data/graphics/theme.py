"""What the parts of one interface or chart share."""

from dataclasses import dataclass

import numpy as np

from .colours import BLACK, WHITE, Colour, ink_on, luma, mixed, vivid
from .fonts import Face, face

GROUNDS: tuple[Colour, ...] = (
    WHITE, WHITE, (240, 240, 240), (212, 208, 200), (192, 192, 192), (253, 246, 227), (246, 248, 250),
    BLACK, (12, 12, 12), (30, 30, 30), (40, 44, 52), (13, 17, 23), (0, 43, 54), (0, 0, 128),
)  # fmt: skip
"""Of windows, light and dark."""


@dataclass(frozen=True)
class Theme:
    """size: of the text, radius: of corners, in small pixels."""

    ground: Colour
    ink: Colour
    border: Colour
    accent: Colour
    on_accent: Colour
    font: Face
    size: int
    radius: int

    @property
    def line(self) -> int:
        """From one line of text to the next."""
        return round(self.size * 1.4)


def theme(rng: np.random.Generator) -> Theme:
    ground = GROUNDS[int(rng.integers(len(GROUNDS)))] if rng.random() < 0.8 else vivid(rng)
    away: Colour = WHITE if luma(ground) < 128 else BLACK
    ink = mixed(ground, away, rng.uniform(0.7, 1)) if rng.random() < 0.7 else ink_on(rng, ground)
    accent = vivid(rng)
    style = "sans" if rng.random() < 0.75 else "mono"
    return Theme(
        ground=ground,
        ink=ink,
        border=mixed(ground, away, rng.uniform(0.1, 0.8)),
        accent=accent,
        on_accent=ink_on(rng, accent),
        font=face(rng, style),
        size=int(rng.choice([8, 8, 9, 9, 10, 11, 12, 12, 13, 14, 16, 20, 24])),
        radius=int(rng.choice([0, 0, 0, 2, 3, 6])),
    )
