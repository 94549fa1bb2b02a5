"""Fine detail: how much of the photo's finest structure a result has. 1 is as much, 0.1 soft, above 1 false.

The highest octave of the power spectrum, from a quarter to half a cycle a pixel, is what an enlargement
cannot have from its source and a network must add. LPIPS and PSNR say little about it. It counts detail of
any kind, noise and a mesh too: read it beside `grid_artifact` and LPIPS.
"""

from functools import lru_cache

import torch
from torch import Tensor

from ..errors import DataError
from ..ops.color import studio_luma
from .fidelity import crop_border

WINDOW = 32
"""Side of the windows in pixels; they overlap by half."""


def fine_detail(restored: Tensor, reference: Tensor, *, border: int = 0) -> Tensor:
    """Power of the luma's highest octave, as a share of the reference's.

    restored, reference: (B, 3, H, W) in [0, 1] -> (B,) float64, 0 or more; NaN where the reference has none.
    Raises DataError for a picture without a whole window of 32 pixels.
    """
    wanted = _power(reference, border)
    return torch.where(wanted > 0, _power(restored, border) / wanted, torch.nan)


def _power(image: Tensor, border: int) -> Tensor:
    grey = crop_border(studio_luma(image).double(), border)
    if min(grey.shape[-2:]) < WINDOW:
        raise DataError(f"fine_detail needs at least {WINDOW} pixels a side inside the border of {border}.")
    taper, octave = (each.to(grey) for each in _taper_and_octave())
    power = grey.new_zeros(len(grey))
    for row in grey.unfold(2, WINDOW, WINDOW // 2).unbind(2):  # (B, 1, W, WINDOW): all would take much memory
        windows = row.unfold(2, WINDOW, WINDOW // 2)
        flat = (windows - windows.mean((-2, -1), keepdim=True)) * taper.mT
        power += (torch.fft.fft2(flat).abs().square() * octave).flatten(1).sum(1)
    return power


@lru_cache
def _taper_and_octave() -> tuple[Tensor, Tensor]:
    """Hann's window, so that a picture's edges are no detail, and 1 where the frequency is in the octave."""
    line = torch.hann_window(WINDOW, dtype=torch.float64)
    frequency = torch.fft.fftfreq(WINDOW, dtype=torch.float64)
    radius = torch.hypot(frequency[:, None], frequency[None])
    return line[:, None] * line, ((radius >= 0.25) & (radius < 0.5)).double()
