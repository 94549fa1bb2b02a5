"""A photo that ships with scikit-image, damaged, restored, and laid out as a sheet.

    python examples/before_after.py [--out FOLDER] [--photo chelsea]

Writes small.png (what goes in), large.png (what comes out at the model's own setting), sheet.png (before and
after, enlarged) and dial.png (the same detail at five positions of the dial).
"""

import argparse
import time
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageDraw

import leapsr
from leapsr import degrade

SCALE = 4
DETAILS = {
    "chelsea": (96, 60, 216),
    "coffee": (150, 100, 216),
    "astronaut": (150, 20, 216),
}  # left, top, side
DIAL = (1.0, 0.75, 0.5, 0.25, 0.0)


def damaged(photo: np.ndarray, kind: str, seed: int) -> Image.Image:
    """(H, W, 3) uint8 -> four times smaller, blurred, noisy and compressed."""
    height, width = (side // SCALE * SCALE for side in photo.shape[:2])
    image = torch.tensor(photo[:height, :width]).permute(2, 0, 1)[None].float() / 255
    lr = degrade.make(kind, SCALE)(image, torch.Generator().manual_seed(seed))[0]
    return Image.fromarray((lr * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())


def sheet(rows: list[dict[str, Image.Image]], side: int) -> Image.Image:
    """Rows of squares, each with its name above it."""
    gap, title = 6, 18
    columns = max(map(len, rows))
    whole = Image.new("RGB", (columns * (side + gap) - gap, len(rows) * (side + title)), "white")
    draw = ImageDraw.Draw(whole)
    for row, parts in enumerate(rows):
        for column, (name, part) in enumerate(parts.items()):
            left, top = column * (side + gap), row * (side + title)
            draw.text((left + 2, top + 3), name, fill="black")
            whole.paste(part.resize((side, side), Image.Resampling.NEAREST), (left, top + title))
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/demo"))
    parser.add_argument("--photo", choices=DETAILS, default="chelsea")
    parser.add_argument("--kind", default="resize-jpeg", help="how the photo is damaged")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    photo = getattr(skimage.data, options.photo)()
    small = damaged(photo, options.kind, options.seed)
    small.save(options.out / "small.png")
    began = time.perf_counter()
    large = leapsr.upscale(small)
    seconds = time.perf_counter() - began
    large.save(options.out / "large.png")

    left, top, side = DETAILS[options.photo]
    box = (left, top, left + side, top + side)
    pixels = small.resize(large.size, Image.Resampling.NEAREST).crop(box)
    bicubic = small.resize(large.size, Image.Resampling.BICUBIC).crop(box)
    original = Image.fromarray(photo).crop(box)
    parts = {"before": pixels, "bicubic": bicubic, "leapsr, one step": large.crop(box), "the photo": original}
    sheet([parts], 2 * side).save(options.out / "sheet.png")
    dial = {f"fidelity {f:g}": leapsr.upscale(small, fidelity=f).crop(box) for f in DIAL}
    sheet([dial], 2 * side).save(options.out / "dial.png")
    print(f"{small.width} x {small.height} -> {large.width} x {large.height} in {seconds:.2f} s.")
    print(f"Before and after: {options.out / 'sheet.png'}   the dial: {options.out / 'dial.png'}")


if __name__ == "__main__":
    main()
