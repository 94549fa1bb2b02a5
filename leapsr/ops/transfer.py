"""Copies from the host to a device for which neither waits.

A GPU runs behind the host. An ordinary copy makes the host wait until the GPU has finished everything queued
before; a copy from pinned (page-locked) memory joins the queue instead. Copies back always wait.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

Numbers = tuple[float, ...] | tuple[tuple[float, ...], ...]


def to_device(host: Tensor, device: torch.device) -> Tensor:
    """The same tensor on `device`; itself where it is there already."""
    return pin(host, device).to(device, non_blocking=True)


def pin(host: Tensor, device: torch.device) -> Tensor:
    """A pinned copy of a tensor that will go to a GPU; the tensor itself for any other device."""
    return host.pin_memory() if device.type == "cuda" and host.device.type == "cpu" else host


def to_device_together(parts: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """Copy many small tensors in one transfer; each keeps its type and shape."""
    if device.type == "cpu":
        return list(parts)
    # The widest types first, so that every part is aligned for its type.
    order = sorted(range(len(parts)), key=lambda i: -parts[i].element_size())
    raw = [parts[i].contiguous().view(-1).view(torch.uint8) for i in order]
    moved = to_device(torch.cat(raw), device).split([len(part) for part in raw])
    there = dict(zip(order, moved, strict=True))
    return [there[i].view(part.dtype).view(part.shape) for i, part in enumerate(parts)]


@cache
def constant(numbers: Numbers, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A small table as a tensor, copied to the device once and shared by all callers: never change it."""
    with torch.inference_mode(False):  # autograd cannot use tensors made in that mode
        return torch.tensor(numbers, dtype=dtype, device=device)
