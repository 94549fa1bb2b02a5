"""A photo, four times larger, without torch: ONNX Runtime, NumPy, Pillow and one file.

    leapsr export leap-small --dial -o leap-small-dial.onnx      # once, where leapsr is installed
    pip install onnxruntime pillow numpy
    python examples/without_torch.py leap-small-dial.onnx photo.jpg photo_x4.png --fidelity 0.6

The file measures how damaged the photo is, restores it and keeps it near its source, as `leapsr upscale`
does. Profiles, EXIF, 16 bits, transparency and photos that do not fit into memory at once are leapsr's own.
"""

import argparse

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("model", "photo", "result"):
        parser.add_argument(name)
    parser.add_argument("--fidelity", type=float, default=0.6, help="1 is the safest guess, 0 the sharpest")
    parser.add_argument("--denoise", type=float, default=1.0, help="how much of the noise goes")
    options = parser.parse_args()
    photo = ImageOps.exif_transpose(Image.open(options.photo)).convert("RGB")
    pixels = np.asarray(photo, np.float32).transpose(2, 0, 1)[None] / 255
    session = onnxruntime.InferenceSession(options.model, providers=["CPUExecutionProvider"])
    feeds = {
        "input": pixels,
        "fidelity": np.array([options.fidelity], np.float32),
        "denoise": np.array([options.denoise], np.float32),
        "measures": np.full((1, 7), -1, np.float32),  # measure the photo itself
    }
    (larger,) = session.run(["output"], feeds)
    Image.fromarray((larger[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)).save(options.result)


if __name__ == "__main__":
    main()
