"""FID: Fréchet distance between the features of two sets of pictures (Heusel et al. 2017). Lower is closer.

Features are the 2048 of the Inception network of 2015 that every published FID uses, as the TorchScript file
that clean-fid and StyleGAN share. A set's FID depends on how many pictures it has: compare only figures of
equally large sets.
"""

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..errors import DataError, WeightsError, first_line
from ..ops.color import to_uint8
from .weights import weights_folder

INCEPTION = "inception-2015-12-05.pt"
INCEPTION_URL = f"https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/{INCEPTION}"
SIDE = 299
"""Of the square that Inception sees."""
PATCH = 256

Kind = Literal["clean", "legacy", "patch"]
"""How pictures become squares of 299 pixels. clean: Pillow's antialiased bicubic, not rounded (clean-fid,
Parmar et al. 2022, and pyiqa). legacy: the bilinear resize inside the file, which is TensorFlow's of 2015
(clean-fid's legacy_tensorflow). patch: every 256 x 256 patch, and once more half a patch further right and
down, resized as clean (Mentzer et al. 2020)."""


def inception_file(weights: Path | None = None) -> Path:
    """Raises WeightsError saying how to get it."""
    folder = weights_folder(weights)
    if folder is not None and (folder / "fid" / INCEPTION).is_file():
        return folder / "fid" / INCEPTION
    where = folder or "a folder named by LEAPSR_WEIGHTS"
    raise WeightsError(f"{INCEPTION} is missing: download {INCEPTION_URL} into 'fid' inside {where}.")


@torch.no_grad()
def features(image: Tensor, kind: Kind, weights: Path | None = None) -> Tensor:
    """image: (1, 3, H, W) in [0, 1], rounded to 8 bits first -> (pictures or patches, 2048) float64.

    Raises WeightsError, and DataError for a picture smaller than a patch.
    """
    network = _inception(inception_file(weights))
    levels = to_uint8(image)
    try:
        if kind == "legacy":
            seen = network(levels.float(), return_features=True)
        else:
            squares = [_square(part) for part in (_patches(levels) if kind == "patch" else [levels[0]])]
            seen = torch.cat([network.layers((each[None] - 128) / 128) for each in squares])
    except (RuntimeError, AttributeError) as error:
        raise WeightsError(f"{INCEPTION} cannot be used ({first_line(error)}); download it again.") from error
    return seen.flatten(1).double()


def frechet_distance(one: Tensor, other: Tensor) -> Tensor:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of two sets of features, (n, D) and (m, D) -> () float64.

    With C1 = A'A and C2 = B'B the last trace is the sum of the singular values of A B', which is exact where
    there are fewer pictures than features and the covariances have no full rank.
    Raises DataError for a set of one.
    """
    if min(len(one), len(other)) < 2:
        raise DataError("FID needs two pictures or more.")
    first, second = _root(one), _root(other)
    shift = (one.mean(0) - other.mean(0)).square().sum()
    product = torch.linalg.svdvals(first @ second.T).sum()
    distance: Tensor = shift + first.square().sum() + second.square().sum() - 2 * product
    return distance.clamp_min(0)


def _root(features: Tensor) -> Tensor:
    """A with A'A the covariance, at most D rows. features: (n, D)."""
    centred = (features - features.mean(0)).double() / (len(features) - 1) ** 0.5
    return centred if len(centred) <= centred.shape[1] else torch.linalg.qr(centred, mode="r").R


def _square(levels: Tensor) -> Tensor:
    """Each channel on its own, not rounded. levels: (3, H, W) uint8 -> (3, 299, 299) float32 in [0, 255]."""
    channels = (Image.fromarray(plane.numpy().astype(np.float32)) for plane in levels.cpu())
    resized = [np.asarray(each.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for each in channels]
    return torch.from_numpy(np.stack(resized)).clamp_(0, 255)


def _patches(levels: Tensor) -> Tensor:
    """(1, 3, H, W) -> (patches, 3, 256, 256). Raises DataError."""
    if min(levels.shape[-2:]) < PATCH:
        raise DataError(f"fid_patch needs at least {PATCH} pixels a side.")

    def whole(part: Tensor) -> Tensor:
        cut = part.unfold(2, PATCH, PATCH).unfold(3, PATCH, PATCH)
        return cut.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)

    half = PATCH // 2
    shifted = levels[..., half:, half:]
    return torch.cat([whole(levels), *([whole(shifted)] if min(shifted.shape[-2:]) >= PATCH else [])])


@lru_cache
def _inception(file: Path) -> torch.jit.ScriptModule:
    try:
        with warnings.catch_warnings():  # the published file is TorchScript, which torch no longer likes
            warnings.simplefilter("ignore")
            return torch.jit.load(file, map_location="cpu").eval()
    except (RuntimeError, ValueError) as error:
        raise WeightsError(f"{file} is damaged ({first_line(error)}); download it again.") from error
