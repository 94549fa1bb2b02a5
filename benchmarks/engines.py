"""One network in several engines: what each weighs, when the first picture is there, seconds, memory.

    python benchmarks/engines.py PHOTO --calibration PHOTOS [--with openvino=VENV/bin/python]

Each engine runs in a process of its own, on one thread. Seconds are those of the processor, so that other
work on the machine disturbs them little: on a free core they are those of the clock. --with gives the Python
of another environment for an engine, such as one that has no torch.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 256
"""Of the crop that is restored, to 1024."""
PACKAGES = {"torch": "torch", "onnxruntime": "onnxruntime", "openvino": "openvino"}

START = """
import importlib.metadata as metadata, json, re, sys, time
import numpy as np
file, pixels, package = sys.argv[1], np.load(sys.argv[2]), sys.argv[3]

def megabytes(package):
    # What pip installs for it: its files and those of all that it needs.
    known, waiting = {}, [package]
    while waiting:
        name = re.split(r"[^A-Za-z0-9_.-]", waiting.pop())[0].lower().replace("_", "-")
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if name not in known:
            sizes = (each.locate() for each in found.files or [])
            known[name] = sum(each.stat().st_size for each in sizes if each.is_file()) / 1e6
            waiting += [each for each in found.requires or [] if "extra ==" not in each]
    cuda = sum(size for name, size in known.items() if name.startswith(("nvidia", "cuda", "triton")))
    return round(sum(known.values())), round(cuda)
"""

ENGINES = {
    "onnxruntime": """
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
run = lambda: session.run(None, {"input": pixels})[0]
""",
    "openvino": """
import openvino
core = openvino.Core()
core.set_property("CPU", {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": precision})
compiled = core.compile_model(core.read_model(file), "CPU")
run = lambda: compiled(pixels)[0]
""",
    "torch": """
import torch
from safetensors.torch import load_file
from leapsr.networks.pixel.folded import FoldedUNet
torch.set_num_threads(1)
network, given = FoldedUNet.from_weights(load_file(file)).eval(), torch.from_numpy(pixels)

def run():
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        return network(given).float().clamp(0, 1).numpy()
""",
}

END = """
first = run()
cold = time.process_time()
times = []
for _ in range(repeats):
    began = time.process_time()
    run()
    times.append(time.process_time() - began)
# Of this program: getrusage would tell what the one that started it had.
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())
everything, cuda = megabytes(package)
np.save(sys.argv[4], first)
print(json.dumps({
    "cold_s": round(cold, 2), "s_per_megapixel": round(min(times) / (first.size / 3e6), 3),
    "peak_mb": round(int(peak[1]) * 1.024 / 1e3),
    "install_mb": everything, "of_it_cuda_mb": cuda,
}))
"""


def measured(
    engine: str, precision: str, file: Path, folder: Path, python: str, repeats: int
) -> dict[str, object]:
    """One row of the table."""
    code = f"precision, repeats = {precision!r}, {repeats}\n{START}{ENGINES[engine]}{END}"
    result = folder / "result.npy"
    done = subprocess.run(
        [python, "-W", "ignore", "-c", code, file, folder / "pixels.npy", PACKAGES[engine], result],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"engine": engine, "precision": precision, "failed": said[-1]}
    return {"engine": engine, "precision": precision, **json.loads(done.stdout.splitlines()[-1])}


def export(folder: Path, calibration: Path) -> None:
    from leapsr.export import onnx_file, spandrel_file
    from leapsr.export.model import Exported

    model = Exported.load("leap-small")
    onnx_file.write(model, folder / "fp32.onnx")
    onnx_file.write(model, folder / "fp16.onnx", "fp16")
    onnx_file.write(model, folder / "int8.onnx", "int8", calibration)
    spandrel_file.write(model, folder / "fp32.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo", type=Path)
    parser.add_argument("--calibration", type=Path, required=True, help="folder of photos for int8")
    parser.add_argument("--with", dest="others", action="append", default=[], metavar="ENGINE=PYTHON")
    parser.add_argument(
        "--files", type=Path, help="folder to keep the exported files in, and to take them from"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("out/engines.json"))
    options = parser.parse_args()
    pythons = dict.fromkeys(ENGINES, sys.executable) | dict(each.split("=", 1) for each in options.others)

    rows: list[dict[str, object]] = []
    first = None
    with tempfile.TemporaryDirectory() as name:
        folder = options.files or Path(name)
        if not (folder / "fp32.safetensors").is_file():
            export(folder, options.calibration)
        files = {kind: folder / f"{kind}.onnx" for kind in ("fp32", "fp16", "int8")}
        pixels = (
            np.asarray(Image.open(options.photo).convert("RGB").crop((0, 0, SIDE, SIDE)), np.float32) / 255
        )
        np.save(folder / "pixels.npy", pixels.transpose(2, 0, 1)[None])
        for engine, precision, file in (
            ("torch", "fp32", folder / "fp32.safetensors"),
            ("torch", "bf16", folder / "fp32.safetensors"),
            ("onnxruntime", "fp32", files["fp32"]),
            ("onnxruntime", "fp16", files["fp16"]),
            ("onnxruntime", "int8", files["int8"]),
            ("openvino", "f32", files["fp32"]),
            ("openvino", "bf16", files["fp32"]),
            ("openvino", "f32", files["int8"]),
        ):
            row = measured(engine, precision, file, folder, pythons[engine], options.repeats)
            row["file"] = file.name
            if "failed" not in row:
                result = np.load(folder / "result.npy")
                first = result if first is None else first
                row["max_of_255"] = round(float(np.abs(result.clip(0, 1) - first.clip(0, 1)).max() * 255), 2)
            rows.append(row)
            print(json.dumps(row), flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
