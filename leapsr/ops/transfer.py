"""From the host to a device, so that neither waits for the other.

A GPU runs behind the host. An ordinary copy to it makes the host wait until the GPU has done all that was
asked of it before; a copy from page-locked memory joins the queue instead. Copies back always wait.
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
    """A page-locked copy of a tensor that will be sent to a GPU; the tensor itself for any other device."""
    return host.pin_memory() if device.type == "cuda" and host.device.type == "cpu" else host


def to_device_together(parts: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """Many small tensors as one copy: each keeps its type and shape."""
    if device.type == "cpu":
        return list(parts)
    # The widest types first: every part then begins where its type may begin.
    order = sorted(range(len(parts)), key=lambda i: -parts[i].element_size())
    raw = [parts[i].contiguous().view(-1).view(torch.uint8) for i in order]
    sent = to_device(torch.cat(raw), device).split([len(part) for part in raw])
    there = dict(zip(order, sent, strict=True))
    return [there[i].view(part.dtype).view(part.shape) for i, part in enumerate(parts)]


@cache
def constant(numbers: Numbers, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A small table as a tensor that every caller shares, copied to the device once; do not change it."""
    with torch.inference_mode(False):  # what is made in that mode is of no use outside
        return torch.tensor(numbers, dtype=dtype, device=device)
