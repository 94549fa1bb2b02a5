"""Activations that the backward pass computes again instead of keeping them."""

from collections.abc import Callable
from typing import TypeVar, cast

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

Result = TypeVar("Result", bound=Tensor | tuple[Tensor, Tensor])


def recomputed(function: Callable[..., Result], at_once: int | None) -> Callable[..., Result]:
    """The same function, asked for `at_once` samples at a time, each time again for the gradient.

    function: of tensors (B, ...), each sample by itself, to one or two tensors (B, ...); it draws nothing.
    Activations of `at_once` samples are then in memory instead of those of B. None: the function as it is.
    """
    if at_once is None:
        return function

    def call(*inputs: Tensor) -> Result:
        found: list[Tensor | tuple[Tensor, Tensor]] = [
            checkpoint(function, *part, use_reentrant=False, preserve_rng_state=False)
            for part in zip(*(x.split(at_once) for x in inputs), strict=True)
        ]
        if isinstance(found[0], Tensor):
            return cast(Result, torch.cat(cast("list[Tensor]", found)))
        return cast(Result, tuple(torch.cat(column) for column in zip(*found, strict=True)))

    return call
