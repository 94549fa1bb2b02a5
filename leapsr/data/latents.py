"""Samples that were encoded ahead of training, batched."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..frozen import QualityCaptions
from ..networks import Prompt
from ..ops.transfer import pin, to_device


class Latents(NamedTuple):
    """A batch of samples in the space of a network."""

    image: Tensor
    """(B, C, h, w), of the photo."""
    upsampled: Tensor
    """(B, C, h, w), of the upsampled low-resolution picture."""
    lr: Tensor | None = None
    """uint8 (B, 3, h, w)."""
    prompt: Prompt | None = None
    """None: the model's own."""
    photo: Tensor | None = None
    """uint8 (B, 3, S, S), the clean crop; None: not kept."""
    quality: Sequence[QualityCaptions] | None = None
    """Of each sample; None: not captioned."""

    def pinned(self, device: torch.device) -> "Latents":
        """In pinned memory, from which a copy to `device` does not wait."""
        return self._each(pin, device)

    def to(self, device: torch.device) -> "Latents":
        """On a device, latents and prompts in float32."""
        there = self._each(to_device, device)
        prompt = there.prompt
        if prompt is not None:
            prompt = Prompt(prompt.tokens.float(), None if prompt.pooled is None else prompt.pooled.float())
        return there._replace(image=there.image.float(), upsampled=there.upsampled.float(), prompt=prompt)

    def _each(self, change: Callable[[Tensor, torch.device], Tensor], device: torch.device) -> "Latents":
        prompt = self.prompt
        if prompt is not None:
            pooled = None if prompt.pooled is None else change(prompt.pooled, device)
            prompt = Prompt(change(prompt.tokens, device), pooled)
        lr, photo = (None if part is None else change(part, device) for part in (self.lr, self.photo))
        return Latents(
            change(self.image, device), change(self.upsampled, device), lr, prompt, photo, self.quality
        )


def joined(samples: list[Latents]) -> Latents:
    """One batch of several, all with the same parts."""
    lr = [sample.lr for sample in samples if sample.lr is not None]
    photos = [sample.photo for sample in samples if sample.photo is not None]
    prompts = [sample.prompt for sample in samples if sample.prompt is not None]
    pooled = [prompt.pooled for prompt in prompts if prompt.pooled is not None]
    quality = [captions for sample in samples for captions in sample.quality or ()]
    return Latents(
        torch.cat([sample.image for sample in samples]),
        torch.cat([sample.upsampled for sample in samples]),
        torch.cat(lr) if lr else None,
        Prompt(torch.cat([prompt.tokens for prompt in prompts]), torch.cat(pooled) if pooled else None)
        if prompts
        else None,
        torch.cat(photos) if photos else None,
        quality or None,
    )
