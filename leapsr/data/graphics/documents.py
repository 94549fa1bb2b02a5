"""Text on paper: documents and scans of them."""

import numpy as np
from PIL import Image, ImageFilter

from .canvas import Canvas
from .colours import BLACK, WHITE, Colour, ink_on, mixed, vivid
from .fonts import Face, face, words
from .patterns import ramp

PAPERS: tuple[tuple[Colour, Colour], ...] = (
    (WHITE, BLACK), (WHITE, BLACK), (WHITE, (34, 34, 34)), (BLACK, WHITE), (WHITE, (0, 0, 192)),
    ((253, 246, 227), BLACK), ((245, 235, 210), (60, 40, 20)),
)  # fmt: skip
"""Of paper and of ink."""


def document(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Headings and paragraphs in one or two columns."""
    paper, ink = PAPERS[int(rng.integers(len(PAPERS)))]
    if rng.random() < 0.2:
        paper = vivid(rng)
        ink = ink_on(rng, paper)
    canvas = Canvas(side, side, scale, paper)
    _lettering(rng, canvas, ink)
    return canvas.pixels()


def scan(rng: np.random.Generator, side: int, scale: int) -> np.ndarray:
    """Text on grey paper, a little turned, with the faint texture and shade of a scan."""
    paper, ink = int(rng.integers(205, 250)), int(rng.integers(15, 80))
    tint = int(rng.integers(-10, 4)) if rng.random() < 0.5 else 0
    ground = (paper, paper, paper + tint)
    canvas = Canvas(side, side, scale, ground)
    _lettering(rng, canvas, (ink, ink, ink))
    image = Image.fromarray(canvas.pixels())
    degrees = float(rng.uniform(-2, 2)) if rng.random() < 0.6 else 0.0
    image = image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=ground)
    grain = Image.fromarray(rng.normal(128, 40, (side, side)).clip(0, 255).astype(np.uint8))
    grain = grain.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2))))
    texture = np.asarray(grain, np.float32) - 128
    texture *= float(rng.uniform(0, 3)) / max(float(texture.std()), 1e-3)
    shade = ramp(rng, side) * float(rng.uniform(0, 15))
    return (np.asarray(image) + (texture - shade)[..., None] + 0.5).clip(0, 255).astype(np.uint8)


def _lettering(rng: np.random.Generator, canvas: Canvas, ink: Colour) -> None:
    """A heading, then one or two columns, which may begin or end outside."""
    font, size = face(rng), int(rng.choice([8, 8, 9, 10, 10, 11, 12, 12, 14, 16, 20, 24]))
    top, left = float(rng.integers(-8, 12)), float(rng.integers(-20, 12))
    if rng.random() < 0.5:
        head = min(24, round(size * rng.uniform(1.2, 2)))
        colour = ink if rng.random() < 0.6 else mixed(ink, vivid(rng), 0.7)
        canvas.text((max(left, 3), top + head + 3), words(rng, 4), head, colour, face(rng))
        top += head * 1.6
        if rng.random() < 0.4:
            canvas.row(max(left, 3), canvas.width - 4, round(top), ink)
            top = round(top) + 4
    if size < 12 and rng.random() < 0.3:
        middle = canvas.width / 2
        paragraphs(rng, canvas, (left, top, middle - 4), size, ink, font)
        paragraphs(rng, canvas, (middle + 4, top, canvas.width + 20), size, ink, font)
    else:
        paragraphs(rng, canvas, (left, top, canvas.width + 20 * float(rng.integers(0, 2))), size, ink, font)


def paragraphs(
    rng: np.random.Generator,
    canvas: Canvas,
    place: tuple[float, float, float],
    size: float,
    ink: Colour,
    font: Face,
) -> None:
    """Lines of text down to the bottom. place: (left, top, right)."""
    left, top, right = place
    base, x = top + size, left
    for _ in range(600):
        text = words(rng, 1) + " "
        length = canvas.length(text, size, font)
        if (x + length > right and x > left) or rng.random() < 0.01:
            base, x = base + round(size * 1.3), left
            if base - size > canvas.height:
                return
            if rng.random() < 0.1:
                base += size
        canvas.text((x, base), text, size, ink, font)
        x += length
