"""From the photos on disk to the network's space: which samples a step sees and how they are prepared."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from .. import degrade
from ..data import on_device, pool
from ..data.crops import PhotoCrops, Sample
from ..data.latents import Latents
from ..data.on_device import DeviceCrops, Places
from ..data.photos import Photos, open_photos
from ..data.prepared import Shards
from ..data.shards import is_shards
from ..degrade import Degradation, Generators
from ..degrade.residual import noise_of
from ..errors import DataError
from ..frozen.space import Space
from ..methods import Batch
from ..networks import Condition
from ..ops.damage import measure
from ..ops.filters import unsharp_mask
from ..ops.transfer import send
from ..ops.upsample import bicubic_upsample
from . import labels, prepared
from .config import DataConfig, TrainConfig

if TYPE_CHECKING:
    from .launch import Callbacks


@dataclass(frozen=True)
class Photographs:
    """The photos of a run, split: `training` and `held_out` are indices into `photos`."""

    photos: Photos
    training: list[int]
    held_out: list[int]


def smallest(data: DataConfig) -> int:
    """Pixels that both sides of a photo must have: a crop is cut from it."""
    return data.pool_crop if data.pool else data.crop


def split(
    source: str | Path, config: TrainConfig, notice: Callable[[str], None] = lambda text: None
) -> Photographs | Shards:
    """Hold some photos out, by their names, so that those stay where others come or go; of shards, which
    hold no photos, nothing.

    notice: told how many photos are too small to be used.

    Raises DataError when no photo would be left, or for shards that are not complete or of another recipe.
    """
    data = config.data
    if is_shards(Path(source)):
        shards = Shards(Path(source), config.seed)
        prepared.check_data(shards, config)
        return shards
    photos = open_photos(source, smallest=smallest(data))
    count = len(photos.names)
    if count <= data.held_out:
        raise DataError(
            f"{source} has {count} usable photos and {data.held_out} are held out for validation; "
            "add photos or use --set data.held_out=N."
        )
    if photos.too_small:
        found, least = count + photos.too_small, smallest(data)
        notice(f"Left out, with a side below {least} pixels: {photos.too_small} of {found} photos.")
    drawn = sorted(range(count), key=lambda index: hashlib.sha256(photos.names[index].encode()).digest())
    return Photographs(photos, sorted(drawn[data.held_out :]), sorted(drawn[: data.held_out]))


def sampler(
    source: str | Path,
    shots: Photographs | Shards,
    config: TrainConfig,
    device: torch.device,
    cache: Path,
    callbacks: "Callbacks",
) -> Callable[[int, int], Sample | Places | Latents]:
    """samples(first, count) for the trainer: fresh crops, from the host or from photos on the device, a
    pool degraded ahead of time in `cache`, or what is encoded already.
    """
    data = config.data
    if isinstance(shots, Shards):
        return shots
    if data.on_device:
        return DeviceCrops(_on_device(shots, device, callbacks), data.crop, config.seed)
    if not data.pool:
        return PhotoCrops(shots.photos, shots.training, data.crop, config.seed)
    spec = pool.PoolSpec(
        source=str(Path(source).resolve()),
        names=[shots.photos.names[i] for i in shots.training],
        sizes=[shots.photos.sizes[i] for i in shots.training],
        degradation=data.degradation,
        degradation_version=degrade.VERSION,
        sharpen=data.sharpen,
        scale=config.factor,
        side=data.pool_crop,
        crops=data.pool,
        seed=config.seed,
    )
    pool.build(cache, spec, shots.photos, shots.training, callbacks.degrading, callbacks.stop)
    return pool.Pool(cache, data.crop, config.seed)


def _on_device(shots: Photographs, device: torch.device, callbacks: "Callbacks") -> on_device.DevicePhotos:
    began = time.monotonic()
    photos = on_device.load(shots.photos, shots.training, device)
    size, seconds = photos.pixels.numel() / 1e9, time.monotonic() - began
    callbacks.notice(f"{len(photos.sizes)} photos, {size:.2f} GB on {device} in {seconds:.1f} s.")
    return photos


@dataclass(frozen=True)
class Prepare:
    """Samples -> a Batch on the device: degraded and encoded if they are not yet, with a source."""

    degradation: Degradation
    config: TrainConfig
    device: torch.device
    space: Space

    @torch.no_grad()
    def __call__(self, sample: Sample | Places | Latents, generator: torch.Generator) -> Batch:
        image, cond, upsampled = self._entered(sample, generator)
        redraw = partial(self.config.source.draw, upsampled, generator)
        source = redraw()
        if self.config.labelled:
            image, quality = labels.draw(image, upsampled, self.config.data, generator)
            cond = cond.relabelled(quality)
        return Batch(image, source, cond, generator, redraw)

    def _entered(
        self, sample: Sample | Places | Latents, generator: torch.Generator
    ) -> tuple[Tensor, Condition, Tensor]:
        """In the network's space: the image, what the network is told, and the upsampled picture."""
        found = sample.to(self.device)
        if isinstance(found, Latents):
            lr = None if found.lr is None else _floats(found.lr) * 2 - 1
            return found.image, self.space.condition(found.upsampled, lr, found.prompt), found.upsampled
        image = _floats(found.image)
        if found.lr is not None:
            lr = _floats(found.lr)
        else:
            image = unsharp_mask(image) if self.config.data.sharpen else image
            lr = self.degradation(image, Generators.beside(generator))
        told = None
        if self.config.network.reads_damage:
            measures = measure(lr) if found.measures is None else found.measures
            image, told = self._with_noise(image, lr, measures, generator)
        cond, upsampled = self.space.make_condition(lr * 2 - 1)
        return self.space.encode(image * 2 - 1), replace(cond, damage=told), upsampled

    def _with_noise(
        self, image: Tensor, lr: Tensor, measures: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The image that is asked for, with the noise that shall stay, and what the network is told."""
        chance = send(torch.rand(3, len(image), generator=generator, device=generator.device), image.device)
        part = torch.where(chance[1] < 0.5, 0.0, chance[2])
        denoise = torch.where(chance[0] < self.config.data.kept_noise, part, 1.0)
        kept = bicubic_upsample(noise_of(lr, image, self.config.factor), self.config.factor)
        wanted = torch.addcmul(image, (1 - denoise).view(-1, 1, 1, 1), kept).clamp(0, 1)
        return wanted, torch.cat([measures, denoise[:, None]], dim=1)

    def generator(self, seed: int, step: int, rank: int) -> torch.Generator:
        """All randomness of one step, from its number alone: nothing to save, nothing to lose on resume."""
        mixed = np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0]
        return torch.Generator(self.device).manual_seed(int(mixed))


def _floats(pixels: Tensor) -> Tensor:
    """uint8 (B, 3, H, W) in any order of memory to float32 in [0, 1], planes one after another."""
    return pixels.to(torch.float32, memory_format=torch.contiguous_format) / 255


def prepare(config: TrainConfig, device: torch.device, space: Space) -> Prepare:
    degradation = degrade.make(config.data.degradation, config.factor, config.data.group)
    return Prepare(degradation, config, device, space)
