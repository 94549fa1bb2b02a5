"""How to restore a picture."""

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from ..errors import UsageError
from .color_fix import COLOR_FIXES

ColorFix = Literal["auto", "wavelet", "adain", "none"]


@dataclass(frozen=True)
class Settings:
    """Raises UsageError for a value that cannot work.

    steps: evaluations of the network. fidelity: 1 keeps to the evidence, 0 invents the most detail; None is
    the model's default. seed: of the noise. tile: side in low-resolution pixels; 0 is the whole picture.
    color_fix: "auto" is the model's own choice. seamless: the picture is a texture, which goes on with itself
    on all sides, and so does the result.
    denoise: how much of the picture's noise goes, from 0 (grain and pores stay) to 1; "auto" is what suits a
    picture as noisy as this one is measured to be.
    guidance: of a teacher, how far it is led away from a bad picture, 1 being not; None is the model's
    default. caption: what is in the picture, for networks that read text; captioner: folder of a model that
    says so of each picture, instead. Without either the model's own prompts are used. text_encoder: folder of
    what encodes the caption; None is the model's base.
    """

    steps: int = 1
    fidelity: float | None = None
    seed: int = 0
    tile: int | Literal["auto"] = "auto"
    color_fix: ColorFix = "auto"
    seamless: bool = False
    denoise: float | Literal["auto"] = "auto"
    guidance: float | None = None
    caption: str | None = None
    captioner: str | None = None
    text_encoder: str | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UsageError(f"steps must be at least 1, not {self.steps}.")
        if self.fidelity is not None and not 0 <= self.fidelity <= 1:
            raise UsageError(f"fidelity is from 0 (most detail) to 1 (most faithful), not {self.fidelity}.")
        if self.denoise != "auto" and not 0 <= self.denoise <= 1:
            raise UsageError(f"denoise is auto, or from 0 (keep the grain) to 1, not {self.denoise}.")
        if self.guidance is not None and not isfinite(self.guidance):
            raise UsageError(f"guidance is a number, 1 for none, not {self.guidance}.")
        if self.caption is not None and self.captioner is not None:
            raise UsageError("Give a caption or a captioner that makes one, not both.")
        if self.text_encoder is not None and self.caption is None and self.captioner is None:
            raise UsageError("A text encoder has nothing to encode: give a caption or a captioner too.")
        if self.tile != "auto" and not (isinstance(self.tile, int) and self.tile >= 0):
            raise UsageError(
                f"tile is 'auto', 0 for the whole picture, or a number of pixels, not {self.tile!r}."
            )
        if self.color_fix not in ("auto", "none", *COLOR_FIXES):
            raise UsageError(f"color_fix is auto, none, {' or '.join(COLOR_FIXES)}, not {self.color_fix!r}.")


DEFAULTS = Settings()
