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
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from ..errors import DataError, OutputError
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
    version: Literal[1] = 1
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
    """Where one sample is from. top, left: of the crop in its photo, in pixels. way: how it is turned, see
    `crops.turn`. damage: seed of the degradation."""

    photo: str
    top: int
    left: int
    way: int
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
    if not is_shards(folder):
        _write(folder / DESCRIPTION, description.model_dump_json(indent=2).encode())
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
        return whole and (not thorough or _checksum(place) == record.sha256)
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
    _save({name: tensor.to("cpu").contiguous() for name, tensor in tensors.items()}, place)
    record = Record(sha256=_checksum(place), size=place.stat().st_size, samples=origins)
    _write(place.with_suffix(".json"), record.model_dump_json().encode())


def _save(tensors: Mapping[str, Tensor], place: Path) -> None:
    """Written beside, pushed to the disk, renamed."""
    place.with_suffix(".json").unlink(missing_ok=True)  # of a shard that is made again
    part = place.with_name(f"{place.name}.part")
    try:
        save_file(dict(tensors), part)
        _settle(part, place)
    except (OSError, SafetensorError) as error:
        raise _unwritable(place, error) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _write(place: Path, content: bytes) -> None:
    part = place.with_name(f"{place.name}.{os.getpid()}.part")  # every worker writes the description
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        _settle(part, place)
    except OSError as error:
        raise _unwritable(place, error) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _settle(part: Path, place: Path) -> None:
    """So that the rename never makes a file official that is not on the disk yet."""
    with part.open("r+b") as file:  # Windows syncs what may be written only
        os.fsync(file.fileno())
    part.replace(place)


def _unwritable(place: Path, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0].rstrip(".")
    return OutputError(
        f"{place} cannot be written ({reason}): make room, then give the same command again; finished shards "
        "stay."
    )


def _checksum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def digest(names: list[str], sizes: list[tuple[int, int]]) -> str:
    """Of photos, for `Description.names`."""
    listed = json.dumps([[name, *size] for name, size in zip(names, sizes, strict=True)])
    return hashlib.sha256(listed.encode()).hexdigest()
