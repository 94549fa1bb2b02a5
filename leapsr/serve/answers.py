"""The shapes of answers, for the OpenAPI file and the clients that are made from it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .problems import ProblemDocument
from .store import Status

EXAMPLE: dict[str, Any] = {
    "id": "tC0sTVEDnw9KVvsVQpL4Jwqk",
    "status": "done",
    "progress": 1.0,
    "eta_s": None,
    "position": None,
    "settings": {
        "model": "leap-small",
        "fidelity": 0.6,
        "steps": 1,
        "seed": 0,
        "denoise": "auto",
        "scale": None,
        "width": None,
        "height": None,
        "long_side": None,
        "format": "auto",
        "quality": 95,
        "strip_metadata": False,
        "samples": 1,
        "detail_map": False,
    },
    "source": {"name": "photo.jpg", "width": 640, "height": 480, "bytes": 61234},
    "result": {
        "width": 2560,
        "height": 1920,
        "format": "jpeg",
        "bytes": 1048576,
        "name": "photo_x4.jpg",
        "samples": 1,
        "detail_map": False,
        "levels": 5,
    },
    "notes": [],
    "error": None,
    "created": "2026-11-30T12:00:00.000Z",
    "expires": "2026-12-01T12:00:04.000Z",
}


class Settings(BaseModel):
    """As they were asked for, with the model's own where nothing was."""

    model_config = ConfigDict(protected_namespaces=())

    model: str
    fidelity: float | None
    steps: int
    seed: int
    denoise: float | str
    scale: float | None
    width: int | None
    height: int | None
    long_side: int | None
    format: str
    quality: int
    strip_metadata: bool
    samples: int
    detail_map: bool


class Source(BaseModel):
    name: str
    width: int
    height: int
    bytes: int


class Result(BaseModel):
    """samples: how many results there are. levels: of the pyramid of tiles."""

    width: int
    height: int
    format: str
    bytes: int
    name: str
    samples: int
    detail_map: bool
    levels: int


class RequestStatus(BaseModel):
    """progress: from 0 to 1. eta_s: seconds until it is done, about. position: how many are ahead of it.
    notes: what there is to say of the result. created, expires: RFC 3339, in UTC."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: str
    status: Status
    progress: float
    eta_s: float | None
    position: int | None
    settings: Settings
    source: Source
    result: Result | None
    notes: list[str]
    error: ProblemDocument | None
    created: str
    expires: str | None


class RequestList(BaseModel):
    """next: what to give as `before` for those that are older; None where these are the oldest."""

    requests: list[RequestStatus]
    next: str | None


class Upscaled(BaseModel):
    """A result in JSON. data: the file, in base64."""

    name: str
    media_type: str
    width: int
    height: int
    data: str = Field(json_schema_extra={"format": "byte"})


class ModelCard(BaseModel):
    """seconds_per_megapixel: of the result, on two threads of a CPU; None is not known. fidelity: where the
    dial stands by default; None has none. reads_noise: whether denoise changes something. is_default: taken
    where no model and no scale is named. card: what its README says, in Markdown."""

    name: str
    purpose: str
    scale: int | None
    licence: str | None
    fidelity: float | None
    seconds_per_megapixel: float | None
    reads_noise: bool
    is_default: bool
    card: str


class ModelList(BaseModel):
    models: list[ModelCard]


class Health(BaseModel):
    status: Literal["ok", "starting"]
