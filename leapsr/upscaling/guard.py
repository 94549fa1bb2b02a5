"""Limits to what a network may change: made small again, a result stays near its source.

Networks fail on pictures unlike those they were trained on: saturated colours, patterns of single pixels.
Results are therefore limited in three ways: each pixel to the values around it in the source, its colour
likewise, and the mean of the pixels made from each source pixel, alone and smoothed. A good result is not
changed at all. Everything is local, so parts with MARGIN around them are limited as the whole is.
"""

from collections.abc import Callable, Iterator
from functools import reduce

import torch
from torch import Tensor

from ..ops.color import BT601
from .tiles import Extent, plan

RANGE, RANGE_PER_CONTRAST = 6.0, 1.5
"""How far a pixel may lie outside the range of the 5 x 5 source pixels around it: grey levels of 255, and a
share of that range, the local contrast. Noise, which a network may remove, counts as contrast, too."""
CHROMA, CHROMA_PER_CONTRAST = 24.0, 2.0
"""The same for red and blue minus luma."""
MEAN, MEAN_PER_CONTRAST = 8.0, 1.0
"""How far the mean of the pixels made from a source pixel may differ from it."""
AROUND, AROUND_PER_CONTRAST = 4.0, 0.12
"""How far the mean of the pixels made from 7 x 7 source pixels may differ from theirs."""
MOST_CONTRAST = 60.0
"""More contrast than this does not widen that limit, so that failures at hard patterns are found, too."""
AROUND_EACH, AROUND_EACH_PER_CONTRAST, MOST_CONTRAST_EACH = 5.0, 0.3, 150.0
"""How far the means of single source pixels may differ, on average over 7 x 7, and the most contrast that
counts: more, because noise that a network removes makes differences as large."""
KNEE = 0.8
"""Share of a limit of means below which nothing is changed; larger differences near the limit smoothly."""

SLACK = 1 / 255
"""What smooth corrections of means may leave."""
SEEN = 2
"""Source pixels on each side in which the range is looked for; interpolation adds one."""
RADIUS = 3
"""Of the smooth mean."""
_ROWS, _PART = 16, 32  # source pixels that are checked, and limited, at a time

MARGIN = SEEN + 1 + 2 * RADIUS + 1
"""Source pixels that `limited` looks at on each side."""


