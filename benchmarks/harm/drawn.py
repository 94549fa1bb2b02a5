"""Drawn pictures: flat colours, gradients, text, patterns, scans, logos. All 8-bit RGB."""

import colorsys
import math
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SEED = 0
SIZE = (48, 32)
"""Of a picture of one or two colours; pictures of everything else are larger."""
Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Drawn = Iterator[tuple[str, Image.Image]]
"""Name and picture, one after the other."""

WEB_SAFE: list[Colour] = [(r, g, b) for r, g, b in product(range(0, 256, 51), repeat=3)]
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral")
WORDS = "Sphinx of black quartz, judge my vow 0123456789 Il1 O0 rn m &%@ jumps over the lazy dog. "
INKS: list[tuple[Colour, Colour]] = [
    ((255, 255, 255), (0, 0, 255)),
    ((255, 0, 0), (255, 255, 255)),
    ((0, 255, 0), (0, 0, 0)),
    ((0, 0, 255), (255, 255, 0)),
    ((255, 0, 255), (0, 102, 51)),
]
"""Text and ground of coloured text."""


def hexadecimal(colour: Colour) -> str:
    return "".join(f"{value:02x}" for value in colour)


def flat() -> Drawn:
    for colour in WEB_SAFE:
        yield hexadecimal(colour), Image.new("RGB", SIZE, colour)


def neighbours() -> Drawn:
    """Each colour beside the next one in hue."""
    around = sorted(WEB_SAFE, key=lambda colour: colorsys.rgb_to_hsv(*(value / 255 for value in colour)))
    yield from _pairs(around, around[1:] + around[:1])


def strangers() -> Drawn:
    """Each colour beside one by lot."""
    order = np.random.default_rng(SEED).permutation(len(WEB_SAFE))
    yield from _pairs(WEB_SAFE, [WEB_SAFE[index] for index in order])


