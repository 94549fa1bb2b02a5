"""What --consistency does to photos whose original is known, by damage and tolerance.

    python benchmarks/consistency.py

Prints PSNR-Y against the original in dB, without it and with three tolerances, and in brackets LR-PSNR: how
closely the result, made small again, is its input. The photos are those of scikit-image.
"""

import numpy as np
import skimage.data
import torch

import leapsr
from leapsr import degrade
from leapsr.metrics.fidelity import lr_psnr, psnr
from leapsr.pictures.picture import Picture
from leapsr.upscaling.consistency import consistent

SCALE = 4
PHOTOS = ("chelsea", "coffee", "astronaut")
DAMAGES = ("bicubic", "resize-jpeg", "realesrgan-heavy")
TOLERANCES = (0.5, 8.0, 16.0)


def original(name: str) -> torch.Tensor:
    """(1, 3, H, W) in [0, 1], its sides multiples of SCALE."""
    photo: np.ndarray = getattr(skimage.data, name)()
    height, width = (side // SCALE * SCALE for side in photo.shape[:2])
    return torch.tensor(photo[:height, :width]).permute(2, 0, 1)[None].float() / 255


def main() -> None:
    upscaler = leapsr.Upscaler.from_pretrained("leap-small-smfsr", device="cpu")
    print(f"{'':28}{'without':>14}" + "".join(f"{f'+-{each:g}':>14}" for each in TOLERANCES))
    for damage in DAMAGES:
        for name in PHOTOS:
            clean = original(name)
            lr = degrade.make(damage, SCALE)(clean, torch.Generator().manual_seed(1))[0]
            source = Picture((lr * 255).round() / 255)
            free = upscaler.upscale(source)
            cells = []
            for result in (free, *(consistent(free, source, each) for each in TOLERANCES)):
                image = (result.rgb[None] * 255).round() / 255
                distance = psnr(image, clean, channels="y", border=SCALE).item()
                cells.append(f"{distance:.2f} ({lr_psnr(image, source.rgb[None]).item():.0f})")
            print(f"{damage:18}{name:10}" + "".join(f"{cell:>14}" for cell in cells))


if __name__ == "__main__":
    main()
