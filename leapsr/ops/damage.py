"""How noisy, compressed and soft a small picture looks: five numbers, which are an input of the networks.

They depend on the size of what is measured. So they are measured on patches of a fixed size, and a picture
gets the median over its patches.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .color import luma as luma_of

PATCH = 64
"""Side of a patch, in pixels of the small picture."""
MEASURES = ("noise", "flat noise", "colour noise", "blocks", "sharpness")

MOST = 3.0
"""The highest `denoise`, see `told`."""

GAUSSIAN_MEDIAN = 0.6745
"""Of the absolute value of a standard normal number."""
WINDOW = 4
"""Side of the windows that may be flat, in pixels."""
FLAT = 0.1
"""Share of the windows that are taken for flat."""
FLAT_BIAS = 0.76
"""The FLAT quantile of the standard deviation of 4 x 4 standard normal numbers, to be divided by."""


def measure(lr: Tensor) -> Tensor:
    """lr: (B, 3, H, W) in [0, 1], H, W >= 1 -> (B, 5), the MEASURES of each.

    noise: standard deviation in grey levels of 255, from the median of the finest diagonal differences of
    luma (Donoho & Johnstone 1994): texture everywhere counts too. flat noise: the same from the flattest
    tenth of the 4 x 4 windows, where there is least texture. colour noise: as noise, of the differences from
    luma. blocks: mean jump of luma across the border of an 8 x 8 grid, wherever it begins, in grey levels
    above the mean jump elsewhere (JPEG). sharpness: mean difference of neighbours over that of pixels two
    apart, 0.5 on a ramp and 1 for noise.
    """
    levels = lr.float() * 255
    luma = luma_of(levels).squeeze(1)
    chroma = levels - luma[:, None]
    rows, columns = luma.diff(dim=1).abs(), luma.diff(dim=2).abs()
    far = _mean(luma[:, 2:] - luma[:, :-2]) + _mean(luma[:, :, 2:] - luma[:, :, :-2])
    near = _mean(rows) + _mean(columns)
    return torch.stack(
        [
            _diagonal_noise(luma),
            _flat_noise(luma),
            _diagonal_noise(chroma).view(-1),
            torch.maximum(_blocks(rows.mean(2)), _blocks(columns.mean(1))),
            (near + 0.5) / (far + 1.0),
        ],
        dim=1,
    )


def of_patches(patches: Tensor) -> Tensor:
    """(P, 3, h, w), the patches of one picture -> (1, 5): the median of each measure."""
    return measure(patches).median(dim=0, keepdim=True).values


def of_pictures(lr: Tensor) -> Tensor:
    """lr: (B, 3, H, W), whole pictures -> (B, 5), by the patches of each."""
    if max(lr.shape[-2:]) <= PATCH:
        return measure(lr)
    boxes = patch_boxes(*lr.shape[-2:])
    return torch.cat(
        [
            of_patches(torch.stack([one[:, top:bottom, left:right] for top, left, bottom, right in boxes]))
            for one in lr
        ]
    )


def told(measures: Tensor, denoise: Tensor) -> Tensor:
    """measures: (B, 5); denoise: (B,) or (1,) in [0, MOST] -> (B, 6), what a network is told of damage.

    Up to 1, denoise is the share of the noise that goes. Above, all of it goes, and the picture is called so
    many times as noisy and compressed as it looks, so that more of what it shows is taken for damage.
    """
    noise = measures[:, :-1] * denoise.clamp(min=1)[:, None]
    share = denoise.clamp(max=1)[:, None].expand(len(measures), 1)
    return torch.cat([noise, measures[:, -1:], share], dim=1)


def patch_boxes(height: int, width: int) -> list[tuple[int, int, int, int]]:
    """(top, left, bottom, right) of at most 64 patches that are spread evenly over a picture."""
    tall, wide = min(height, PATCH), min(width, PATCH)
    return [
        (top, left, top + tall, left + wide) for top in _spread(height, tall) for left in _spread(width, wide)
    ]


def _diagonal_noise(planes: Tensor) -> Tensor:
    """(B, ..., H, W) -> (B,). 0 where a side is a single pixel."""
    if min(planes.shape[-2:]) < 2:
        return planes.new_zeros(len(planes))
    detail = planes.diff(dim=-1).diff(dim=-2).flatten(1).abs() / 2
    return detail.median(dim=1).values / GAUSSIAN_MEDIAN


def _flat_noise(luma: Tensor) -> Tensor:
    """(B, H, W) -> (B,), from windows without their plane of best fit, so that a gradient is no noise."""
    if min(luma.shape[-2:]) < WINDOW:
        return _diagonal_noise(luma)
    windows = F.unfold(luma[:, None], WINDOW, stride=WINDOW)
    basis = plane_basis(luma)
    rest = windows - torch.einsum("kp,kq,bqn->bpn", basis, basis, windows)
    deviation = (rest.square().sum(1) / (WINDOW**2 - len(basis))).sqrt()
    return deviation.quantile(FLAT, dim=1) / FLAT_BIAS


def plane_basis(like: Tensor) -> Tensor:
    """(3, 16): an orthonormal basis of the planes over a window, row by row."""
    place = torch.linspace(-1, 1, WINDOW, dtype=like.dtype, device=like.device)
    plane = [torch.ones_like(place).repeat(WINDOW), place.repeat_interleave(WINDOW), place.repeat(WINDOW)]
    basis = torch.stack(plane)
    return basis / basis.norm(dim=1, keepdim=True)


def _blocks(jumps: Tensor) -> Tensor:
    """(B, N), the mean jump between neighbouring rows -> (B,)."""
    if jumps.shape[1] < 16:
        return jumps.new_zeros(len(jumps))
    whole = jumps[:, : jumps.shape[1] // 8 * 8].unflatten(1, (-1, 8)).median(dim=1).values
    return whole.max(dim=1).values - whole.median(dim=1).values


def _spread(length: int, side: int) -> list[int]:
    """Where at most 8 pieces of a length begin, from its first pixel to its last."""
    count = min(8, -(-length // side))
    return [round(number * (length - side) / max(1, count - 1)) for number in range(count)]


def _mean(planes: Tensor) -> Tensor:
    """(B, H, W) -> (B,); 0 of nothing."""
    return planes.abs().flatten(1).mean(1) if planes.numel() else planes.new_zeros(len(planes))
