"""Crops encoded ahead of training, in a folder of shards: latents of the photo, of the picture, and its text.

A training of billions of weights has no memory and no time to spare for the networks that it only looks
through. ::

    FOLDER/shards.json              what all samples have in common, and how many there are
    FOLDER/00003-of-00012.safetensors
    FOLDER/00003-of-00012.json      which samples are in it, and its SHA-256; written last

A shard holds `image` and `upsampled` (N, C, h, w) float16; `lr` (N, 3, h, w) uint8 where the network sees
pixels too; `tokens` (T, L, D) and `pooled` (T, P) bfloat16, one for each text, and `text` (N,) int64, which
of them a sample has. Shards of the same shards.json may be made anywhere and gathered in one folder.
"""

import hashlib
import json
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors.torch import save_file
from torch import Tensor

from ..errors import DataError, OutputError
from ..files import atomic_write, remove_stale_parts, sha256
from ..networks import Prompt
from .latents import Latents

DESCRIPTION = "shards.json"


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Texts(Strict):
    """kind, encoders: see `frozen.TextEncoder`. tokens: (L, D). pooled: P, None where there is none."""

    kind: str
    encoders: str
    tokens: tuple[int, int]
    pooled: int | None


class Description(Strict):
    """What the samples of a set depend on, apart from the pixels of the photos.

    photos: how many. names: SHA-256 of their names and sizes. crops: of each photo. autoencoder: its
    `frozen.fingerprint`. latents: (C, h, w) of one. lr: whether the low-resolution pixels are kept.
    captions: where they are from. texts: None where samples have no text of their own, and the model's own
    prompts are used. each: samples in a shard; the last one may have fewer.
    """

    format: Literal["leapsr-shards"] = "leapsr-shards"
    version: Literal[2] = 2
    photos: int = Field(ge=1)
    names: str
    crop: int = Field(ge=1)
    crops: int = Field(ge=1)
    seed: int = Field(ge=0)
    scale: int = Field(ge=1)
    degradation: str
    degradation_version: int
    autoencoder: str
    latents: tuple[int, int, int]
    lr: bool
    captions: str
    texts: Texts | None
    each: int = Field(ge=1)

    @property
    def samples(self) -> int:
        return self.photos * self.crops

    @property
    def count(self) -> int:
        """Of shards."""
        return -(-self.samples // self.each)

    def rows(self, number: int) -> range:
        """The samples of a shard."""
        return range(number * self.each, min((number + 1) * self.each, self.samples))

    def stem(self, number: int) -> str:
        return f"{number:05d}-of-{self.count:05d}"


class Origin(Strict):
    """Where one sample is from. top, left: of the crop in its photo, in pixels. symmetry: as in `crops.turn`.
    damage: seed of the degradation."""

    photo: str
    top: int
    left: int
    symmetry: int
    damage: int
    caption: str


class Record(Strict):
    """What a shard holds. size: bytes of its file."""

    sha256: str
    size: int
    samples: list[Origin]


def is_shards(folder: Path) -> bool:
    return (folder / DESCRIPTION).is_file()


def describe(folder: Path) -> Description:
    """Raises DataError where it is missing or damaged."""
    try:
        return Description.model_validate_json((folder / DESCRIPTION).read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(f"{folder / DESCRIPTION} describes no shards: prepare them again.") from error


def begin(folder: Path, description: Description) -> None:
    """Say what the folder will hold, or find that it is said already, by another worker perhaps.

    Raises DataError where the folder holds shards that were made otherwise, OutputError.
    """
    remove_stale_parts(folder)
    if not is_shards(folder):
        _write(folder / DESCRIPTION, description.model_dump_json(indent=2))
        return
    found, wanted = (told.model_dump() for told in (describe(folder), description))
    for name, value in wanted.items():
        if found[name] != value:
            raise DataError(
                f"{folder} holds shards of other {name} ({_short(found[name])} instead of {_short(value)}): "
                "use the same photos and options, or another folder."
            )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def is_finished(folder: Path, description: Description, number: int, thorough: bool = False) -> bool:
    """Whether a shard is there, whole by its size; thorough: by its checksum."""
    place = folder / f"{description.stem(number)}.safetensors"
    try:
        record = Record.model_validate_json(place.with_suffix(".json").read_bytes())
        whole = place.stat().st_size == record.size
        return whole and (not thorough or sha256(place) == record.sha256)
    except (OSError, ValidationError):
        return False


def write(
    folder: Path,
    description: Description,
    number: int,
    sample: Latents,
    prompts: tuple[Prompt, list[int]] | None,
    origins: list[Origin],
) -> None:
    """Write one shard, then its record: whoever is ended in between leaves a shard that does not count.

    sample: all its samples, without prompts. prompts: those of its texts, and which of them each sample has.
    Raises OutputError.
    """
    place = folder / f"{description.stem(number)}.safetensors"
    tensors = {"image": sample.image.half(), "upsampled": sample.upsampled.half()}
    if sample.lr is not None:
        tensors["lr"] = sample.lr
    if prompts is not None:
        prompt, text = prompts
        tensors |= {"tokens": prompt.tokens.bfloat16(), "text": torch.tensor(text)}
        if prompt.pooled is not None:
            tensors["pooled"] = prompt.pooled.bfloat16()
    place.with_suffix(".json").unlink(missing_ok=True)  # of a shard that is made again
    _write(place, {name: tensor.to("cpu").contiguous() for name, tensor in tensors.items()})
    record = Record(sha256=sha256(place), size=place.stat().st_size, samples=origins)
    _write(place.with_suffix(".json"), record.model_dump_json())


def _write(place: Path, content: str | dict[str, Tensor]) -> None:
    try:
        with atomic_write(place) as part:
            if isinstance(content, str):
                part.write_text(content, encoding="utf-8")
            else:
                save_file(content, part)
    except OutputError as error:
        raise OutputError(
            f"{str(error).rstrip('.')}: make room, then give the same command again; finished shards stay."
        ) from error


def digest(names: list[str], sizes: list[tuple[int, int]]) -> str:
    """Of photos, for `Description.names`."""
    listed = json.dumps([[name, *size] for name, size in zip(names, sizes, strict=True)])
    return hashlib.sha256(listed.encode()).hexdigest()