def _pairs(first: list[Colour], second: list[Colour]) -> Drawn:
    columns, rows = np.arange(SIZE[0]), np.arange(SIZE[1])[:, None]
    halves = np.broadcast_to(columns >= SIZE[0] // 2, SIZE[::-1])
    checker = (columns // 16 + rows // 16) % 2 == 1
    for one, other in zip(first, second, strict=True):
        name = f"{hexadecimal(one)} {hexadecimal(other)}"
        yield f"{name} halves", _between(one, other, halves)
        yield f"{name} checker", _between(one, other, checker)


def _between(one: Colour, other: Colour, share: np.ndarray) -> Image.Image:
    """share: (H, W) in [0, 1], of the other colour."""
    mixed = np.array(one) + share[..., None] * (np.array(other) - np.array(one))
    return Image.fromarray(mixed.round().astype(np.uint8))


def gradients() -> Drawn:
    """24 of two colours, 8 sweeps of the hue, 8 around a centre."""
    rng, (width, height) = np.random.default_rng(SEED), (96, 64)
    y, x = np.mgrid[:height, :width] / np.array([height - 1, width - 1])[:, None, None]
    across = {"across": x, "down": y, "diagonal": (x + y) / 2}
    for number in range(24):
        one, other = (WEB_SAFE[index] for index in rng.integers(len(WEB_SAFE), size=2))
        way = list(across)[number % 3]
        yield f"{hexadecimal(one)} to {hexadecimal(other)} {way}", _between(one, other, across[way])
    for saturation, value, way in product((1.0, 0.5), (1.0, 0.6), ("across", "diagonal")):
        hues = [colorsys.hsv_to_rgb(hue, saturation, value) for hue in across[way].ravel()]
        swept = (np.array(hues).reshape(height, width, 3) * 255).round().astype(np.uint8)
        yield f"hues {way}, saturation {saturation:g}, value {value:g}", Image.fromarray(swept)
    distance = np.hypot(x - 0.5, y - 0.5) / math.sqrt(0.5)
    for _ in range(8):
        one, other = (WEB_SAFE[index] for index in rng.integers(len(WEB_SAFE), size=2))
        yield f"{hexadecimal(one)} to {hexadecimal(other)} around", _between(one, other, distance)


def font(name: str, size: int) -> Font:
    """Matplotlib's copy, else the system's, else Pillow's own font."""
    try:
        import matplotlib

        folder = Path(matplotlib.get_data_path()) / "fonts/ttf"
    except ImportError:
        folder = Path()
    for file in (folder / f"{name}.ttf", f"{name}.ttf"):
        try:
            return ImageFont.truetype(file, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _written(ground: Image.Image, name: str, size: int, ink: Colour, margin: int = 4) -> Image.Image:
    """The ground, filled with lines of text."""
    draw, face, words = ImageDraw.Draw(ground), font(name, size), WORDS * 4
    for line, top in enumerate(range(margin, ground.height - size, size + size // 3)):
        draw.text((margin, top), words[17 * line :][:80], fill=ink, font=face)
    return ground


def text() -> Drawn:
    black, white = (0, 0, 0), (255, 255, 255)
    for number, (name, size) in enumerate(product(FONTS, (8, 10, 12, 14, 16, 20, 24))):
        coloured = INKS[number % len(INKS)]
        for kind, (ink, ground) in {
            "black on white": (black, white),
            "white on black": (white, black),
            f"{hexadecimal(coloured[0])} on {hexadecimal(coloured[1])}": coloured,
        }.items():
            yield f"{name} {size}, {kind}", _written(Image.new("RGB", (160, 48), ground), name, size, ink)


def patterns() -> Drawn:
    """Checkerboards and stripes, 1 to 8 pixels wide."""
    y, x = np.mgrid[:48, :64]
    ways = {
        "checkerboard": lambda width: x // width + y // width,
        "upright stripes": lambda width: x // width,
        "level stripes": lambda width: y // width,
        "diagonal stripes": lambda width: (x + y) // width,
    }
    axes = {"grey": np.array([1, 1, 1]), "blue and yellow": np.array([1, 1, -1])}
    for way, width, contrast, axis in product(ways, range(1, 9), (255, 96, 24), axes):
        sign = ways[way](width) % 2 * 2 - 1
        levels = (127.5 + contrast / 2 * sign[..., None] * axes[axis]).astype(np.uint8)
        yield f"{way} {width} px, {axis} {contrast}", Image.fromarray(levels)


def scans() -> Drawn:
    """Grey text on paper with a little texture and uneven light."""
    rng, (width, height) = np.random.default_rng(SEED), (160, 120)
    for number, (name, size) in enumerate(product(FONTS[:4], (9, 12, 16))):
        fibres = Image.fromarray(rng.normal(0, 7, (height // 2, width // 2)).astype(np.float32))
        paper = 228 + np.asarray(fibres.resize((width, height), Image.Resampling.BICUBIC))
        light = np.linspace(6, -12, width) * (-1) ** number
        page = Image.fromarray((paper + light).clip(0, 255).round().astype(np.uint8))
        ink = 40 + 20 * (number % 3)
        yield f"{name} {size}, ink {ink}", _written(page.convert("RGB"), name, size, (ink, ink, ink), 8)


def photo(width: int = 160, height: int = 120) -> Image.Image:
    """A soft scene with edges and texture, like a small photo."""
    rng = np.random.default_rng(SEED)
    y, x = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    scene = np.stack([0.25 + 0.6 * x, 0.2 + 0.5 * y, 0.55 - 0.4 * x * y], -1)
    for _ in range(14):
        top, left, radius = rng.random(3) * [1, 1, 0.22] + [0, 0, 0.04]
        disc = (y - top) ** 2 + (x - left) ** 2 < radius**2
        scene[disc] = scene.mean((0, 1)) + rng.normal(0, 0.2, 3)
    grain = Image.fromarray(rng.normal(0, 1, (height // 3 + 2, width // 3 + 2)).astype(np.float32))
    texture = np.asarray(grain.resize((width, height), Image.Resampling.BICUBIC))
    levels = (scene + 0.03 * texture[..., None]).clip(0.02, 0.98) * 255
    return Image.fromarray(levels.round().astype(np.uint8))


def saturated() -> Drawn:
    """Saturated blue and green, a logo, a green screen, stage light."""
    yield "flat blue", Image.new("RGB", (96, 64), (0, 0, 255))
    yield "flat green", Image.new("RGB", (96, 64), (20, 255, 20))
    logo = Image.new("RGB", (240, 120), (0, 0, 255))
    ImageDraw.Draw(logo).text((50, 40), "ACME AG", fill="white", font=font("DejaVuSans-Bold", 28))
    yield "logo", logo
    boxes = Image.new("RGB", (240, 120), "white")
    draw = ImageDraw.Draw(boxes)
    draw.rectangle((20, 20, 120, 100), fill=(0, 0, 255))
    draw.rectangle((130, 20, 220, 100), fill=(0, 255, 0))
    yield "boxes", boxes
    screen = Image.new("RGB", (200, 152), (0, 255, 0))
    screen.paste(photo(90, 100), (60, 30))
    yield "green screen", screen
    grey = np.asarray(photo(200, 152).convert("L"))[..., None] / 255
    lamps = {"blue": (0.03, 0.08, 2.2), "red": (2.2, 0.05, 0.2), "violet": (1.2, 0.03, 2.0)}
    for name, light in lamps.items():
        lit = (grey * np.array(light) * 255).clip(0, 255).astype(np.uint8)
        yield f"{name} stage light", Image.fromarray(lit)


DRAWN: dict[str, Callable[[], Drawn]] = {
    "flat": flat,
    "neighbours": neighbours,
    "random pairs": strangers,
    "gradients": gradients,
    "text": text,
    "patterns": patterns,
    "scans": scans,
    "saturated": saturated,
}
