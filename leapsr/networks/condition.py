"""The condition of a network: what it reads beside the state and the times."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

import torch
from torch import Tensor


class Quality(IntEnum):
    """A label of the image that is asked for; networks that read text have a prompt in its place.

    In training clean images are GOOD, a few damaged ones are BAD, and some of both are NONE. Guidance leads
    away from BAD (a negative prompt) or from NONE (a null prompt).
    """

    NONE = 0
    GOOD = 1
    BAD = 2


@dataclass(frozen=True)
class Prompt:
    """One encoded text for each sample.

    tokens: (B, L, D). pooled: (B, P), one vector for the whole text; None where the network reads none.
    """

    tokens: Tensor
    pooled: Tensor | None = None

    def take(self, rows: slice) -> "Prompt":
        return Prompt(self.tokens[rows], None if self.pooled is None else self.pooled[rows])

    def expand(self, samples: int) -> "Prompt":
        """One text repeated for each of `samples`."""
        pooled = None if self.pooled is None else self.pooled.expand(samples, -1)
        return Prompt(self.tokens.expand(samples, -1, -1), pooled)

    def where(self, keep: Tensor, other: "Prompt") -> "Prompt":
        """Samples of this where `keep`, (B,), is true, and of `other` elsewhere."""
        tokens = torch.where(keep[:, None, None], self.tokens, other.tokens)
        if self.pooled is None or other.pooled is None:
            return Prompt(tokens)
        return Prompt(tokens, torch.where(keep[:, None], self.pooled, other.pooled))

    def to(self, device: torch.device | str) -> "Prompt":
        return Prompt(self.tokens.to(device), None if self.pooled is None else self.pooled.to(device))

    def __add__(self, other: "Prompt") -> "Prompt":
        """Raises ValueError for prompts of different lengths or kinds."""
        if self.tokens.shape[1:] != other.tokens.shape[1:] or (self.pooled is None) != (other.pooled is None):
            raise ValueError("prompts of one batch must have the same number of tokens and the same kind")
        tokens = torch.cat([self.tokens, other.tokens])
        if self.pooled is None or other.pooled is None:
            return Prompt(tokens)
        return Prompt(tokens, torch.cat([self.pooled, other.pooled]))


@dataclass(frozen=True)
class Condition:
    """A network reads those of these that its config names.

    lr: (B, C, H, W), the low-resolution image in [-1, 1], see `networks.base.ConditionInput`.
    quality: (B,) int64 of Quality; None is GOOD for all samples.
    prompt: the text of each sample.
    prompts: the texts that `labelled` puts in its place; a label without one keeps `prompt`.
    damage: (B, 8), the measures of `ops.damage` and the share of the noise to remove, 0 to 1. None: measured
    on `lr`, and 1.
    """

    lr: Tensor
    quality: Tensor | None = None
    prompt: Prompt | None = None
    prompts: Mapping[Quality, Prompt] = field(default_factory=dict)
    damage: Tensor | None = None

    def take(self, rows: slice) -> "Condition":
        """The condition of some samples of the batch."""
        return Condition(
            self.lr[rows],
            None if self.quality is None else self.quality[rows],
            None if self.prompt is None else self.prompt.take(rows),
            {label: prompt.take(rows) for label, prompt in self.prompts.items()},
            None if self.damage is None else self.damage[rows],
        )

    def labelled(self, quality: Quality) -> "Condition":
        """The same images, all with one label and with its prompt if there is one."""
        labels = torch.full((len(self.lr),), int(quality), device=self.lr.device)
        return replace(self, quality=labels, prompt=self.prompts.get(quality, self.prompt))

    def relabelled(self, quality: Tensor) -> "Condition":
        """The same images, each with its own label, (B,) int64, and that label's prompt."""
        prompt = self.prompt
        for label, other in self.prompts.items():
            prompt = other if prompt is None else prompt.where(quality != label, other)
        return replace(self, quality=quality, prompt=prompt)

    @property
    def labels(self) -> Tensor:
        """(B,) int64, also where `quality` is None."""
        labelled = self if self.quality is not None else self.labelled(Quality.GOOD)
        assert labelled.quality is not None
        return labelled.quality

    def __add__(self, other: "Condition") -> "Condition":
        """The samples of both in one batch. Both have prompts and damage, or neither has."""
        if (self.prompt is None) != (other.prompt is None) or self.prompts.keys() != other.prompts.keys():
            raise ValueError("conditions of one batch must have the same prompts")
        unlabelled = self.quality is None and other.quality is None
        return Condition(
            torch.cat([self.lr, other.lr]),
            None if unlabelled else torch.cat([self.labels, other.labels]),
            None if self.prompt is None or other.prompt is None else self.prompt + other.prompt,
            {label: prompt + other.prompts[label] for label, prompt in self.prompts.items()},
            None if self.damage is None or other.damage is None else torch.cat([self.damage, other.damage]),
        )
