"""Large pictures in overlapping windows, for networks without a bounded receptive field.

An autoencoder's normalisations and attention see all of their input, so windows cannot equal the whole
picture as tiles of a bounded network do. Neighbouring windows fade into each other across their overlap, so
that pixels at a border, which lack context, hardly count.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..ops.weighted_windows import Window, spans, weigh


def windows(length: int, size: int, overlap: int) -> list[Window]:
    """Windows of `size` that cover `length`; neighbours share at least `overlap`, the last ones more.

    Raises ValueError for 2 * overlap > size.
    """
    if not 0 <= 2 * overlap <= size or size < 1:
        raise ValueError(f"windows of {size} cannot overlap by {overlap}: at most half their size")

    def fade(start: int, end: int) -> Tensor:
        """1 inside, falling linearly to almost 0 across an overlap, but not at the picture's border."""
        ramp = ((torch.arange(end - start) + 0.5) / max(overlap, 0.5)).clamp(max=1)
        ones = torch.ones(end - start)
        return (ramp if start > 0 else ones) * (ramp.flip(0) if end < length else ones)

    return weigh(length, spans(length, size, overlap), fade)


def in_windows(
    network: Callable[[Tensor], Tensor], x: Tensor, unit: int, becomes: int, size: int, overlap: int
) -> Tensor:
    """network(x), window by window. Differentiable.

    Args:
        x: (B, C, H, W), H and W multiples of `unit`.
        unit, becomes: `unit` pixels of x become `becomes` pixels of the result: 8 and 1 for an encoder of
            factor 8, 1 and 8 for its decoder.
        size, overlap: of a window, in units.
    """
    height, width = (side // unit * becomes for side in x.shape[-2:])
    if height <= size * becomes and width <= size * becomes:
        return network(x)
    rows, columns = (windows(side, size * becomes, overlap * becomes) for side in (height, width))
    whole: Tensor | None = None
    for top, vertical in rows:
        for left, horizontal in columns:
            there = slice(top, top + len(vertical)), slice(left, left + len(horizontal))
            here = [slice(side.start // becomes * unit, side.stop // becomes * unit) for side in there]
            made = network(x[..., here[0], here[1]])
            if whole is None:
                whole = made.new_zeros(*made.shape[:2], height, width, dtype=torch.float32)
            weights = vertical[:, None] * horizontal
            whole[..., there[0], there[1]] += made * weights.to(made.device)
    assert whole is not None
    return whole.to(x.dtype)


def reflect(image: Tensor, multiple: int) -> Tensor:
    """Pad (..., H, W) below and to the right to multiples, by reflections of the whole picture."""
    rows, columns = (_mirrored(side, multiple) for side in image.shape[-2:])
    if (len(rows), len(columns)) == tuple(image.shape[-2:]):
        return image
    return image[..., rows.to(image.device), :][..., columns.to(image.device)]


def _mirrored(length: int, multiple: int) -> Tensor:
    """0 .. length - 1, then back and forth without repeating the edge, up to a multiple."""
    period = max(2 * (length - 1), 1)
    positions = torch.arange(-(-length // multiple) * multiple) % period
    return torch.minimum(positions, period - positions) if length > 1 else positions
