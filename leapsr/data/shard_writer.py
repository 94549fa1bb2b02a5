"""Photos to shards: crops are damaged, encoded and captioned, and the captions encoded.

The crop and its damage depend only on the seed, the name of the photo and the number of the crop, and every
worker makes a shard in the same way: on one kind of machine, work that was interrupted and resumed leaves the
same bytes.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .. import degrade
from ..degrade import Generators
from ..errors import DataError, UsageError
from ..frozen.prompts import describe
from ..networks import Prompt
from ..ops.color import to_uint8
from ..ops.filters import unsharp_mask
from . import shards
from .crops import EVERY, Drawing, Symmetries, shares, turn
from .latents import Latents, joined
from .photos import Photos, Progress
from .prefetch import Prefetch
from .processes import spread
from .shard_encoders import Encoders
from .shards import Description, Origin, Texts

BATCH = 4
"""Samples encoded at once. Fixed, because another number rounds differently."""

LATENT, WORD = 2, 2  # bytes of a half-precision number


@dataclass(frozen=True)
class ShardOptions:
    crop: int = 512
    """Side of a sample in pixels, a multiple of the scale."""
    crops: int = 1
    """Of each photo."""
    degradation: str = "realesrgan-heavy"
    seed: int = 0
    megabytes: float = 256.0
    """Of a shard, about."""
    photo: bool = False
    """Keep the pixels of the crops, for losses of images."""
    sharpen: bool = False
    """Sharpen the clean images first (USM)."""
    resize: int | None = None
    """Side of the squares that the photos became, for the description alone."""
    symmetries: Symmetries = EVERY
    drawing: Drawing = "photo"
    """"photo": `crops` of each. "area": as many in all, each photo's in proportion to its area."""


def plan(photos: Photos, options: ShardOptions, encoders: Encoders) -> Description:
    """Describe the set to make. Raises UnknownName, UsageError, and what reading the encoders raises."""
    space = encoders.space
    degrade.make(options.degradation, space.scale)
    if options.crop % space.scale:
        raise UsageError(f"--crop {options.crop} must be a multiple of the model's scale, {space.scale}.")
    small = options.crop // space.scale
    latents, lr = space.state_shape(small, small), options.photo or space.condition_input != "latents"
    texts = _texts(encoders)
    pixels = (3 * small**2 if lr else 0) + (3 * options.crop**2 if options.photo else 0)
    size = 2 * LATENT * int(np.prod(latents)) + pixels
    if texts is not None:
        size += WORD * (int(np.prod(texts.tokens)) + (texts.pooled or 0))
    return Description(
        photos=len(photos.names),
        names=shards.digest(photos.names, photos.sizes),
        crop=options.crop,
        crops=options.crops,
        seed=options.seed,
        scale=space.scale,
        degradation=options.degradation,
        degradation_version=degrade.VERSION,
        autoencoder=encoders.autoencoder,
        latents=latents,
        lr=lr,
        photo=options.photo,
        sharpen=options.sharpen,
        resize=options.resize,
        symmetries=options.symmetries,
        drawing=options.drawing,
        captions=encoders.captions,
        quality=encoders.qualities,
        texts=texts,
        each=max(1, int(options.megabytes * 1e6 / size)),
    )


def _texts(encoders: Encoders) -> Texts | None:
    if encoders.texts is None:
        return None
    prompt = encoders.texts.encode([""], encoders.device)
    length, width = prompt.tokens.shape[1:]
    pooled = None if prompt.pooled is None else prompt.pooled.shape[1]
    kind = encoders.texts
    return Texts(kind=kind.kind, encoders=kind.encoders, tokens=(length, width), pooled=pooled)


