"""The noise of a damaged small picture, apart from what blur took: what `--denoise 0` keeps."""

import torch
from torch import Tensor

from ..ops.filters import filter2d, gaussian_line
from ..ops.resize import downsample

SIGMAS = (0.7, 1.5, 3.0)
"""Of the Gaussians, in pixels of the small picture, that blur is taken to be a mixture of."""
_RADIUS = 8


def noise_of(lr: Tensor, image: Tensor, scale: int) -> Tensor:
    """lr, (B, 3, h, w), minus the mixture of blurred versions of the clean image that is nearest to it.

    image: (B, 3, scale h, scale w), clean, same range as lr. The mixture's weights are each sample's own, by
    least squares, so that blur, sharpening and ringing are no noise; grain and the blocks of JPEG are.
    """
    clean = downsample(image, scale)
    lines = [gaussian_line(_RADIUS, sigma, clean) for sigma in SIGMAS]
    blurred = [filter2d(clean, torch.outer(line, line).expand(len(clean), -1, -1)) for line in lines]
    basis = torch.stack([clean, *blurred], dim=1).flatten(2)
    gram = basis @ basis.mT
    ridge = 1e-6 * gram.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] + 1e-8
    gram = gram + ridge * torch.eye(len(SIGMAS) + 1, device=gram.device)
    weights = torch.linalg.solve(gram, basis @ lr.flatten(1)[:, :, None])
    return lr - (weights * basis).sum(1).view_as(lr)
