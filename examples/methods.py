"""One photo that ships with scikit-image, damaged, and restored by each packaged model in one step.

    python examples/methods.py [--out FILE] [--photo astronaut] [--kind realesrgan-light]

Each model at its most realistic, and at its own default below.
"""

import argparse
from pathlib import Path

import numpy as np
import skimage.data
from before_after import DETAILS, SCALE, damaged, sheet
from PIL import Image

from leapsr import Upscaler
from leapsr.hub import catalog


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/methods.png"))
    parser.add_argument("--photo", choices=DETAILS, default="astronaut")
    parser.add_argument("--kind", default="realesrgan-light", help="how the photo is damaged")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    photo = np.asarray(getattr(skimage.data, options.photo)())
    small = damaged(photo, options.kind, options.seed)
    size = (SCALE * small.width, SCALE * small.height)
    left, top, side = DETAILS[options.photo]
    box = (left, top, left + side, top + side)

    def detail(image: Image.Image) -> Image.Image:
        return image.crop(box)

    realistic = {"bicubic": detail(small.resize(size, Image.Resampling.BICUBIC))}
    default = {"photo": detail(Image.fromarray(photo))}
    for folder in sorted(catalog.PACKAGED.iterdir()):
        upscaler, name = Upscaler.from_pretrained(folder), folder.name
        if upscaler.restorer.scale != SCALE:
            continue
        realistic[f"{name}, fidelity 0"] = detail(upscaler(small, fidelity=0.0))
        position = upscaler.restorer.default_fidelity
        default[f"{name}, {position:g} (default)"] = detail(upscaler(small))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    sheet([realistic, default], side).save(options.out)
    print(f"Wrote {options.out}.")


if __name__ == "__main__":
    main()
