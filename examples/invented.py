"""How much of a restored photo is invented, at three positions of the dial: results above, detail maps below.

    python examples/invented.py [--out docs/images/detail_map.png]

The photo is the one of before_after.py, damaged in the same way. Because the original is known here, it also
prints how much of the true error the maps see.
"""

import argparse
from pathlib import Path

import numpy as np
import skimage.data
import torch
from before_after import damaged
from PIL import Image, ImageDraw, ImageFont

import leapsr
from leapsr.pictures import picture as pictures
from leapsr.upscaling.detail_map import LEGEND, SEEDS, DetailMap, legend, map_alone, pooled
from leapsr.upscaling.model_input import grey_levels
from leapsr.upscaling.samples import samples
from leapsr.upscaling.upscaler import Settings

DIAL = (1.0, 0.65, 0.0)
BOX = (106, 86, 296, 266)
"""Of the result: an eye, nose and fur. left, top, right, bottom"""
GAP, TITLE = 6, 20


def truth(found: DetailMap, original: np.ndarray) -> str:
    """How the doubt goes with the error, around each pixel."""
    height, width = found.luma.shape[1:]
    clean = grey_levels(torch.tensor(original[:height, :width]).permute(2, 0, 1).float() / 255)
    doubt, error = pooled(found.doubt), pooled((found.luma - clean).abs())
    likeness = torch.corrcoef(torch.stack([doubt.flatten(), error.flatten()]))[0, 1]
    means = [plane.square().mean().sqrt() for plane in (doubt, error)]
    return f"doubt {means[0]:.1f}, error {means[1]:.1f} grey levels (rms), correlation {likeness:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/demo/detail_map.png"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)

    original = skimage.data.chelsea()
    photo = pictures.load(damaged(original, "resize-jpeg", 1))
    upscaler = leapsr.Upscaler.from_pretrained("leap-small-smfsr", device="cpu")
    width, height = BOX[2] - BOX[0], BOX[3] - BOX[1]
    whole = (len(DIAL) * (width + GAP) - GAP, TITLE + 2 * height + LEGEND)
    sheet = Image.new("RGB", whole, "white")
    for column, fidelity in enumerate(DIAL):
        drawn = samples(upscaler, photo, SEEDS, settings=Settings(fidelity=fidelity))
        results = [sample.picture for sample in drawn]
        found = DetailMap.of(results, photo)
        words = f"fidelity {fidelity:g}: {found.invented:.0%} is invented"
        print(f"{words}; {truth(found, original)}")
        left = column * (width + GAP)
        font = ImageFont.load_default(size=13)
        ImageDraw.Draw(sheet).text((left + 2, 2), words, fill="black", font=font)
        sheet.paste(results[0].pil().crop(BOX), (left, TITLE))
        sheet.paste(map_alone(found).crop(BOX), (left, TITLE + height))
    sheet.paste(legend(sheet.width, "grey levels of 255 in doubt"), (0, TITLE + 2 * height))
    sheet.save(options.out, optimize=True)


if __name__ == "__main__":
    main()