def limited(restored: Tensor, source: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """The restored picture within its limits, and how much each pixel was visibly changed, the most of its
    channels: (scale H, scale W).

    restored: (C, scale H, scale W), about [0, 1], finite. source: (C, H, W) in [0, 1]; C = 3, or 1 of grey.
    """
    extent, doubtful = Extent(source.shape[1], source.shape[2]), _doubtful(restored, source, scale)
    result, change = restored, restored.new_zeros(restored.shape[1:])
    for core in plan(extent.whole, _PART):
        around = extent.grown(core, MARGIN)
        if not around.of(doubtful).any():
            continue
        image = _limited(around.scaled(scale).of(restored), around.of(source), scale)
        large = core.scaled(scale)
        part = core.relative_to(around).scaled(scale).of(image)
        large.of(change).copy_((part.clamp(0, 1) - large.of(restored).clamp(0, 1)).abs_().amax(0))
        result = restored.clone() if result is restored else result
        large.of(result).copy_(part)
    return result, change


def _doubtful(restored: Tensor, source: Tensor, scale: int) -> Tensor:
    """(H, W): whether a source pixel may be a reason to change something. A good result costs no more than
    this check, which takes a few rows at a time, so that they stay in the processor's cache.
    """
    ranges = [
        # Bounds are interpolated: inside of those of all neighbours, a pixel is inside.
        (planes, _greatest_around(least, 1), -_greatest_around(-greatest, 1))
        for planes, (least, greatest) in _ranges(source)
    ]
    means, outside = [], []
    for top in range(0, source.shape[1], _ROWS):
        rows = slice(top, top + _ROWS)
        strip = restored[:, scale * top : scale * (top + _ROWS)]
        means.append(_block_means(strip.clamp(0, 1), scale))
        beyond = torch.zeros_like(source[0, rows], dtype=torch.bool)
        for planes, least, greatest in ranges:
            part = planes(strip)
            beyond |= (_of_blocks(part, scale, torch.minimum) < least[:, rows]).any(0)
            beyond |= (_of_blocks(part, scale, torch.maximum) > greatest[:, rows]).any(0)
        outside.append(beyond)
    error = torch.cat(means, 1).sub_(source)
    each, together, on_average = _mean_limits(_contrast(source))
    size = error.abs()
    large = size > KNEE * each
    large |= _mean_around(error).abs_() > KNEE * together
    large |= _mean_around(size) > KNEE * on_average
    return torch.cat(outside).logical_or_(large.any(0))


def _limited(restored: Tensor, source: Tensor, scale: int) -> Tensor:
    """As `limited`, all of it."""
    bounds = _range_bounds(source)
    image = _within(restored, bounds, scale)
    if len(source) == 3:
        image = _coloured_as(source, image, bounds, scale)
    return _means_limited(image, source, bounds, scale)


Bounds = tuple[Tensor, Tensor]
"""Least and greatest value that is allowed at each source pixel."""


def _ranges(source: Tensor) -> Iterator[tuple[Callable[[Tensor], Tensor], Bounds]]:
    """A function that takes the bounded planes out of an image, and their bounds."""
    yield lambda image: image, _range_bounds(source)
    if len(source) == 3:
        yield _chroma, _bounds(_chroma(source), CHROMA, CHROMA_PER_CONTRAST)


def _range_bounds(source: Tensor) -> Bounds:
    return _bounds(source, RANGE, RANGE_PER_CONTRAST)


def _bounds(planes: Tensor, levels: float, per_contrast: float) -> Bounds:
    least, greatest = -_greatest_around(-planes), _greatest_around(planes)
    margin = levels / 255 + per_contrast * (greatest - least)
    return least - margin, greatest + margin


def _contrast(source: Tensor) -> Tensor:
    return _greatest_around(source) + _greatest_around(-source)


def _within(image: Tensor, bounds: Bounds, scale: int) -> Tensor:
    return image.clamp(_bilinear(bounds[0], scale), _bilinear(bounds[1], scale))


def _coloured_as(source: Tensor, image: Tensor, bounds: Bounds, scale: int) -> Tensor:
    """Chroma within its range in the source, luma as it is unless it must leave `bounds` for that."""
    chroma, allowed = _chroma(image), _bounds(_chroma(source), CHROMA, CHROMA_PER_CONTRAST)
    red, blue = _within(chroma, allowed, scale) - chroma
    green = (BT601[0] * red + BT601[2] * blue) / -BT601[1]
    return _within(image + torch.stack((red, green, blue)), bounds, scale)


def _chroma(image: Tensor) -> Tensor:
    """(3, H, W) -> (2, H, W): red and blue minus luma (BT.601)."""
    luma = (image[0] * BT601[0]).add_(image[1], alpha=BT601[1]).add_(image[2], alpha=BT601[2])
    return image[::2] - luma


def _means_limited(image: Tensor, source: Tensor, bounds: Bounds, scale: int) -> Tensor:
    """Smooth corrections, which do not show as blocks; the rest beyond SLACK by blocks."""
    shown = image.clamp(0, 1)
    error = _block_means(shown, scale) - source
    wanted = _near_zero(error, _contrast(source))
    if torch.equal(wanted, error):
        return image
    least, greatest = (_bilinear(bound.clamp(0, 1), scale) for bound in bounds)

    def moved(image: Tensor, means: Tensor, enlarged: Callable[[Tensor, int], Tensor]) -> Tensor:
        """Towards the bounds and never beyond, so that the mean of each block changes by `means`."""
        down, up = image - least, greatest - image
        fall, rise = (
            (change.clamp(min=0) / _block_means(room, scale).clamp(min=1e-6)).clamp(max=1)
            for change, room in ((-means, down), (means, up))
        )
        return image - down.mul_(enlarged(fall, scale)) + up.mul_(enlarged(rise, scale))

    smooth = moved(shown, wanted - error, _bilinear)
    left = _block_means(smooth, scale) - source - wanted
    exact = moved(smooth, left.clamp(-SLACK, SLACK) - left, _repeated)
    return torch.where(exact == shown, image, exact)


def _mean_limits(contrast: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Limits of differences of means: of each, of the mean of 7 x 7, and of the mean of their sizes."""
    together, each = (_mean_around(contrast.clamp(max=m / 255)) for m in (MOST_CONTRAST, MOST_CONTRAST_EACH))
    return (
        MEAN_PER_CONTRAST * contrast + MEAN / 255,
        AROUND_PER_CONTRAST * together + AROUND / 255,
        AROUND_EACH_PER_CONTRAST * each + AROUND_EACH / 255,
    )


def _near_zero(error: Tensor, contrast: Tensor) -> Tensor:
    """Differences of means, (C, H, W), made as small as their limits. Where they are too large on average,
    all around are made smaller by one factor: subtracting the average would spoil those beside it.
    """
    each, together, on_average = _mean_limits(contrast)
    error = _soft(error, each)
    shares = _share(_mean_around(error), together), _share(_mean_around(error.abs()), on_average)
    return error * -_greatest_around(-torch.minimum(*shares), RADIUS)


def _share(values: Tensor, limit: Tensor) -> Tensor:
    """What is allowed of them: exactly 1 up to the knee."""
    allowed = _soft(values, limit)
    return torch.where(values == allowed, 1.0, allowed / values)


def _soft(values: Tensor, limit: Tensor) -> Tensor:
    """Exactly the values up to KNEE of the limit, then ever slower to the limit, without a kink."""
    knee, rest = KNEE * limit, (1 - KNEE) * limit
    size = values.abs()
    beyond = (size - knee).clamp_(min=0)
    return (torch.minimum(size, knee) - torch.expm1(-beyond / rest) * rest).copysign(values)


def _mean_around(planes: Tensor) -> Tensor:
    return _around(planes, RADIUS, torch.add) / (2 * RADIUS + 1) ** 2


def _block_means(planes: Tensor, scale: int) -> Tensor:
    """(C, scale H, scale W) -> (C, H, W)."""
    return _of_blocks(planes, scale, torch.add) / scale**2


def _of_blocks(planes: Tensor, scale: int, combined: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Of the pixels of each block. By slices, here and below: several times as fast as torch's pooling."""
    rows = reduce(combined, [planes[:, k::scale] for k in range(scale)])
    return reduce(combined, [rows[..., k::scale] for k in range(scale)])


def _around(planes: Tensor, radius: int, combined: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Of the window around each pixel, borders repeated."""
    for dim in (1, 2):
        padded, length = _padded(planes, radius, dim), planes.shape[dim]
        planes = reduce(combined, [padded.narrow(dim, k, length) for k in range(2 * radius + 1)])
    return planes


def _greatest_around(planes: Tensor, radius: int = SEEN) -> Tensor:
    return _around(planes, radius, torch.maximum)


def _bilinear(planes: Tensor, scale: int) -> Tensor:
    """(C, H, W) -> (C, scale H, scale W), borders repeated; the same wherever a part begins, unlike torch's
    own for some scales."""
    for dim in (1, 2):
        padded, length = _padded(planes, 1, dim), planes.shape[dim]
        phases = []
        for phase in range(scale):
            place = (phase + 0.5) / scale + 0.5  # counted from the pixel before
            near, far = (padded.narrow(dim, int(place) + step, length) for step in (0, 1))
            phases.append(torch.lerp(near, far, place % 1))
        planes = torch.stack(phases, dim + 1).flatten(dim, dim + 1)
    return planes


def _repeated(planes: Tensor, scale: int) -> Tensor:
    return planes.repeat_interleave(scale, 1).repeat_interleave(scale, 2)


def _padded(planes: Tensor, radius: int, dim: int) -> Tensor:
    first, last = planes.narrow(dim, 0, 1), planes.narrow(dim, -1, 1)
    return torch.cat([first] * radius + [planes] + [last] * radius, dim)
