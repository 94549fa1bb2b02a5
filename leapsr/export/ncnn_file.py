"""ncnn's two files, NAME.param and NAME.bin, as upscayl and realesrgan-ncnn-vulkan read them: `data`, a
picture in [0, 1], to `output`.

pnnx converts the folded network. Its layers are old ones, because these programs were built with ncnn of
years ago, and none depends on the size of a picture: it is padded by more than is ever needed, then cut to
the size of another layer's result.
"""

import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import UsageError, optional
from ..files import atomic_write
from ..networks.pixel.folded import FoldedUNet
from ..ops import upsample
from .difference import Difference, pictures
from .model import Exported

_NAMES = {"in0": "data", "out0": "output"}


def write(model: Exported, path: Path, half: bool = True) -> Difference:
    """One position of the dial. path: of the .param file; the .bin file is written beside it.

    half: weights in float16. Returns how far the results of ncnn in float32 are from torch's.

    Raises MissingExtra, UsageError, OutputError.
    """
    pnnx, ncnn = optional("pnnx", "ncnn"), optional("ncnn", "ncnn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with warnings.catch_warnings(
            action="ignore"
        ):  # pnnx reads nothing newer than what torch.jit.trace gives
            traced = torch.jit.trace(_Static(model.folded()).eval(), next(pictures()), check_trace=False)
        traced.save(folder / "model.pt")
        files = {
            key: folder / f"{key}.out"
            for key in ("ncnnparam", "ncnnbin", "ncnnpy", "pnnxparam", "pnnxbin", "pnnxpy", "pnnxonnx")
        }
        options = [f"{key}={file}" for key, file in files.items()]
        sizes = ",".join(map(str, next(pictures()).shape))
        done = subprocess.run(
            [
                pnnx.EXEC_PATH,
                "model.pt",
                f"inputshape=[{sizes}]",
                f"moduleop={_CROP}",
                f"fp16={int(half)}",
                *options,
            ],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if done.returncode or not files["ncnnbin"].is_file():
            raise UsageError(
                f"pnnx could not convert the model: {(done.stderr or done.stdout).strip()[-300:]}"
            )
        graph = _renamed(files["ncnnparam"].read_text())
        with atomic_write(path.with_suffix(".bin")) as weights, atomic_write(path) as part:
            part.write_text(graph)
            weights.write_bytes(files["ncnnbin"].read_bytes())
            net = ncnn.Net()
            for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
                setattr(net.opt, option, False)  # what the file holds is compared, not this processor
            net.load_param(str(part))
            net.load_model(str(weights))
            found = Difference.of((_run(net, each), model.restore(each)) for each in pictures())
            return found.checked("fp16" if half else "fp32")


class _Crop(nn.Module):
    """The upper left of x, in the size of another map. ncnn also gives it the channels of that."""

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        return x[:, :, : like.shape[2], : like.shape[3]]


_CROP = f"{_Crop.__module__}.{_Crop.__name__}"


class _Static(nn.Module):
    """A FoldedUNet without a number that depends on the size of the picture."""

    def __init__(self, network: FoldedUNet) -> None:
        super().__init__()
        self.network = network
        self.to_multiples, self.to_picture = _Crop(), _Crop()

    def forward(self, image: Tensor) -> Tensor:
        network, multiple = self.network, self.network.alignment
        most = [0, multiple - 1, 0, multiple - 1]
        lr = image * 2 - 1
        enlarged = network.enlarge(F.pad(lr, [upsample.RADIUS] * 4, mode="replicate"))
        seen = F.pad(torch.cat([enlarged, lr], dim=1), most, mode="replicate")
        whole_blocks = F.interpolate(
            F.max_pool2d(seen, multiple), scale_factor=float(multiple), mode="nearest"
        )
        detail = self.to_picture(network.trunk(self.to_multiples(seen, whole_blocks)), enlarged)
        return F.pixel_shuffle(enlarged + detail, network.scale)


def _renamed(graph: str) -> str:
    """Blobs named as the programs expect; and _Crop is ncnn's own layer of that name."""
    lines = []
    for line in graph.splitlines():
        words = [_NAMES.get(word, word) for word in line.split()]
        if words and words[0].rpartition(".")[2] == _Crop.__name__:
            words[0] = "Crop"
            words[4], words[5] = (
                words[5],
                words[4],
            )  # a trace has the inputs as they are first used: `like`, x
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


def _run(net: Any, image: Tensor) -> Tensor:
    """(1, 3, H, W) in [0, 1] -> (1, 3, scale H, scale W)."""
    ncnn = optional("ncnn", "ncnn")
    extractor, pixels = net.create_extractor(), image[0].contiguous().numpy()
    extractor.input("data", ncnn.Mat(pixels).clone())  # the first reads them in their place
    _, result = extractor.extract("output")
    return torch.from_numpy(result.numpy().copy())[None]