@dataclass(frozen=True)
class ShardWriter:
    """Makes the samples of a description."""

    photos: Photos
    description: Description
    encoders: Encoders
    workers: int = 2
    """Threads that read photos ahead."""

    def samples(self, number: int) -> Iterator[tuple[Latents, list[Origin]]]:
        """The samples of one shard without prompts, a batch at a time."""
        rows = self.description.rows(number)
        chunks = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        read = Prefetch(lambda step: self.clean(chunks[step]), range(len(chunks)), self.workers)
        for clean, origins in read:
            yield self.encode(clean, origins)

    def clean(self, rows: range) -> tuple[Tensor, list[Origin]]:
        """Crops, uint8 (B, 3, S, S), and their origins without captions."""
        side = self.description.crop
        whole = {index: self.whole(index) for index in {self.photo_of(row) for row in rows}}
        origins = [self.origin(row) for row in rows]
        cut = [
            turn(whole[self.photo_of(row)][:, at.top : at.top + side, at.left : at.left + side], at.symmetry)
            for row, at in zip(rows, origins, strict=True)
        ]
        return torch.stack(cut), origins

    def whole(self, index: int) -> Tensor:
        """Raises DataError; without this photo the set would be another one."""
        try:
            return self.photos.whole(index)
        except DataError as error:
            height, width = self.photos.sizes[index]
            raise DataError(
                f"{error} To keep the finished shards, put another picture of {width} x {height} pixels "
                "there under its name."
            ) from error

    def photo_of(self, row: int) -> int:
        """Index of a sample's photo."""
        if self.description.drawing == "photo":
            return row // self.description.crops
        return int(np.searchsorted(self._shares, (row + 0.5) / self.description.samples, side="right"))

    @cached_property
    def _shares(self) -> np.ndarray:
        return shares(self.photos.sizes, self.description.drawing)

    def origin(self, row: int) -> Origin:
        """Of the sample at this index; a function of seed, photo's name and number of the crop."""
        index = self.photo_of(row)
        crop = row % self.description.crops if self.description.drawing == "photo" else row
        name = self.photos.names[index]
        named = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        rng = np.random.default_rng((self.description.seed, named, crop))
        top, left = (int(rng.integers(side - self.description.crop + 1)) for side in self.photos.sizes[index])
        symmetry, damage = self.description.symmetries.draw(rng), int(rng.integers(2**62))
        return Origin(photo=name, top=top, left=left, symmetry=symmetry, damage=damage, caption="")

    @torch.no_grad()
    def encode(self, clean: Tensor, origins: list[Origin]) -> tuple[Latents, list[Origin]]:
        """clean: uint8 (B, 3, S, S) -> samples on the CPU, and their origins with captions."""
        space, image = self.encoders.space, clean.to(self.encoders.device).float() / 255
        if self.description.sharpen:
            image = unsharp_mask(image)
        lr = self.damage(image, origins)
        latents = space.encode(image * 2 - 1)
        upsampled = space.upsample(lr.float() / 255 * 2 - 1)
        known = self.description
        kept = Latents(
            latents, upsampled, lr if known.lr else None, None, to_uint8(image) if known.photo else None
        )
        return kept.to(torch.device("cpu")), self._captioned(image * 2 - 1, lr.float() / 127.5 - 1, origins)

    def damage(self, image: Tensor, origins: list[Origin]) -> Tensor:
        """(B, 3, S, S) in [0, 1] -> uint8 (B, 3, S/scale, S/scale), each with its own seed."""
        degradation = degrade.make(self.description.degradation, self.description.scale)
        seeds = [torch.Generator(image.device).manual_seed(at.damage) for at in origins]
        lr = [
            degradation(one[None], Generators.from_generator(seed))
            for one, seed in zip(image, seeds, strict=True)
        ]
        return to_uint8(torch.cat(lr))

    def _captioned(self, image: Tensor, lr: Tensor, origins: list[Origin]) -> list[Origin]:
        """image, lr: (B, 3, H, W) in [-1, 1] each."""
        encoders = self.encoders
        if encoders.caption is not None:
            shown = lr if encoders.shown == "lr" else image
            said = encoders.caption([at.photo for at in origins], shown)
            origins = [
                at.model_copy(update={"caption": text}) for at, text in zip(origins, said, strict=True)
            ]
        if encoders.quality is not None:
            judged = encoders.quality(image, lr)
            origins = [
                at.model_copy(update={"quality": pair}) for at, pair in zip(origins, judged, strict=True)
            ]
        return origins

    def prompts(self, origins: list[Origin]) -> tuple[Prompt, list[int]] | None:
        """Each text once and the index of each sample's text, worded as for restoring with that caption."""
        encoder = self.encoders.texts
        if encoder is None:
            return None
        asked = [describe(at.caption, self.encoders.suffix) for at in origins]
        texts = list(dict.fromkeys(asked))
        made = [
            encoder.encode(texts[start : start + BATCH], self.encoders.device).to("cpu")
            for start in range(0, len(texts), BATCH)
        ]
        prompt = made[0]
        for more in made[1:]:
            prompt = prompt + more
        return prompt, [texts.index(text) for text in asked]


def prepare(
    writer: ShardWriter,
    folder: Path,
    numbers: Iterable[int] | None = None,
    thorough: bool = False,
    progress: Progress = lambda done, total: None,
    others: "Others | None" = None,
) -> int:
    """Make the shards that are not there yet. Finished shards stay, whatever happens.

    Args:
        writer: makes the samples; of its encoders nothing is asked where `others` make them.
        folder: of the shards.
        numbers: of this worker's shards; None is all of them.
        thorough: compare finished shards with their checksums.
        progress: (done, total) in samples.
        others: processes that make them; None: this one.

    Returns:
        How many shards were made.

    Raises:
        DataError: the folder holds other shards, or a photo cannot be read.
        OutputError: a shard cannot be written; and what the encoders raise.
    """
    description = writer.description
    shards.begin(folder, description)
    chosen = range(description.count) if numbers is None else numbers
    left = [number for number in chosen if not shards.is_finished(folder, description, number, thorough)]
    done, total = 0, sum(len(description.rows(number)) for number in left)
    if others is not None:
        shared = writer.photos, description, others.encoders, writer.workers, folder, thorough
        for number, _ in spread(_make, left, _start, shared, devices=others.devices):
            done += len(description.rows(number))
            progress(done, total)
        return len(left)
    for number in left:
        samples, origins = [], []
        for sample, known in writer.samples(number):
            samples.append(sample)
            origins += known
            done += len(known)
            progress(done, total)
        shards.write(folder, description, number, joined(samples), writer.prompts(origins), origins)
    return len(left)


@dataclass(frozen=True)
class Others:
    """Processes that make shards."""

    devices: Sequence[str]
    """One for each; a device may have several."""
    encoders: Callable[[torch.device], Encoders]
    """Called in each process. It can be pickled."""


_work: tuple[ShardWriter, Path, bool]


def _start(
    photos: Photos,
    description: Description,
    encoders: Callable[[torch.device], Encoders],
    workers: int,
    folder: Path,
    thorough: bool,
    device: str,
) -> None:
    """What every shard of a process shares."""
    global _work
    writer = ShardWriter(photos, description, encoders(torch.device(device)), workers)
    _work = writer, folder, thorough


def _make(number: int) -> None:
    writer, folder, thorough = _work
    prepare(writer, folder, [number], thorough)
