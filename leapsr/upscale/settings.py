"""How to restore a picture."""

from dataclasses import dataclass
from typing import Literal

from ..errors import UsageError
from .colorfix import COLOR_FIXES

ColorFix = Literal["auto", "wavelet", "adain", "none"]


@dataclass(frozen=True)
class Settings:
    """Raises UsageError for a value that cannot work.

    steps: evaluations of the network. fidelity: 1 keeps to the evidence, 0 invents the most detail; None is
    the model's default. seed: of the noise. tile: side in low-resolution pixels; 0 is the whole picture.
    color_fix: "auto" is the model's own choice. seamless: the picture is a texture, which goes on with itself
    on all sides, and so does the result.
    """

    steps: int = 1
    fidelity: float | None = None
    seed: int = 0
    tile: int | Literal["auto"] = "auto"
    color_fix: ColorFix = "auto"
    seamless: bool = False

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UsageError(f"steps must be at least 1, not {self.steps}.")
        if self.fidelity is not None and not 0 <= self.fidelity <= 1:
            raise UsageError(f"fidelity is from 0 (most detail) to 1 (most faithful), not {self.fidelity}.")
        if self.tile != "auto" and not (isinstance(self.tile, int) and self.tile >= 0):
            raise UsageError(
                f"tile is 'auto', 0 for the whole picture, or a number of pixels, not {self.tile!r}."
            )
        if self.color_fix not in ("auto", "none", *COLOR_FIXES):
            raise UsageError(f"color_fix is auto, none, {' or '.join(COLOR_FIXES)}, not {self.color_fix!r}.")


DEFAULTS = Settings()
