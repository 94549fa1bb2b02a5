"""A second perceptual judge, which no training here has seen: distances of EfficientNet-Lite0's features.

    pip install --no-deps efficientnet-lite-pytorch
    python benchmarks/second_judge.py PAIRS OUTPUTS... --data ../shared

LPIPS by SqueezeNet is part of our training, and flatters what was trained on it. This distance is built alike
from another network, whose strides lie elsewhere: the maps of 16 blocks, each position scaled to length 1,
squared differences summed over the channels, their mean over the positions, then over the blocks. There are
no learnt weights. OUTPUTS are folders of results, named as the pairs are; the first is the one that others
are compared with, with 95 % intervals over the photos (bootstrap). Lower is closer.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from leapsr.evaluation.subjects import Outputs
from leapsr.metrics.intervals import bootstrap

MEAN, STD = 127.0 / 255, 128.0 / 255
"""Of EfficientNet-Lite's training."""


def maps(network: EfficientNet, image: Tensor) -> list[Tensor]:
    """image: (1, 3, H, W) in [0, 1] -> the outputs of all blocks, positions of length 1."""
    x = F.relu6(network._bn0(network._conv_stem((image - MEAN) / STD)))
    found = []
    for block in network._blocks:
        x = block(x)
        found.append(F.normalize(x, dim=1))
    return found


def read(file: Path) -> Tensor:
    pixels = np.array(Image.open(file).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


@torch.inference_mode()
def distances(network: EfficientNet, pairs: Path, outputs: Path) -> list[float]:
    scores = []
    photos = sorted((pairs / "HR").iterdir())
    results = Outputs(outputs).match([file.stem for file in photos])
    for file in photos:
        restored, photo = read(results[file.stem]), read(file)
        height, width = restored.shape[-2:]
        both = zip(maps(network, restored), maps(network, photo[..., :height, :width]), strict=True)
        scores.append(float(np.mean([(a - b).square().sum(1).mean().item() for a, b in both])))
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", type=Path)
    parser.add_argument("outputs", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, default=Path("../shared"))
    arguments = parser.parse_args()
    network = EfficientNet.from_name("efficientnet-lite0").eval()
    weights = load_file(arguments.data / "weights/efficientnet_lite0.safetensors")
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    first: np.ndarray | None = None
    print(f"torch {torch.__version__}, {arguments.pairs}")
    for folder in arguments.outputs:
        scores = np.array(distances(network, arguments.pairs, folder))
        first = scores if first is None else first
        _, low, high = bootstrap(list(scores - first))
        print(f"{folder}: {scores.mean():.4f}, difference to the first [{low:+.4f}, {high:+.4f}]", flush=True)


if __name__ == "__main__":
    main()
