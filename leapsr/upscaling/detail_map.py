"""Where a result holds detail that its input does not support, how much of it, and a drawing of that."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..ops.color import to_pil
from ..ops.resize import resize
from ..pictures.picture import Picture
from .model_input import grey_levels, model_input, reduced, to_srgb_tone

SEEDS = 4
"""Results that a map is made from, unless more are made anyway."""

LONGEST = 2048
"""Pixels of the longer side of a map at most; that of a larger result is reduced."""
BRIGHTEST = 32.0
"""Grey levels at the end of the scale. The same for every map, so that maps can be compared."""
TICKS = (0, 8, 16, 24, 32)
POOL = 5
"""Pixels, twice: about two of the input."""
DIM = 0.5
"""Brightness of the picture below."""
BAR, LEGEND, NARROWEST = 14, 64, 420  # pixels: height of the scale, of all below the picture; least width
BACKGROUND, INK = (24, 24, 24), (235, 235, 235)

INFERNO = (
    "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d24644 e45a31 f1731d "
    "f98e09 fcac11 f9cb35 f2ea69 fcffa4"
)
"""Every sixteenth of the colour scale of that name (Stéfan van der Walt and Nathaniel Smith, CC0). It is
perceptually uniform: equal steps of the number look like equal steps, also in print and to the colour-blind.
"""


@dataclass(frozen=True, eq=False)
class DetailMap:
    """Planes (1, H, W) of the size of the result, all in grey levels, 0 to 255, of luma (BT.601) with the
    tone curve of sRGB; under transparent pixels the last two are 0.

    luma: of the result.
    spread: standard deviation over seeds: what another seed would have made different.
    disagreement: what separates the result, reduced to the size of the input, from the input.
    invented: the share, 0 to 1, of the fine detail's energy that changes with the seed. Fine detail is what a
    result loses when it is reduced to the size of the input and enlarged again. The share is its variance
    over seeds divided by its mean square: 0 where the detail is the same for every seed, 1 where no two
    results agree on any of it. Detail that a model invents the same for every seed does not count.
    """

    luma: Tensor
    spread: Tensor
    disagreement: Tensor
    invented: float

    @property
    def doubt(self) -> Tensor:
        """(1, H, W): spread and disagreement in one: the root of the sum of their squares."""
        return (self.spread.square() + self.disagreement.square()).sqrt_()

    @classmethod
    def of(cls, results: Iterable[Picture], source: Picture) -> Self:
        """results: of one picture, of one size, from different seeds, taken one by one; the map is that of
        the first. With one only nothing is known about seeds, and spread and invented are 0. source: their
        input."""
        results = iter(results)
        first = next(results)
        luma, small = grey_levels(to_srgb_tone(first)), source.size
        alpha = first.alpha
        visible = torch.ones_like(luma) if alpha is None else alpha
        others = (grey_levels(to_srgb_tone(result)) for result in results)
        spread, invented = _over_seeds(luma, others, visible, small)
        gap = grey_levels(reduced(to_srgb_tone(first), small)) - grey_levels(model_input(source))
        disagreement = resize(gap[None].abs(), first.size)[0].clamp_(min=0) * visible
        return cls(luma, spread, disagreement, invented)


def _over_seeds(
    luma: Tensor, others: Iterable[Tensor], visible: Tensor, small: tuple[int, int]
) -> tuple[Tensor, float]:
    """`spread` and `invented` of a DetailMap; others: luma of the other results.

    Differences from the first result are 0 to the bit where seeds change nothing, and small numbers where
    they change little; sums of squares of the results themselves would leave rounding errors.
    """
    fine = _fine(luma * visible, small)
    total, squares = torch.zeros_like(luma), torch.zeros_like(luma)
    fine_squares, energy, count = 0.0, _mean_square(fine), 1
    for other in others:
        difference = (other - luma) * visible
        fine_difference = _fine(difference, small)
        total += difference
        squares += difference.square()
        fine_squares += _mean_square(fine_difference)
        energy += _mean_square(fine + fine_difference)
        count += 1
    unbiased = max(1, count - 1)
    spread = ((squares - total.square() / count) / unbiased).clamp_(min=0).sqrt_()
    variance = (fine_squares - _mean_square(_fine(total, small)) / count) / unbiased
    return spread, min(1.0, max(0.0, variance * count / energy)) if energy else 0.0


def _fine(plane: Tensor, size: tuple[int, int]) -> Tensor:
    """What (1, H, W) loses when it is reduced to `size` and enlarged again."""
    small = resize(plane[None], size, antialias=True)
    return plane - resize(small, (plane.shape[1], plane.shape[2]))[0]


def _mean_square(plane: Tensor) -> float:
    return plane.square().mean(dtype=torch.float64).item()


def draw(found: DetailMap) -> Image.Image:
    """An RGB picture: the map, not larger than LONGEST, and the scale of `DetailMap.doubt` below it."""
    picture = map_alone(found)
    width = max(picture.width, NARROWEST)
    sheet = Image.new("RGB", (width, picture.height + LEGEND), BACKGROUND)
    sheet.paste(picture, ((width - picture.width) // 2, 0))
    share = f"{found.invented:.0%} of the fine detail is invented"
    sheet.paste(legend(width, f"grey levels of 255 in doubt;  {share}"), (0, picture.height))
    return sheet


def map_alone(found: DetailMap) -> Image.Image:
    """The map without a scale, not larger than LONGEST."""
    return to_pil(glowing(_fitted(pooled(found.doubt)), _fitted(found.luma)))


def legend(width: int, words: str) -> Image.Image:
    """The colours with their numbers, in grey levels, and a line of words: (width, LEGEND) pixels."""
    strip = Image.new("RGB", (width, LEGEND), BACKGROUND)
    left, right = 12, width - 36
    shares = torch.linspace(0, 1, right - left).expand(1, BAR, -1)
    strip.paste(to_pil(inferno(shares)), (left, 8))
    pen, font = ImageDraw.Draw(strip), ImageFont.load_default(size=13)
    for tick in TICKS:
        x = left + round((right - left - 1) * tick / BRIGHTEST)
        pen.line([(x, 8 + BAR), (x, 12 + BAR)], fill=INK)
        beyond = "+" if tick == TICKS[-1] else ""
        pen.text((x, 13 + BAR), f"{tick}{beyond}", fill=INK, font=font, anchor="ma")
    pen.text((left, LEGEND - 19), words, fill=INK, font=font)
    return strip


def pooled(doubt: Tensor) -> Tensor:
    """(1, H, W): the root mean square around each pixel. The standard deviation of a few results is itself
    uncertain, by 40 % for four, and single pixels would glow by chance."""
    squares = doubt[None].square()
    for _ in range(2):
        squares = F.avg_pool2d(squares, POOL, stride=1, padding=POOL // 2, count_include_pad=False)
    return squares[0].sqrt_()


def inferno(share: Tensor) -> Tensor:
    """(1, H, W) in [0, 1] -> (3, H, W) in [0, 1]: the colours of the scale, clamped at its ends."""
    table = torch.tensor([list(bytes.fromhex(color)) for color in INFERNO.split()]).T / 255
    place = share[0].clamp(0, 1) * (table.shape[1] - 1)
    lower = place.floor().clamp(max=table.shape[1] - 2).long()
    return torch.lerp(table[:, lower], table[:, lower + 1], place - lower)


def glowing(doubt: Tensor, luma: Tensor) -> Tensor:
    """Both (1, H, W) in grey levels -> (3, H, W) in [0, 1]: the colour of the doubt on what it leaves of the
    grey picture, so that no doubt is plain grey and the greatest is the end of the scale."""
    share = (doubt / BRIGHTEST).clamp(0, 1)
    return (inferno(share) + (1 - share) * DIM * luma / 255).clamp_(0, 1)


def _fitted(plane: Tensor) -> Tensor:
    """(1, H, W), reduced until it fits; means over what falls into a pixel."""
    height, width = plane.shape[1:]
    zoom = min(1.0, LONGEST / max(height, width))
    size = max(1, round(height * zoom)), max(1, round(width * zoom))
    return resize(plane[None], size, "area")[0]
