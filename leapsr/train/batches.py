"""From photos to batches: which samples a step sees, and how they become what a method learns from."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .. import degrade
from ..data import on_device, pool
from ..data.crops import PhotoCrops, Sample
from ..data.latents import Latents
from ..data.on_device import CropIndex, DeviceCrops
from ..data.photos import Photos, open_photos
from ..data.shard_reader import Shards
from ..data.shards import is_shards
from ..degrade import Degradation, Generators
from ..degrade.noise import noise_of
from ..errors import DataError, TrainingError
from ..frozen.large_pictures import reflect
from ..frozen.space import PIXELS, Space
from ..methods import Batch
from ..networks import Condition
from ..ops.damage import measure
from ..ops.filters import unsharp_mask
from ..ops.transfer import to_device
from ..ops.upsample import bicubic_upsample
from ..pictures import unsupported
from . import labels, shard_checks
from .callbacks import SILENT, Callbacks
from .config import TrainConfig


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
    photos = open_photos(source, smallest=smallest)
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
    for sentence in unsupported.advice([path for path in Path(source).rglob("*") if path.is_file()]):
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
) -> Callable[[int, int], Sample | CropIndex | Latents]:
    """samples(first, count) of a run.

    They are shards as they are, or crops of the photos, which lie on the device, in a pool that is degraded
    ahead of time in the folder `cache`, or on the disk, as the config says.

    deadline: on time.monotonic()'s clock, after which a pool is left as it is. Raises TrainingError then.
    """
    data = config.data
    if isinstance(split, Shards):
        return split
    if data.on_device:
        began = time.monotonic()
        photos = on_device.load(split.photos, split.training, device)
        size, seconds = photos.pixels.numel() / 1e9, time.monotonic() - began
        callbacks.notice(f"{len(photos.sizes)} photos, {size:.2f} GB on {device} in {seconds:.1f} s.")
        return DeviceCrops(photos, data.crop, config.seed)
    if not data.pool:
        return PhotoCrops(split.photos, split.training, data.crop, config.seed)
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

    try:
        pool.build(
            cache,
            spec,
            split.photos,
            split.training,
            callbacks.degrading,
            lambda: callbacks.stop() or is_over(),
        )
    except KeyboardInterrupt:
        if callbacks.stop() or not is_over():
            raise
        raise TrainingError(
            "The time was over before the pool of degraded crops was made; the same command goes on with it."
        ) from None
    return pool.Pool(cache, data.crop, config.seed)


class Pixels(NamedTuple):
    """What a network of latents learns from, in [-1, 1]."""

    photo: Tensor  # (B, 3, S, S)
    lr: Tensor  # (B, 3, S / scale, S / scale)


@dataclass(frozen=True)
class BatchMaker:
    """Samples -> a Batch on the device: degraded and encoded if they are not yet, with a source."""

    degradation: Degradation
    config: TrainConfig
    device: torch.device
    space: Space

    @torch.no_grad()
    def __call__(self, sample: Sample | CropIndex | Latents, generator: torch.Generator) -> Batch:
        image, cond, upsampled, pixels = self._encode(sample, generator)
        redraw = partial(self.config.source.draw, upsampled, generator)
        source = redraw()
        if self.config.labelled:
            bad, quality = labels.draw(len(image), self.config.data, generator, image.device)
            harmed = bad[:, None, None, None]
            image, cond = torch.where(harmed, upsampled, image), cond.relabelled(quality)
            if pixels is not None:
                soft = bicubic_upsample(pixels.lr, self.config.factor)
                pixels = pixels._replace(photo=torch.where(harmed, soft, pixels.photo))
        photo = None if pixels is None else reflect(pixels.photo, self.space.pixel_multiple)
        return Batch(image, source, cond, generator, redraw, photo=photo)

    def _encode(
        self, sample: Sample | CropIndex | Latents, generator: torch.Generator
    ) -> tuple[Tensor, Condition, Tensor, Pixels | None]:
        """In the network's space: the image, the condition, and the upsampled low-resolution picture; and the
        pixels of a network of latents, where they are known and a loss sees them."""
        found = sample.to(self.device)
        wanted = self.config.method.compares_photos and self.space.autoencoder is not PIXELS
        if isinstance(found, Latents):
            lr, photo = (None if part is None else _floats(part) * 2 - 1 for part in (found.lr, found.photo))
            pixels = Pixels(photo, lr) if wanted and photo is not None and lr is not None else None
            cond = self.space.condition(found.upsampled, lr, found.prompt)
            return found.image, cond, found.upsampled, pixels
        image = _floats(found.image)
        if found.lr is not None:
            lr = _floats(found.lr)
        else:
            image = unsharp_mask(image) if self.config.data.sharpen else image
            lr = self.degradation(image, Generators.from_generator(generator))
        damage = None
        if self.config.network.reads_damage:
            measures = measure(lr) if found.measures is None else found.measures
            image, damage = self._keep_noise(image, lr, measures, generator)
        cond, upsampled = self.space.make_condition(lr * 2 - 1)
        pixels = Pixels(image * 2 - 1, lr * 2 - 1) if wanted else None
        return self.space.encode(image * 2 - 1), replace(cond, damage=damage), upsampled, pixels

    def _keep_noise(
        self, image: Tensor, lr: Tensor, measures: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Draw how much of the small picture's noise each image shall keep.

        Returns the images with that noise, and Condition.damage, which tells the network how much it is.
        """
        chance = to_device(
            torch.rand(3, len(image), generator=generator, device=generator.device), image.device
        )
        part = torch.where(chance[1] < 0.5, 0.0, chance[2])
        denoise = torch.where(chance[0] < self.config.data.kept_noise, part, 1.0)
        kept = bicubic_upsample(noise_of(lr, image, self.config.factor), self.config.factor)
        wanted = torch.addcmul(image, (1 - denoise).view(-1, 1, 1, 1), kept).clamp(0, 1)
        return wanted, torch.cat([measures, denoise[:, None]], dim=1)

    def generator(self, seed: int, step: int, rank: int) -> torch.Generator:
        """All randomness of one step follows from its number, so a checkpoint need not hold it."""
        mixed = np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0]
        return torch.Generator(self.device).manual_seed(int(mixed))


def _floats(pixels: Tensor) -> Tensor:
    """uint8 (B, 3, H, W) in any order of memory to float32 in [0, 1], planes one after another."""
    return pixels.to(torch.float32, memory_format=torch.contiguous_format) / 255


def batch_maker(config: TrainConfig, device: torch.device, space: Space) -> BatchMaker:
    degradation = degrade.make(config.data.degradation, config.factor, config.data.group)
    return BatchMaker(degradation, config, device, space)
