"""NIQE: how unlike a natural photo a picture is, without a reference (Mittal et al. 2013). Lower is better.

Statistics of locally normalised luma in 96 x 96 blocks at two scales are fitted by a Gaussian and compared
with the Gaussian of pristine photos. All in float64: where a picture is exactly flat, the local variance
is a difference of nearly equal numbers and its rounding error is part of the score.
"""

import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import DataError, WeightsError
from ..ops.color import studio_luma
from ..ops.filters import gaussian_line
from .fidelity import crop_border

BLOCK = 96
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
WINDOW = 7
WINDOW_SIGMA = 7 / 6

HALVING_TAPS = (-3 / 256, -9 / 256, 29 / 256, 111 / 256, 111 / 256, 29 / 256, -9 / 256, -3 / 256)
"""Keys' cubic (a = -0.5), stretched by two, at the distances that a halved pixel sees."""


class Pristine(NamedTuple):
    """The Gaussian of natural photos' features, float64."""

    mean: Tensor
    """(36,)"""
    covariance: Tensor
    """(36, 36)"""


def read_pristine(path: Path) -> Pristine:
    """Read an .npz with `mu_pris_param` and `cov_pris_param`. Raises WeightsError when it holds none."""
    try:
        with path.open("rb") as file, np.load(file) as stored:
            mean = torch.from_numpy(stored["mu_pris_param"]).double().flatten()
            covariance = torch.from_numpy(stored["cov_pris_param"]).double()
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise WeightsError(f"{path} does not hold NIQE's pristine parameters; download it again.") from error
    return Pristine(mean, covariance)


def niqe(image: Tensor, pristine: Pristine, *, border: int = 0) -> Tensor:
    """image: (B, 3, H, W) in [0, 1] -> (B,) float64, about 2 (natural) to 15 and more.

    Pixels right of and below the last whole 96 x 96 block do not count.
    Raises DataError for a picture of fewer than two blocks.
    """
    # In float32 before rounding, so that luma halfway between two levels falls as in the reference programs.
    grey = crop_border((studio_luma(image).float() * 255).round().double(), border)
    rows, columns = (side // BLOCK for side in grey.shape[-2:])
    if rows * columns < 2:
        raise DataError(f"NIQE needs at least {BLOCK} by {2 * BLOCK} pixels inside the border of {border}.")
    whole_blocks = grey[..., : rows * BLOCK, : columns * BLOCK]
    return torch.stack([_distance(_picture_features(one), pristine) for one in whole_blocks])


def _distance(features: Tensor, pristine: Pristine) -> Tensor:
    """Equation 10: Mahalanobis distance under the average of both covariances. features: (blocks, 36)."""
    finite = features[~features.isnan().any(dim=1)]
    if len(finite) < 2:
        raise DataError("NIQE needs at least two blocks that are not flat.")
    difference = pristine.mean - features.nanmean(dim=0)
    covariance = (pristine.covariance + torch.cov(finite.T)) / 2
    return (difference @ torch.linalg.pinv(covariance, rtol=1e-15) @ difference).sqrt()


def _picture_features(grey: Tensor) -> Tensor:
    """grey: (1, H, W) in [0, 255], whole blocks -> (blocks, 36)."""
    coarse = _halve(grey / 255) * 255
    return torch.cat([_block_features(grey, BLOCK), _block_features(coarse, BLOCK // 2)], dim=1)


def _block_features(grey: Tensor, side: int) -> Tensor:
    """18 features of each block: 2 of the pixels, 4 of the products with each of four neighbours."""
    blocks = _normalise(grey).unfold(1, side, side).unfold(2, side, side).flatten(0, 2)
    alpha, left, right = _fit(blocks)
    features = [alpha, (left + right) / 2]
    for shift in NEIGHBOURS:
        alpha, left, right = _fit(blocks * blocks.roll(shift, dims=(1, 2)))
        mean = (right - left) * (torch.lgamma(2 / alpha) - torch.lgamma(1 / alpha)).exp()
        features += [alpha, mean, left, right]
    return torch.stack(features, dim=1)


def _normalise(grey: Tensor) -> Tensor:
    """Equation 1: subtract the local mean, divide by the local deviation + 1."""
    mean = _local_mean(grey)
    deviation = (_local_mean(grey * grey) - mean * mean).abs().sqrt()
    return (grey - mean) / (deviation + 1)


def _local_mean(grey: Tensor) -> Tensor:
    line = gaussian_line(WINDOW // 2, WINDOW_SIGMA, grey)
    window = torch.outer(line, line)[None, None]
    padded = F.pad(grey[None], [WINDOW // 2] * 4, mode="replicate")
    return F.conv2d(padded, window)[0]


def _fit(blocks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Shape and both scales of an asymmetric generalised Gaussian, by moments, one per block.

    A block without values of both signs has NaN scales, as in the authors' program.
    """
    alphas, ratios = _moment_ratios(blocks.device)
    values = blocks.flatten(1)
    left, right = (_root_mean_square(values, side) for side in (values < 0, values > 0))
    skew = left / right
    ratio = values.abs().mean(1) ** 2 / values.square().mean(1)
    ratio = ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    nearest = torch.bucketize(ratio.nan_to_num(nan=0.0), (ratios[1:] + ratios[:-1]) / 2)
    alpha = alphas[nearest]
    scale = ((torch.lgamma(1 / alpha) - torch.lgamma(3 / alpha)) / 2).exp()
    return alpha, left * scale, right * scale


def _moment_ratios(device: torch.device) -> tuple[Tensor, Tensor]:
    """Candidate shapes and E|x|^2 / E[x^2] of each, which grows with the shape."""
    alphas = torch.arange(200, 10001, dtype=torch.float64, device=device) / 1000
    logarithm = 2 * torch.lgamma(2 / alphas) - torch.lgamma(1 / alphas) - torch.lgamma(3 / alphas)
    return alphas, logarithm.exp()


def _root_mean_square(values: Tensor, chosen: Tensor) -> Tensor:
    return ((values.square() * chosen).sum(1) / chosen.sum(1)).sqrt()


def _halve(grey: Tensor) -> Tensor:
    """MATLAB's imresize(grey, 0.5): antialiased cubic, edges mirrored. grey: (1, H, W), even sides."""
    taps = torch.tensor(HALVING_TAPS, dtype=grey.dtype, device=grey.device)
    rows = F.conv2d(_mirror(grey, 1)[None], taps.view(1, 1, -1, 1), stride=(2, 1))[0]
    return F.conv2d(_mirror(rows, 2)[None], taps.view(1, 1, 1, -1), stride=(1, 2))[0]


def _mirror(grey: Tensor, dim: int) -> Tensor:
    """Three pixels more at each end, the edge pixel repeated (torch's "reflect" leaves it out)."""
    length = grey.shape[dim]
    first, last = grey.narrow(dim, 0, 3), grey.narrow(dim, length - 3, 3)
    return torch.cat([first.flip(dim), grey, last.flip(dim)], dim=dim)
