"""How noisy, compressed and soft a small picture looks: seven numbers, which are an input of the networks.

They depend on the size of what is measured. So they are measured on patches of a fixed size, and a picture
gets the median over its patches.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .color import luma as luma_of

PATCH = 64
"""Side of a patch, in pixels of the small picture."""
MEASURES = ("noise", "flat noise", "colour noise", "blocks", "sharpness", "grid", "compression")
"""Networks that were trained before the last two were measured are told the first five."""

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


BLOCK = 8
"""Side of the blocks of JPEG."""
DIAGONAL = 8
"""Cosines of at least this vertical plus horizontal frequency are fine ones: 28 of the 64 of a block."""
FINEST = 5
"""The lowest of the finest frequencies of eight pixels in a row."""


def measure(lr: Tensor) -> Tensor:
    """lr: (B, 3, H, W) in [0, 1], H, W >= 1 -> (B, 7), the MEASURES of each.

    noise: standard deviation in grey levels of 255, from the median of the finest diagonal differences of
    luma (Donoho & Johnstone 1994): texture everywhere counts too. flat noise: the same from the flattest
    tenth of the 4 x 4 windows, where there is least texture. colour noise: as noise, of the differences from
    luma. blocks: mean jump of luma across the border of an 8 x 8 grid, wherever it begins, in grey levels
    above the mean jump elsewhere (JPEG). sharpness: mean difference of neighbours over that of pixels two
    apart, 0.5 on a ramp and 1 for noise.

    What JPEG rounds to zero are coefficients of its own blocks, so the grid of blocks that has more zeros, or
    weaker ones, than the grids beside it says that a picture was compressed (Fan & de Queiroz 2003), and how
    strongly. grid: percent of the fine coefficients below one grey level in the best of the 64 grids of
    blocks, less the median of all; 1 to 7 without JPEG, above 12 after quality 97. compression: how many
    decibels weaker the finest detail across is in the best of eight grids than in the median one, the lower
    one of rows and columns; 0.2 without JPEG, 3 after quality 80, 6 after 40.
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
            _grid(luma),
            torch.minimum(_compression(luma), _compression(luma.mT)),
        ],
        dim=1,
    )


def of_patches(patches: Tensor) -> Tensor:
    """(P, 3, h, w), the patches of one picture -> (1, 7): the median of each measure."""
    return measure(patches).median(dim=0, keepdim=True).values


def of_pictures(lr: Tensor) -> Tensor:
    """lr: (B, 3, H, W), whole pictures -> (B, 7), by the patches of each."""
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
    """measures: (B, 7); denoise: (B,) or (1,) in [0, MOST] -> (B, 8), what a network is told of damage.

    Up to 1, denoise is the share of the noise that goes. Above, all of it goes, and the picture is called so
    many times as noisy and compressed as it looks, so that more of what it shows is taken for damage.
    """
    times = denoise.clamp(min=1)[:, None]
    share = denoise.clamp(max=1)[:, None].expand(len(measures), 1)
    noise, sharpness_and_grid, compression = measures.split([4, 2, 1], dim=1)
    return torch.cat([noise * times, sharpness_and_grid, compression * times, share], dim=1)


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


def cosines(least: int, device: torch.device | None = None) -> Tensor:
    """(BLOCK - least, BLOCK): the orthonormal cosines (DCT-II) of eight pixels, from the frequency `least`,
    at least 1."""
    place = (torch.arange(BLOCK, device=device) + 0.5) * math.pi / BLOCK
    return (torch.arange(least, BLOCK, device=device)[:, None] * place).cos() / 2


def fine_cosines(device: torch.device | None = None) -> Tensor:
    """(28, 1, BLOCK, BLOCK), those of a block whose two frequencies add up to DIAGONAL or more."""
    rows = cosines(1, device)
    pairs = [(u, v) for u in range(BLOCK - 1) for v in range(BLOCK - 1) if u + v + 2 >= DIAGONAL]
    return torch.stack([rows[u, :, None] * rows[v] for u, v in pairs])[:, None]


def _grid(luma: Tensor) -> Tensor:
    """(B, H, W) -> (B,); 0 where a side has fewer than two blocks."""
    if min(luma.shape[-2:]) < 2 * BLOCK:
        return luma.new_zeros(len(luma))
    zeros = (F.conv2d(luma[:, None], fine_cosines(luma.device)).abs() < 1).float().mean(1)
    height, width = (side // BLOCK * BLOCK for side in zeros.shape[-2:])
    share = zeros[:, :height, :width].unflatten(1, (-1, BLOCK)).unflatten(3, (-1, BLOCK)).mean((1, 3))
    share = share.flatten(1)
    return 100 * (share.amax(1) - share.median(1).values)


def _compression(luma: Tensor) -> Tensor:
    """(B, H, W) -> (B,), of the blocks' columns; 0 where there are fewer than two."""
    if luma.shape[-1] < 2 * BLOCK:
        return luma.new_zeros(len(luma))
    batch, height, width = luma.shape
    fine = F.conv1d(luma.reshape(-1, 1, width), cosines(FINEST, luma.device)[:, None])
    fine = fine[..., : fine.shape[-1] // BLOCK * BLOCK].unflatten(2, (-1, BLOCK))
    strength = (fine.abs() + 1).log10().unflatten(0, (batch, height)).mean((1, 2, 3))
    return 20 * (strength.median(1).values - strength.amin(1))


def _spread(length: int, side: int) -> list[int]:
    """Where at most 8 pieces of a length begin, from its first pixel to its last."""
    count = min(8, -(-length // side))
    return [round(number * (length - side) / max(1, count - 1)) for number in range(count)]


def _mean(planes: Tensor) -> Tensor:
    """(B, H, W) -> (B,); 0 of nothing."""
    return planes.abs().flatten(1).mean(1) if planes.numel() else planes.new_zeros(len(planes))
