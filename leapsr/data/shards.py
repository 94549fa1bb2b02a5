"""Crops encoded ahead of training, in a folder of shards: latents of photo and small picture, and text.

Training billions of weights leaves neither memory nor time for autoencoders and text encoders. ::

    FOLDER/shards.json              what all samples have in common, and how many there are
    FOLDER/00003-of-00012.safetensors
    FOLDER/00003-of-00012.json      which samples are in it, and its SHA-256; written last

A shard holds `image` and `upsampled` (N, C, h, w) float16; `lr` (N, 3, h, w) uint8 if the network takes
pixels too or photos are kept; `photo` (N, 3, S, S) uint8 if they are; `tokens` (T, L, D) and `pooled` (T, P)
bfloat16, one for each text, and `text` (N,) int64, the index of each sample's text; `good` and `bad` (N, L)
uint8, captions of quality in UTF-8, with zeros behind. Shards with the same shards.json may be made anywhere
and gathered in one folder.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..errors import DataError, OutputError
from ..files import atomic_write, remove_stale_parts, sha256
from ..frozen import QualityCaptions
from ..networks import Prompt
from .crops import EVERY, Drawing, Symmetries
from .latents import Latents

DESCRIPTION = "shards.json"


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Texts(Strict):
    kind: str
    encoders: str
    """Both: see `frozen.TextEncoder`."""
    tokens: tuple[int, int]
    """(L, D)."""
    pooled: int | None
    """P; None if there is none."""


class Description(Strict):
    """What the samples of a set depend on, apart from the pixels of the photos."""

    format: Literal["leapsr-shards"] = "leapsr-shards"
    version: Literal[2] = 2
    photos: int = Field(ge=1)
    """How many."""
    names: str
    """SHA-256 of the names and sizes of the photos."""
    crop: int = Field(ge=1)
    crops: int = Field(ge=1)
    """Of each photo."""
    seed: int = Field(ge=0)
    scale: int = Field(ge=1)
    degradation: str
    degradation_version: int
    autoencoder: str
    """Its `frozen.fingerprint`."""
    latents: tuple[int, int, int]
    """(C, h, w) of one sample."""
    lr: bool
    """Whether the low-resolution pixels are kept."""
    photo: bool = False
    """Whether the pixels of the crops are kept."""
    sharpen: bool = False
    """Whether the clean images are sharpened (USM)."""
    resize: int | None = None
    """Side of the squares that photos became first."""
    symmetries: Symmetries = EVERY
    drawing: Drawing = "photo"
    """Whether photos have samples in proportion to their areas, or all as many."""
    captions: str
    """Where they are from, and what follows each."""
    quality: str | None = None
    """Where captions of quality are from; None: there are none."""
    texts: Texts | None
    """None: samples have no text of their own, and training uses the model's prompts."""
    each: int = Field(ge=1)
    """Samples in a shard; the last one may have fewer."""

    @property
    def samples(self) -> int:
        return self.photos * self.crops

    @property
    def count(self) -> int:
        """Number of shards."""
        return -(-self.samples // self.each)

    def rows(self, number: int) -> range:
        """The samples of a shard."""
        return range(number * self.each, min((number + 1) * self.each, self.samples))

    def stem(self, number: int) -> str:
        return f"{number:05d}-of-{self.count:05d}"


class Origin(Strict):
    """Where one sample is from."""

    photo: str
    top: int
    left: int
    """Of the crop in its photo, in pixels."""
    symmetry: int
    """As in `crops.turn`."""
    damage: int
    """Seed of the degradation."""
    caption: str
    quality: QualityCaptions | None = None


class Record(Strict):
    """What a shard holds."""

    sha256: str
    size: int
    """Bytes of its file."""
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
    """Write the description of the set, unless the folder has the same one, from another worker perhaps.

    Raises DataError if the folder holds shards of another description, OutputError.
    """
    remove_stale_parts(folder)
    if not is_shards(folder):
        _write(folder / DESCRIPTION, description.model_dump_json(indent=2))
        return
    found, wanted = (each.model_dump() for each in (describe(folder), description))
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
    """Whether a shard is there and complete: by its size, or by its checksum too if `thorough`."""
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
    """Write one shard, then its record; a shard without a record does not count.

    Args:
        sample: all samples of the shard, without prompts.
        prompts: the prompts of its texts, and the index of each sample's text.
        origins: of the samples.

    Raises:
        OutputError: a file cannot be written.
    """
    place = folder / f"{description.stem(number)}.safetensors"
    tensors = {"image": sample.image.half(), "upsampled": sample.upsampled.half()}
    if sample.lr is not None:
        tensors["lr"] = sample.lr
    if sample.photo is not None:
        tensors["photo"] = sample.photo
    if prompts is not None:
        prompt, text = prompts
        tensors |= {"tokens": prompt.tokens.bfloat16(), "text": torch.tensor(text)}
        if prompt.pooled is not None:
            tensors["pooled"] = prompt.pooled.bfloat16()
    if quality := [at.quality for at in origins if at.quality is not None]:
        tensors |= {name: letters([getattr(each, name) for each in quality]) for name in ("good", "bad")}
    place.with_suffix(".json").unlink(missing_ok=True)  # of a shard that is made again
    _write(place, {name: tensor.to("cpu").contiguous() for name, tensor in tensors.items()})
    record = Record(sha256=sha256(place), size=place.stat().st_size, samples=origins)
    _write(place.with_suffix(".json"), record.model_dump_json())


def letters(texts: Sequence[str]) -> Tensor:
    """uint8 (N, L), UTF-8 with zeros behind."""
    written = [torch.tensor(list(text.encode()), dtype=torch.uint8) for text in texts]
    return pad_sequence(written, batch_first=True)


def text_of(row: Tensor) -> str:
    """One row of `letters`."""
    return bytes(row.tolist()).rstrip(b"\0").decode()


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
