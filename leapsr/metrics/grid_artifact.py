"""Grid artifact: how strongly the smooth parts of a picture repeat every four pixels. Lower is better.

Networks that make 4 x 4 pixels of one position draw a grid where they are unsure, and LPIPS and NIQE may
reward it. In photos brick walls and fabrics repeat too, but without one phase over the whole picture: Kodak's
photos have 0.03 on average and 0.13 at most; a visible grid has about 0.2 and more.
"""

import torch
from torch import Tensor

from ..errors import DataError
from ..ops.color import studio_luma
from ..ops.filters import gaussian_mean
from .fidelity import crop_border

PERIOD = 4
"""Pixels after which the pattern repeats; patterns of 2 pixels count too."""
WINDOW = 32
"""Side in pixels of the windows that are searched."""
SIGMA, RADIUS = 2.0, 6
"""Of the blur that is subtracted from the picture, so that slopes do not count."""


def grid_artifact(image: Tensor, *, border: int = 0) -> Tensor:
    """Root mean square of the pattern that the smoother half of all windows share, in grey levels of 255.

    image: (B, 3, H, W) in [0, 1] -> (B,) float64, 0 or more. What noise alone leaves in a mean of so many
    repetitions is subtracted, so that grain does not count.
    Raises DataError for a picture without a whole window.
    """
    detail = _detail(crop_border(studio_luma(image) * 255, border))
    rows, columns = (side // WINDOW for side in detail.shape[-2:])
    if rows * columns < 1:
        least = WINDOW + 2 * RADIUS
        raise DataError(f"grid_artifact needs at least {least} pixels a side inside the border of {border}.")
    return torch.stack([_of_windows(_windows(one, rows, columns)) for one in detail])


def _detail(grey: Tensor) -> Tensor:
    """Without its blurred self. (B, 1, H, W) -> (B, H - 12, W - 12)"""
    if min(grey.shape[-2:]) <= 2 * RADIUS:
        return grey.new_empty(len(grey), 0, 0)
    blurred = gaussian_mean(grey, RADIUS, SIGMA)
    return (grey[..., RADIUS:-RADIUS, RADIUS:-RADIUS] - blurred).squeeze(1)


def _windows(detail: Tensor, rows: int, columns: int) -> Tensor:
    """(H, W) -> (windows, repetitions, places of a period)"""
    repeats = WINDOW // PERIOD
    whole = detail[: rows * WINDOW, : columns * WINDOW]
    parts = whole.reshape(rows, repeats, PERIOD, columns, repeats, PERIOD)
    return parts.permute(0, 3, 1, 4, 2, 5).reshape(rows * columns, repeats**2, PERIOD**2)


def _of_windows(windows: Tensor) -> Tensor:
    spread = windows.var(1)  # of the repetitions, around the pattern of their window
    smooth = spread.mean(1).argsort()[: (len(windows) + 1) // 2]
    pattern = windows[smooth].mean((0, 1))
    noise = spread[smooth].mean(0) / (len(smooth) * windows.shape[1])
    return ((pattern - pattern.mean()).square() - noise).mean().clamp_min(0).sqrt()
