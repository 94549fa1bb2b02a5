"""Large pictures in overlapping windows, for networks that see further than a tile's margin could be wide.

An autoencoder's normalisations and attention see the whole of what they are shown, so windows cannot equal
the whole as a bounded network's tiles do. The seams are blended: across an overlap, one window fades into the
other, so that the pixels beside a cut, where a network misses its context, hardly count.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..ops.weighted_windows import Window, spans, weigh


def windows(length: int, size: int, overlap: int) -> list[Window]:
    """Windows of `size` that cover `length`, neighbours sharing at least `overlap`; one where it is enough.

    The last one ends at the end, so its overlap is wider. Raises ValueError for 2 * overlap > size.
    """
    if not 0 <= 2 * overlap <= size or size < 1:
        raise ValueError(f"windows of {size} cannot overlap by {overlap}: at most half their size")

    def fade(start: int, end: int) -> Tensor:
        """1 inside, and a line down to almost 0 across an overlap; the picture's own border is no cut."""
        ramp = ((torch.arange(end - start) + 0.5) / max(overlap, 0.5)).clamp(max=1)
        ones = torch.ones(end - start)
        return (ramp if start > 0 else ones) * (ramp.flip(0) if end < length else ones)

    return weigh(length, spans(length, size, overlap), fade)


def in_windows(
    network: Callable[[Tensor], Tensor], x: Tensor, unit: int, becomes: int, size: int, overlap: int
) -> Tensor:
    """What `network` makes of x, window by window. Differentiable.

    x: (B, C, H, W), H and W multiples of `unit`. unit pixels of x become `becomes` pixels of the result: 8
    and 1 for an encoder of factor 8, 1 and 8 for its decoder. size, overlap: of a window, in units.
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
    """(..., H, W) -> the same with H and W multiples of `multiple`, what is missing below and to the right
    being the picture mirrored, as often as it takes."""
    rows, columns = (_mirrored(side, multiple) for side in image.shape[-2:])
    if (len(rows), len(columns)) == tuple(image.shape[-2:]):
        return image
    return image[..., rows.to(image.device), :][..., columns.to(image.device)]


def _mirrored(length: int, multiple: int) -> Tensor:
    """0 .. length - 1, then back and forth without repeating the edge, up to a multiple."""
    period = max(2 * (length - 1), 1)
    positions = torch.arange(-(-length // multiple) * multiple) % period
    return torch.minimum(positions, period - positions) if length > 1 else positions
