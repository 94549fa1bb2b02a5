"""How to restore a picture."""

from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, Literal, TypedDict, get_args

from ..errors import UsageError
from ..flow import SolverName
from ..methods.restore import Solver
from ..ops.damage import MOST
from .color_fix import COLOR_FIXES
from .progress import Progress
from .sizes import Target, check_number

ColorFix = Literal["auto", "wavelet", "adain", "none"]
Fit = Literal["exact", "at_least"]


@dataclass(frozen=True)
class Settings:
    """Raises UsageError for a value that cannot work."""

    steps: int = 1
    """Evaluations of the network."""
    fidelity: float | None = None
    """1 is faithful to the picture, 0 invents the most detail; None is the model's default."""
    seed: int = 0
    """Of the noise: another seed invents other detail."""
    tile: int | Literal["auto"] = "auto"
    """Side in low-resolution pixels; 0 is the whole picture at once."""
    color_fix: ColorFix = "auto"
    """How the result is given the colours of the picture; "auto" is the model's own choice."""
    seamless: bool = False
    """The picture is a texture whose opposite borders meet, and so is the result."""
    denoise: float | Literal["auto"] = "auto"
    """How much of the picture's noise goes, from 0 (grain and pores stay) to 1; "auto" is 1. Above, up to 3,
    more is taken for noise and traces of compression than was measured."""
    guidance: float | None = None
    """Of a teacher: how far it is led away from a bad picture, 1 being not; None is the model's default."""
    caption: str | None = None
    """What is in the picture, for networks that read text. Without it, the model's own prompts are used."""
    captioner: str | None = None
    """Folder of a model that captions each picture instead."""
    text_encoder: str | None = None
    """Folder of what encodes the caption; None is the model's base."""
    suffix: str | None = None
    """What follows the caption, "" being nothing; None is the words with which the model's family asks for a
    sharp picture."""
    solver: Solver | None = None
    """How a teacher's flow is followed, see `methods.restore`; None is Euler."""

    def __post_init__(self) -> None:
        for name in ("steps", "seed"):
            check_number(name, getattr(self, name), whole=True)
            object.__setattr__(self, name, int(getattr(self, name)))  # numpy's own have an end
        for name in ("fidelity", "guidance"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name))
        if self.denoise != "auto":
            check_number("denoise", self.denoise)
        for name in ("caption", "captioner", "text_encoder", "suffix"):
            if not isinstance(text := getattr(self, name), str | None):
                raise UsageError(f"{name} is a text, not {text!r}.")
        if not isinstance(self.seamless, bool):
            raise UsageError(f"seamless is True or False, not {self.seamless!r}.")
        if self.steps < 1:
            raise UsageError(f"steps must be at least 1, not {self.steps}.")
        if self.fidelity is not None and not 0 <= self.fidelity <= 1:
            raise UsageError(f"fidelity is from 0 (most detail) to 1 (most faithful), not {self.fidelity}.")
        if self.denoise != "auto" and not 0 <= self.denoise <= MOST:
            raise UsageError(
                f"denoise is auto, or from 0 (keep the grain) to 1 and on to {MOST:g}, not {self.denoise}."
            )
        if self.guidance is not None and not isfinite(self.guidance):
            raise UsageError(f"guidance is a number, 1 for none, not {self.guidance}.")
        if self.caption is not None and self.captioner is not None:
            raise UsageError("Give a caption or a captioner that makes one, not both.")
        if self.text_encoder is not None and self.caption is None and self.captioner is None:
            raise UsageError("A text encoder has nothing to encode: give a caption or a captioner too.")
        if self.suffix is not None and self.caption is None and self.captioner is None:
            raise UsageError("A suffix follows a caption: give one, or a captioner, too.")
        solvers = (*get_args(SolverName), "rk45")
        if self.solver is not None and self.solver not in solvers:
            raise UsageError(f"solver is {', '.join(solvers)}, not {self.solver!r}.")
        whole = isinstance(self.tile, int) and not isinstance(self.tile, bool) and self.tile >= 0
        if self.tile != "auto" and not whole:
            raise UsageError(
                f"tile is 'auto', 0 for the whole picture, or a number of pixels, not {self.tile!r}."
            )
        if self.color_fix not in ("auto", "none", *COLOR_FIXES):
            raise UsageError(f"color_fix is auto, none, {' or '.join(COLOR_FIXES)}, not {self.color_fix!r}.")


DEFAULTS = Settings()


class UpscaleOptions(TypedDict, total=False):
    """The keywords of `Upscaler.__call__` and `leapsr.upscale`.

    One size, see `Target`; how to restore, see `Settings`; and:

    fit: what becomes of a picture that is larger than the size asked for: "exact" (default) refuses it, so
    that every result has its size; "at_least" gives it back as it is.
    max_pixels: a picture with more is refused, before it is decoded. None: what memory can hold.
    progress: True for a bar, or a function, see `Progress`.
    """

    scale: float | None
    width: int | None
    height: int | None
    long_side: int | None
    short_side: int | None
    megapixels: float | None
    steps: int
    fidelity: float | None
    seed: int
    tile: int | Literal["auto"]
    color_fix: ColorFix
    seamless: bool
    denoise: float | Literal["auto"]
    guidance: float | None
    caption: str | None
    captioner: str | None
    text_encoder: str | None
    suffix: str | None
    solver: Solver | None
    fit: Fit
    max_pixels: int | None
    progress: bool | Progress | None


def target_and_settings(options: UpscaleOptions) -> tuple[Target, Settings]:
    """The options of these two, checked. Raises TypeError for an unknown one."""
    given: dict[str, Any] = {**options}
    sizes = {field.name for field in fields(Target)} & given.keys()
    return Target(**{name: given.pop(name) for name in sizes}), Settings(**given)
