"""Photos to shards: crops of each are damaged, encoded, captioned, and the captions encoded.

Which crop and which damage depend on the seed, the name of the photo and the number of the crop alone, and a
shard is made in the same way by whoever makes it: on one kind of machine, interrupted work that is taken up
again leaves the same bytes.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
from . import shards
from .crops import turn
from .latents import Latents, joined
from .photos import Photos, Progress
from .prefetch import Prefetch
from .shard_encoders import Encoders
from .shards import Description, Origin, Texts

TOGETHER = 4
"""Samples encoded at once. Fixed, since another number would be other roundings."""

LATENT, WORD = 2, 2  # bytes of a half-precision number


@dataclass(frozen=True)
class ShardOptions:
    """crop: side of a sample in pixels, a multiple of the scale. crops: of each photo. megabytes: of a
    shard, about."""

    crop: int = 512
    crops: int = 1
    degradation: str = "realesrgan-heavy"
    seed: int = 0
    megabytes: float = 256.0


def plan(photos: Photos, options: ShardOptions, encoders: Encoders) -> Description:
    """What the set will be. Raises UnknownName, UsageError, and what reading the encoders raises."""
    space = encoders.space
    degrade.make(options.degradation, space.scale)
    if options.crop % space.scale:
        raise UsageError(f"--crop {options.crop} must be a multiple of the model's scale, {space.scale}.")
    small = options.crop // space.scale
    latents, lr = space.state_shape(small, small), space.condition_input != "latents"
    texts = _texts(encoders)
    size = 2 * LATENT * int(np.prod(latents)) + (3 * small**2 if lr else 0)
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
        captions=encoders.captions,
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
    """Makes the shards of a description. workers: threads that read photos ahead."""

    photos: Photos
    description: Description
    encoders: Encoders
    workers: int = 2

    def samples(self, number: int) -> Iterator[tuple[Latents, list[Origin]]]:
        """Those of one shard, some at a time, without their prompts."""
        rows = self.description.rows(number)
        chunks = [rows[start : start + TOGETHER] for start in range(0, len(rows), TOGETHER)]
        read = Prefetch(lambda step: self.clean(chunks[step]), range(len(chunks)), self.workers)
        for clean, origins in read:
            yield self.encode(clean, origins)

    def clean(self, rows: range) -> tuple[Tensor, list[Origin]]:
        """uint8 (B, 3, S, S), and where they are from; not captioned yet."""
        side, crops = self.description.crop, self.description.crops
        whole = {index: self.whole(index) for index in {row // crops for row in rows}}
        origins = [self.origin(row) for row in rows]
        cut = [
            turn(whole[row // crops][:, at.top : at.top + side, at.left : at.left + side], at.symmetry)
            for row, at in zip(rows, origins, strict=True)
        ]
        return torch.stack(cut), origins

    def whole(self, index: int) -> Tensor:
        """Raises DataError; the set is of these very photos, so that one that is removed begins it anew."""
        try:
            return self.photos.whole(index)
        except DataError as error:
            height, width = self.photos.sizes[index]
            raise DataError(
                f"{error} To keep the shards that are done, give its name to another picture of {width} x "
                f"{height} pixels."
            ) from error

    def origin(self, row: int) -> Origin:
        """Of a sample by its place in the set; a function of the seed, the photo's name and which crop."""
        index, crop = divmod(row, self.description.crops)
        name = self.photos.names[index]
        named = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        rng = np.random.default_rng((self.description.seed, named, crop))
        top, left = (int(rng.integers(side - self.description.crop + 1)) for side in self.photos.sizes[index])
        symmetry, damage = int(rng.integers(8)), int(rng.integers(2**62))
        return Origin(photo=name, top=top, left=left, symmetry=symmetry, damage=damage, caption="")

    @torch.no_grad()
    def encode(self, clean: Tensor, origins: list[Origin]) -> tuple[Latents, list[Origin]]:
        """clean: uint8 (B, 3, S, S) -> samples on the CPU, and their origins with captions."""
        space, image = self.encoders.space, clean.to(self.encoders.device).float() / 255
        lr = self.damage(image, origins)
        latents = space.encode(image * 2 - 1)
        _, upsampled = space.make_condition(lr.float() / 255 * 2 - 1)
        sample = Latents(latents, upsampled, lr if self.description.lr else None).to(torch.device("cpu"))
        return sample, self._captioned(image * 2 - 1, origins)

    def damage(self, image: Tensor, origins: list[Origin]) -> Tensor:
        """(B, 3, S, S) in [0, 1] -> uint8 (B, 3, S/scale, S/scale), each by a seed of its own."""
        degradation = degrade.make(self.description.degradation, self.description.scale)
        seeds = [torch.Generator(image.device).manual_seed(at.damage) for at in origins]
        lr = [degradation(one[None], Generators.beside(seed)) for one, seed in zip(image, seeds, strict=True)]
        return to_uint8(torch.cat(lr))

    def _captioned(self, image: Tensor, origins: list[Origin]) -> list[Origin]:
        if self.encoders.caption is None:
            return origins
        return [
            at.model_copy(update={"caption": self.encoders.caption(at.photo, one)})
            for one, at in zip(image, origins, strict=True)
        ]

    def prompts(self, origins: list[Origin]) -> tuple[Prompt, list[int]] | None:
        """Each text once, and which of them each sample has; as restoring would ask with its caption."""
        encoder = self.encoders.texts
        if encoder is None:
            return None
        texts = list(dict.fromkeys(describe(at.caption) for at in origins))
        made = [
            encoder.encode(texts[start : start + TOGETHER], self.encoders.device).to("cpu")
            for start in range(0, len(texts), TOGETHER)
        ]
        prompt = made[0]
        for more in made[1:]:
            prompt = prompt + more
        return prompt, [texts.index(describe(at.caption)) for at in origins]


def prepare(
    writer: ShardWriter,
    folder: Path,
    numbers: Iterable[int] | None = None,
    thorough: bool = False,
    progress: Progress = lambda done, total: None,
) -> int:
    """Make those shards that are not there yet; returns how many it made.

    numbers: of the shards that are this worker's; None is all of them. thorough: compare what is there with
    its checksums. progress: (done, total) in samples.
    Raises DataError where the folder holds other shards or a photo cannot be read, OutputError, and what the
    encoders raise. Finished shards stay, whatever happens.
    """
    description = writer.description
    shards.begin(folder, description)
    chosen = range(description.count) if numbers is None else numbers
    left = [number for number in chosen if not shards.is_finished(folder, description, number, thorough)]
    done, total = 0, sum(len(description.rows(number)) for number in left)
    for number in left:
        samples, origins = [], []
        for sample, known in writer.samples(number):
            samples.append(sample)
            origins += known
            done += len(known)
            progress(done, total)
        shards.write(folder, description, number, joined(samples), writer.prompts(origins), origins)
    return len(left)
