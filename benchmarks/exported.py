"""What files for other programs lose: without noise, with fixed measures, in fp16 and int8, in tiles.

    python benchmarks/exported.py PHOTOS --calibration FOLDER [--out FOLDER]

Squares of the first photos are made small by several kinds of damage and restored by leap-small. Prints PSNR
to the photo, and decibels and mean grey levels between two results; then what tiles with margins of other
programs change. The results of the second photo are written into --out, to be looked at.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from leapsr import degrade
from leapsr.data.reading import decode
from leapsr.export import onnx_file
from leapsr.export.difference import Difference
from leapsr.export.model import Exported
from leapsr.networks.pixel.folded import FoldedUNet
from leapsr.ops.color import to_pil

SIDE, LEFT = 384, 64
KINDS = ("bicubic", "resize-jpeg", "realesrgan-light", "realesrgan-heavy")
TILES = ((200, 10), (200, 32), (200, 56))
"""Side, and pixels around: of ncnn's programs, of ComfyUI, and beyond what the network sees."""


@torch.inference_mode()
def tiled(network: FoldedUNet, image: Tensor, side: int, margin: int) -> Tensor:
    scale = network.scale
    whole = image.new_empty(1, 3, scale * image.shape[2], scale * image.shape[3])
    for top in range(0, image.shape[2], side):
        for left in range(0, image.shape[3], side):
            above, before = min(margin, top), min(margin, left)
            part = image[..., top - above : top + side + margin, left - before : left + side + margin]
            target = whole[..., scale * top : scale * (top + side), scale * left : scale * (left + side)]
            found = network(part)[..., scale * above :, scale * before :]
            target.copy_(found[..., : target.shape[2], : target.shape[3]])
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--calibration", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("out/exported"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    model = Exported.load("leap-small")
    measured = replace(model, measures=None)
    sessions = {}
    for precision, calibration in (("fp16", None), ("int8", options.calibration)):
        file = options.out / f"{precision}.onnx"
        print(precision, onnx_file.write(model, file, precision, calibration), file.stat().st_size, "bytes")
        sessions[precision] = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for kind in KINDS:
        rows: dict[str, list[tuple[float, float, float]]] = {}
        for number, path in enumerate(options.photos):
            photo = decode(path)[None, :, LEFT : LEFT + SIDE, LEFT : LEFT + SIDE].float() / 255
            lr = degrade.make(kind, model.restorer.scale)(photo, torch.Generator().manual_seed(0))
            lr = (lr * 255).round() / 255
            whole, fixed = measured.restore(lr, seed=0), model.restore(lr)
            results = {
                "upscale": (whole, whole),
                "no noise": (measured.restore(lr), whole),
                "typical": (fixed, whole),
            }
            for precision, session in sessions.items():
                (found,) = session.run(None, {"input": lr.numpy()})
                results[precision] = torch.from_numpy(found), fixed
            for name, (result, beside) in results.items():
                change = Difference.of([(result, beside)])
                score = Difference.of([(result, photo)]).psnr
                rows.setdefault(name, []).append((score, change.psnr, 255 * change.mean))
                if number == 1:
                    to_pil(result[0]).save(options.out / f"{kind}-{name}.png")
        for name, figures in rows.items():
            score, psnr, levels = np.mean(figures, axis=0)
            print(f"{kind}, {name}: {score:.2f} dB to the photo; {psnr:.1f} dB, {levels:.2f} levels apart")
    image = decode(options.photos[-1])[None, :, :SIDE, : SIDE + LEFT].float() / 255
    network = model.folded()
    whole = tiled(network, image, SIDE + LEFT, 0)
    for side, margin in TILES:
        print(
            f"tiles of {side} with {margin}: {Difference.of([(tiled(network, image, side, margin), whole)])}"
        )


if __name__ == "__main__":
    main()
