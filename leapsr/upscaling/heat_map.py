"""Draw a detail map: the result in dim grey, glowing where it is in doubt, above a scale with numbers."""

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..ops.color import to_pil
from ..ops.resize import resize
from .detail_map import DetailMap

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
    (0, 0, 4),
    (11, 7, 36),
    (33, 12, 74),
    (61, 9, 101),
    (87, 16, 110),
    (113, 25, 110),
    (138, 34, 106),
    (163, 44, 97),
    (188, 55, 84),
    (210, 70, 68),
    (228, 90, 49),
    (241, 115, 29),
    (249, 142, 9),
    (252, 172, 17),
    (249, 203, 53),
    (242, 234, 105),
    (252, 255, 164),
)
"""Every sixteenth of the colour scale of that name (Stéfan van der Walt and Nathaniel Smith, CC0). It is
perceptually uniform: equal steps of the number look like equal steps, also in print and to the colour-blind.
"""


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
    table = torch.tensor(INFERNO, dtype=torch.float32).T / 255
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
