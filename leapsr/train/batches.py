"""From photos to batches: which samples a step sees, and how they become what a method learns from."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .. import degrade
from ..data import answers, on_device, pool
from ..data.crops import PhotoCrops, Sample
from ..data.latents import Latents
from ..data.on_device import CropIndex, DeviceCrops
from ..data.photos import Photos, open_photos
from ..data.shard_reader import Shards
from ..data.shards import is_shards
from ..degrade import Degradation, Generators
from ..degrade.noise import noise_of
from ..errors import DataError, TrainingError
from ..frozen import Clip, QualityCaptions
from ..frozen.large_pictures import reflect
from ..frozen.space import PIXELS, Space
from ..methods import Batch
from ..networks import Condition
from ..ops.damage import measure
from ..ops.filters import unsharp_mask
from ..ops.transfer import to_device
from ..ops.upsample import bicubic_upsample
from ..restorer import Restorer
from . import labels, shard_checks
from .callbacks import SILENT, Callbacks
from .config import TrainConfig

EXAMPLES = QualityCaptions(
    "image quality is good, with clear details and vibrant colors",
    "image quality is poor, blurry, and noisy",
)
"""What FlowSR prints as examples of its captions of quality, c_pos and c_neg (section 4.3)."""


@dataclass(frozen=True)
class PhotoSplit:
    """The photos of a run; `training` and `held_out` are indices into `photos`."""

    photos: Photos
    training: list[int]
    held_out: list[int]


def split_photos(
    source: str | Path, config: TrainConfig, callbacks: Callbacks = SILENT
) -> PhotoSplit | Shards:
    """Open the photos and hold some out for validation, or open shards, which hold no photos to hold out.

    A hash of its name decides whether a photo is held out, so it stays so when others are added or removed.
    Raises DataError when no photo would be left, or for shards that are not complete or of another recipe.
    """
    data = config.data
    if is_shards(Path(source)):
        shards = Shards(Path(source), config.seed)
        shard_checks.check_data(shards, config)
        return shards
    smallest = data.pool_crop if data.pool else data.crop
    photos = open_photos(source, smallest, data.resize, callbacks.notice)
    count = len(photos.names)
    if count <= data.held_out:
        raise DataError(
            f"{source} has {count} usable photos and {data.held_out} are held out for validation; "
            "add photos or use --set data.held_out=N."
        )
    callbacks.notice(
        f"{count} photos: {count - data.held_out} to train on, {data.held_out} held out to look at."
    )
    if photos.too_small:
        found = count + photos.too_small
        callbacks.notice(
            f"Left out, with a side below {smallest} pixels: {photos.too_small} of {found} photos."
        )
    for sentence in photos.left_out:
        callbacks.notice(sentence)
    drawn = sorted(range(count), key=lambda index: hashlib.sha256(photos.names[index].encode()).digest())
    return PhotoSplit(photos, sorted(drawn[data.held_out :]), sorted(drawn[: data.held_out]))


def open_samples(
    source: str | Path,
    split: PhotoSplit | Shards,
    config: TrainConfig,
    device: torch.device,
    cache: Path,
    callbacks: Callbacks,
    deadline: float | None = None,
    answering: Path | None = None,
) -> Callable[[int, int], Sample | CropIndex | Latents]:
    """samples(first, count) of a run.

    They are shards as they are, or crops of the photos, which lie on the device, in a pool that is degraded
    ahead of time in the folder `cache`, or on the disk, as the config says.

    deadline: on time.monotonic()'s clock, after which a pool is left as it is. Raises TrainingError then.
    answering: the model whose answers to a pool are wanted, too. Without a pool, the BatchMaker asks it.
    """
    data = config.data
    if isinstance(split, Shards):
        return split
    if data.on_device:
        began = time.monotonic()
        photos = on_device.load(split.photos, split.training, device)
        size, seconds = photos.pixels.numel() / 1e9, time.monotonic() - began
        callbacks.notice(f"{len(photos.sizes)} photos, {size:.2f} GB on {device} in {seconds:.1f} s.")
        return DeviceCrops(photos, data.crop, config.seed, data.symmetries, data.drawing)
    if not data.pool:
        return PhotoCrops(split.photos, split.training, data.crop, config.seed, data.symmetries, data.drawing)
    spec = pool.PoolSpec(
        source=str(Path(source).resolve()),
        names=[split.photos.names[i] for i in split.training],
        sizes=[split.photos.sizes[i] for i in split.training],
        degradation=data.degradation,
        degradation_version=degrade.VERSION,
        sharpen=data.sharpen,
        scale=config.factor,
        side=data.pool_crop,
        crops=data.pool,
        seed=config.seed,
    )

    def is_over() -> bool:
        return deadline is not None and time.monotonic() > deadline

    def stop() -> bool:
        return callbacks.stop() or is_over()

    try:
        pool.build(cache, spec, split.photos, split.training, callbacks.degrading, stop)
        if answering is not None:
            answers.build(cache, answering, device, callbacks.answering, stop)
    except KeyboardInterrupt:
        if callbacks.stop() or not is_over():
            raise
        raise TrainingError(
            "The time was over before the pool of crops was made; the same command goes on with it."
        ) from None
    return pool.Pool(cache, data.crop, config.seed, answering and cache / answers.ANSWER, data.symmetries)


class Pixels(NamedTuple):
    """What a network of latents learns from, in [-1, 1]."""

    photo: Tensor  # (B, 3, S, S)
    lr: Tensor  # (B, 3, S / scale, S / scale)


@dataclass(frozen=True)
class BatchMaker:
    """Samples -> a Batch on the device: degraded, answered and encoded if they are not yet, with a source.

    answering: the upscaler whose answers the samples lack.
    clip: reads captions of quality, where a loss compares with them.
    """

    degradation: Degradation
    config: TrainConfig
    device: torch.device
    space: Space
    answering: Restorer | None = None
    clip: Clip | None = None

    @torch.no_grad()
    def __call__(self, sample: Sample | CropIndex | Latents, generator: torch.Generator) -> Batch:
        images, cond, upsampled, pixels = self._encode(sample, generator)
        redraw = partial(self.config.source.draw, upsampled, generator)
        source = redraw()
        if self.config.labelled:
            bad, quality = labels.draw(len(source), self.config.data, generator, source.device)
            harmed = bad[:, None, None, None]
            images = [torch.where(harmed, upsampled, image) for image in images]
            cond = cond.relabelled(quality)
            if pixels is not None:
                soft = bicubic_upsample(pixels.lr, self.config.factor)
                pixels = pixels._replace(photo=torch.where(harmed, soft, pixels.photo))
        photo = None if pixels is None else reflect(pixels.photo, self.space.pixel_multiple)
        image, *answer = images
        batch = Batch(image, source, cond, generator, redraw, photo, *answer)
        return batch if self.clip is None else replace(batch, quality=self._quality(self.clip, sample, image))

    def _quality(self, clip: Clip, sample: Sample | CropIndex | Latents, image: Tensor) -> Tensor:
        """`Batch.quality`: of each sample's own captions, or FlowSR's examples for all."""
        captions: Sequence[QualityCaptions] = [EXAMPLES]
        if self.config.method.compares_quality:
            assert isinstance(sample, Latents)
            assert sample.quality is not None
            captions = sample.quality
        texts = [text for pair in captions for text in pair]
        return clip.text(texts, image.device).unflatten(0, (-1, 2)).expand(len(image), -1, -1)

    def _encode(
        self, sample: Sample | CropIndex | Latents, generator: torch.Generator
    ) -> tuple[list[Tensor], Condition, Tensor, Pixels | None]:
        """In the network's space: the image, and the answer if there is one; the condition; and the upsampled
        low-resolution picture. And the pixels of a network of latents, where they are known and a loss sees
        them."""
        found = sample.to(self.device)
        wanted = self.config.method.compares_photos and self.space.autoencoder is not PIXELS
        if isinstance(found, Latents):
            lr, photo = (None if part is None else _floats(part) * 2 - 1 for part in (found.lr, found.photo))
            pixels = Pixels(photo, lr) if wanted and photo is not None and lr is not None else None
            cond = self.space.condition(found.upsampled, lr, found.prompt)
            return [found.image], cond, found.upsampled, pixels
        images = [_floats(found.image)]
        if found.lr is not None:
            lr = _floats(found.lr)
        else:
            images = [unsharp_mask(images[0])] if self.config.data.sharpen else images
            lr = self.degradation(images[0], Generators.from_generator(generator))
        if found.answer is not None:
            images.append(_floats(found.answer))
        elif self.answering is not None:
            images.append(self._ask(self.answering, lr, generator))
        damage = None
        if self.config.network.reads_damage:
            measures = measure(lr) if found.measures is None else found.measures
            images, damage = self._keep_noise(images, lr, measures, generator)
        cond, upsampled = self.space.make_condition(lr * 2 - 1)
        pixels = Pixels(images[0] * 2 - 1, lr * 2 - 1) if wanted else None
        encoded = [self.space.encode(image * 2 - 1) for image in images]
        return encoded, replace(cond, damage=damage), upsampled, pixels

    def _ask(self, answering: Restorer, lr: Tensor, generator: torch.Generator) -> Tensor:
        """(B, 3, H, W) in [0, 1]."""
        shape = len(lr), *answering.space.state_shape(*lr.shape[2:])
        noise = torch.randn(shape, generator=generator, device=generator.device)
        return answers.answers(answering, lr, noise).clamp(0, 1)

    def _keep_noise(
        self, images: list[Tensor], lr: Tensor, measures: Tensor, generator: torch.Generator
    ) -> tuple[list[Tensor], Tensor]:
        """Draw how much of the small picture's noise each image, and the answer to it, shall keep.

        Returns them with that noise, and Condition.damage, which tells the network how much it is.
        """
        image = images[0]
        chance = to_device(
            torch.rand(3, len(image), generator=generator, device=generator.device), image.device
        )
        part = torch.where(chance[1] < 0.5, 0.0, chance[2])
        denoise = torch.where(chance[0] < self.config.data.kept_noise, part, 1.0)
        kept = bicubic_upsample(noise_of(lr, image, self.config.factor), self.config.factor)
        left = (1 - denoise).view(-1, 1, 1, 1)
        wanted = [torch.addcmul(each, left, kept).clamp(0, 1) for each in images]
        return wanted, torch.cat([measures, denoise[:, None]], dim=1)

    def generator(self, seed: int, part: int) -> torch.Generator:
        """All randomness follows from the number of a part of a batch, so no checkpoint need hold it."""
        mixed = np.random.SeedSequence((seed, part)).generate_state(1, np.uint64)[0]
        return torch.Generator(self.device).manual_seed(int(mixed))


def _floats(pixels: Tensor) -> Tensor:
    """uint8 (B, 3, H, W) in any order of memory to float32 in [0, 1], planes one after another."""
    return pixels.to(torch.float32, memory_format=torch.contiguous_format) / 255


def batch_maker(
    config: TrainConfig,
    device: torch.device,
    space: Space,
    answering: Restorer | None = None,
    clip: Clip | None = None,
) -> BatchMaker:
    degradation = degrade.make(config.data.degradation, config.factor, config.data.group)
    return BatchMaker(degradation, config, device, space, answering, clip)
