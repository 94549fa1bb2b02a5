"""Pictures to latents and back, for networks that work on latents.

Gradients reach pictures and latents, never the weights. The networks are not submodules of the classes here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol, Self

import torch
from torch import Tensor

from .codec import Codec, read_codec
from .large_pictures import in_windows, reflect


class Autoencoder(Protocol):
    @property
    def factor(self) -> int:
        """Pixels on a side of one latent."""

    @property
    def channels(self) -> int:
        """Channels of a latent."""

    def encode(self, image: Tensor) -> Tensor:
        """image: (B, 3, H, W) in [-1, 1], any H, W >= 1, padded by reflection below and to the right
        -> (B, channels, ceil(H / factor), ceil(W / factor)). Deterministic."""

    def decode(self, latents: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """latents: (B, channels, h, w) -> (B, 3, H, W), about [-1, 1], not clamped.

        size: (H, W) of the picture that was encoded; None is all of it, factor h and factor w.
        """

    def waiting(self) -> "Autoencoder":
        """The same, with its weights in the host's memory between uses."""


class Identity:
    """For networks that work on pixels: does nothing."""

    factor = 1
    channels = 3

    def encode(self, image: Tensor) -> Tensor:
        return image

    def decode(self, latents: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        return _cut(latents, size)

    def waiting(self) -> Self:
        return self


class Pretrained:
    """An autoencoder of a folder in diffusers' format (AutoencoderKL, VQModel, AutoencoderTiny), or of
    a pipeline's folder that has one. Read on the first use; follows the picture to its device.

    Args:
        tile: side in latents of the windows for larger pictures; None never splits a picture. A window's
            normalisation sees only the window, so its tone may differ a little: fix the colours afterwards.
        overlap: of the windows, in latents.
        dtype: of the weights. SD2.1's overflow in float16.
        after: whether weights stay on the device after each use or move to the host's memory.

    Raises MissingExtra and WeightsError on the first use.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        tile: int | None = 128,
        overlap: int = 16,
        dtype: torch.dtype = torch.float32,
        after: Literal["stay", "cpu"] = "stay",
    ) -> None:
        if tile is not None and not 0 <= 2 * overlap <= tile:
            raise ValueError(f"tiles of {tile} latents cannot overlap by {overlap}: at most half their size")
        self.folder = Path(folder)
        self.tile = tile
        self.overlap = overlap
        self.dtype = dtype
        self.after = after

    @cached_property
    def codec(self) -> Codec:
        return read_codec(self.folder, self.dtype)

    @property
    def factor(self) -> int:
        return self.codec.factor

    @property
    def channels(self) -> int:
        return self.codec.channels

    def encode(self, image: Tensor) -> Tensor:
        """See `Autoencoder`. Returns the picture's dtype."""
        with self._on(image.device) as codec:
            whole = reflect(image, codec.factor).to(self.dtype)
            tile = self.tile or max(whole.shape[-2:])
            latents = in_windows(codec.encode, whole, codec.factor, 1, tile, self.overlap)
        return latents.to(image.dtype)

    def decode(self, latents: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """See `Autoencoder`. Returns the latents' dtype."""
        with self._on(latents.device) as codec:
            tile = self.tile or max(latents.shape[-2:])
            image = in_windows(codec.decode, latents.to(self.dtype), 1, codec.factor, tile, self.overlap)
        return _cut(image, size).to(latents.dtype)

    def waiting(self) -> Self:
        """The same, with its weights in the host's memory between uses."""
        other = copy(self)
        other.after = "cpu"
        if "codec" in vars(other):
            other._move(torch.device("cpu"))
        return other

    def release(self) -> None:
        """Free the memory; the next use reads the folder again."""
        self.__dict__.pop("codec", None)

    @contextmanager
    def _on(self, device: torch.device) -> Iterator[Codec]:
        self._move(device)
        try:
            yield self.codec
        finally:
            if self.after == "cpu":
                self._move(torch.device("cpu"))

    def _move(self, device: torch.device) -> None:
        with torch.inference_mode(False):  # else no gradient could be taken later
            self.codec.network.to(device)


def _cut(image: Tensor, size: tuple[int, int] | None) -> Tensor:
    if size is None:
        return image
    height, width = size
    if height > image.shape[-2] or width > image.shape[-1]:
        raise ValueError(f"{height} x {width} pixels cannot be cut from {tuple(image.shape[-2:])}")
    return image[..., :height, :width]
