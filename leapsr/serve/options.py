"""The fields of a form, and the options of the command line that they are."""

from pathlib import Path
from typing import Annotated, Literal

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field

from ..batch import naming
from ..batch.options import Options, result_label
from ..errors import UnknownName, UsageError
from ..hub import catalog
from ..methods.restore import check
from ..restorer import ModelConfig
from ..upscaling.settings import Settings
from ..upscaling.sizes import Target
from .config import Config, Limits

Format = Literal["auto", "png", "jpg", "webp", "avif", "tiff"]
MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jfif": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}


Photo = Annotated[
    UploadFile,
    Field(description="The photo.", json_schema_extra={"format": "binary"}),  # for generators of OpenAPI 3.0
]


class Look(BaseModel):
    """How to restore. What is left out is the model's own."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: Annotated[
        str | None, Field(description="A name of /v1/models; the default for the scale if missing.")
    ] = None
    fidelity: Annotated[
        float | None,
        Field(description="0: sharpest, invents detail; 1: safest, softest. Default: the model's."),
    ] = None
    steps: Annotated[int, Field(description="Network passes.")] = 1
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63, description="Another number invents other detail.")] = 0
    denoise: Annotated[
        float | Literal["auto"],
        Field(
            description="Noise to remove: 0 keeps grain, 1 or auto removes what is measured, 3 cleans most."
        ),
    ] = "auto"

    def settings(self, limits: Limits) -> Settings:
        """Raises UsageError."""
        if self.steps > limits.steps:
            raise UsageError(f"steps can be at most {limits.steps} here, not {self.steps}.")
        return Settings(self.steps, self.fidelity, self.seed, denoise=self.denoise)


class Wanted(Look):
    """What shall become of a photo."""

    scale: Annotated[float | None, Field(description="How many times larger, such as 2 or 2.5.")] = None
    width: Annotated[int | None, Field(description="Width in pixels; the height follows.")] = None
    height: Annotated[int | None, Field(description="Height in pixels; with width it is stretched.")] = None
    long_side: Annotated[int | None, Field(description="The longer side in pixels, such as 4096.")] = None
    format: Annotated[Format, Field(description="Of the result; auto: as the source.")] = "auto"
    quality: Annotated[int, Field(ge=1, le=100, description="Of JPEG, WebP and AVIF.")] = 95
    strip_metadata: Annotated[
        bool, Field(description="Leave out EXIF, GPS, XMP, IPTC; keep the colour profile.")
    ] = False

    @property
    def target(self) -> Target:
        """Raises UsageError."""
        return Target(self.scale, self.width, self.height, self.long_side)

    def options(self, limits: Limits) -> Options:
        """Raises UsageError."""
        return Options(self.target, self.settings(limits), self.quality, strip_metadata=self.strip_metadata)

    def folder(self, config: Config) -> Path:
        """Of the model, by its name only: a path is no name. Raises UnknownName, WeightsError."""
        known = catalog.names(config.model_dir)
        if self.model is not None and self.model not in known:
            raise UnknownName("model", self.model, known)
        return catalog.find_or_default(self.model, config.model_dir, self.scale)


class QueuedWanted(Wanted):
    """The same for the queue."""

    samples: Annotated[int, Field(description="Results from as many seeds, to choose from.")] = 1
    detail_map: Annotated[bool, Field(description="Also make a map of the invented detail.")] = False

    def options(self, limits: Limits) -> Options:
        if not 1 <= self.samples <= limits.samples:
            raise UsageError(f"samples is from 1 to {limits.samples} here, not {self.samples}.")
        return Options(
            self.target,
            self.settings(limits),
            self.quality,
            strip_metadata=self.strip_metadata,
            samples=self.samples,
            detail_map=self.detail_map,
        )


class UpscaleForm(Wanted):
    """One photo, for a client that waits."""

    image: Photo


class RequestForm(QueuedWanted):
    """One photo, for the queue."""

    image: Photo
    webhook: Annotated[
        str | None, Field(description="An address to be told when it has ended; of a host allowed here.")
    ] = None


class PreviewForm(Wanted):
    """One photo, to be shown on a screen of this size in pixels."""

    image: Photo
    screen_width: Annotated[int, Field(ge=16, le=8192)] = 1920
    screen_height: Annotated[int, Field(ge=16, le=8192)] = 1080


class Part(Look):
    """A part of a source, in its pixels, to be restored at once."""

    left: Annotated[int, Field(ge=0)]
    top: Annotated[int, Field(ge=0)]
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    fidelity: float | None = None


def check_model(settings: Settings, config: ModelConfig) -> None:
    """Raises UsageError for what a model cannot do, before any work is done."""
    if settings.denoise != "auto" and not config.network.reads_damage:
        raise UsageError("This model has no control over noise: leave denoise out, or take leap-small.")
    fidelity = config.fidelity if settings.fidelity is None else settings.fidelity
    check(config.region, settings.steps, fidelity)


def result_suffix(wanted: Wanted, source_suffix: str) -> str:
    return naming.FORMATS.get(wanted.format) or naming.default_suffix(source_suffix)


def result_name(name: str, options: Options, model_scale: int, suffix: str) -> str:
    """What the command line calls the result, or the first of several samples."""
    return naming.output_name(Path(name), result_label(options, model_scale), suffix)
