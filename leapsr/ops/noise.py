"""Gaussian noise that is a function of the seed and of the position of a pixel.

A tile therefore draws exactly the noise that the whole picture has there, whatever the tile size, the order
of the work or the device. Every step is integer arithmetic, a table look-up or one correctly rounded float
operation, so that two computations of the same pixel agree to the last bit.
"""

import math
from functools import cache

import torch
from torch import Tensor

ELEMENTS_AT_ONCE = 1 << 18  # keeps the intermediate integers in the processor's cache
_WORD = 0xFFFFFFFF


def _signed(multiplier: int) -> int:
    """The same multiplier modulo 2^32, below 2^31 in magnitude: 32-bit values times it fit in an int64."""
    return multiplier - (1 << 32) if multiplier >> 31 else multiplier


_FIRST, _SECOND = _signed(0x7FEB352D), _signed(0x846CA68B)


def _mix(word: Tensor) -> Tensor:
    """The 32-bit finaliser "lowbias32" (C. Wellons, hash-prospector): a bijection in which each input bit
    flips each output bit about half of the time. word: int64 holding values in [0, 2^32).
    """
    word = word ^ (word >> 16)
    word = word.mul_(_FIRST).bitwise_and_(_WORD)
    word ^= word >> 15
    word = word.mul_(_SECOND).bitwise_and_(_WORD)
    word ^= word >> 16
    return word


def _row_keys(start: int, seed: int, rows: Tensor, channels: int) -> Tensor:
    """One 32-bit key for each (channel, row): (C, H) int64."""
    key = torch.full((channels,), start, dtype=torch.int64, device=rows.device)
    for word in (seed & _WORD, (seed >> 32) & _WORD):
        key = _mix(key ^ word)
    key = _mix(key ^ torch.arange(channels, device=rows.device))
    return _mix(key[:, None] ^ rows)


@cache
def _half_normal_table(device: torch.device) -> Tensor:
    """(65536,) float32: the quantiles of N(0, 1/2) at the middles of 2^16 equally likely intervals."""
    middles = (torch.arange(1 << 16, dtype=torch.float64) + 0.5) / (1 << 15) - 1
    quantiles = torch.erfinv(middles)  # erfinv already is the quantile function of N(0, 1/2)
    return (quantiles * math.sqrt(0.5 / quantiles.square().mean())).float().to(device)


def _normal(word: Tensor) -> Tensor:
    """32 random bits to a standard normal: the sum of two N(0, 1/2), each looked up with 16 bits."""
    table = _half_normal_table(word.device)
    flat = word.flatten()
    total = table.index_select(0, flat & 0xFFFF) + table.index_select(0, flat >> 16)
    return total.view(word.shape)


def position_noise(
    seed: int,
    top: int,
    left: int,
    height: int,
    width: int,
    channels: int = 3,
    device: torch.device | str | None = None,
) -> Tensor:
    """Standard normal noise for a box of an endless picture: (channels, height, width) float32, within 6.2.

    A pure function of (seed, channel, y, x): a crop equals the crop of the whole, bit for bit.
    seed: any integer; its low 64 bits count. top, left: of the box; all pixels lie in 0 <= y, x < 2^32.
    """
    rows = torch.arange(top, top + height, dtype=torch.int64, device=device)
    columns = torch.arange(left, left + width, dtype=torch.int64, device=device)
    # Two keys per row: with a single 32-bit key some rows of a large picture would be shuffles of others.
    before = _row_keys(0x243F6A88, seed, rows, channels)
    after = _row_keys(0x85A308D3, seed, rows, channels)
    out = torch.empty(channels, height, width, device=rows.device)
    step = max(1, ELEMENTS_AT_ONCE // max(1, channels * width))
    for y in range(0, height, step):
        block = slice(y, y + step)
        word = _mix(columns ^ before[:, block, None])
        out[:, block] = _normal(_mix(word ^ after[:, block, None]))
    return out
