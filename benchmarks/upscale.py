"""The bench: seconds for an output megapixel, a photo from file to file, the first result from a cold start.

    python benchmarks/upscale.py [--model NAME] [--threads N] [--runs N] [--with openvino=PYTHON] [--quick]

256 x 256 -> 1024 x 1024 by the model, in each engine and precision, beside Real-ESRGAN x4plus and two
smaller networks: realesr-general's (SRVGG of 32 convolutions) and 4xLSDIRCompact's (of 16). Their weights are
random, which costs as much, unless --weights gives those of x4plus. Every figure comes from a process of its
own; they take turns, so that a machine that slows down slows all of them. --with gives the Python of another
environment for an engine, such as one without torch. --quick: small pictures, to see that it works.

Prints tables in Markdown. Times faster and smaller: than Real-ESRGAN's in the same precision. Share of the
peak: of what a product of large matrices reaches here in that precision, in operations a second.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from resident import growth

SCALE, SEED = 4, 0
Figures = dict[str, float]
Step = Callable[[], object]
REFERENCE = "Real-ESRGAN x4plus"
NETWORKS = ("leapsr", REFERENCE, "SRVGG general", "4xLSDIRCompact")
ELSEWHERE = (("onnxruntime", "fp32"), ("onnxruntime", "int8"), ("openvino", "bf16"), ("openvino", "int8"))


def torch_network(what: str, weights: Path | None) -> Any:
    import torch
    from spandrel.architectures.Compact import Compact
    from spandrel.architectures.ESRGAN import ESRGAN

    torch.manual_seed(SEED)
    if what == "SRVGG general":
        return Compact(num_feat=64, num_conv=32, upscale=SCALE)
    if what == "4xLSDIRCompact":
        return Compact(num_feat=64, num_conv=16, upscale=SCALE)
    if weights is None:
        return ESRGAN()
    from spandrel import ModelLoader

    return ModelLoader().load_from_file(weights).model


def torch_step(what: str, precision: str, options: argparse.Namespace) -> Callable[[int], Step]:
    """For the side of the picture, one evaluation."""
    import torch

    torch.set_num_threads(options.threads)
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]

    def picture(side: int) -> Any:
        return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(SEED))

    if what == "leapsr":
        from leapsr.hub import catalog
        from leapsr.ops.noise import position_noise
        from leapsr.restorer import Restorer

        folder = catalog.find(options.model or catalog.default_name())
        restorer = Restorer.from_pretrained(folder, dtype=dtype)

        def of_side(side: int) -> Step:
            lr = picture(side)
            return lambda: restorer.restore(lr, position_noise(SEED, 0, 0, side * SCALE, side * SCALE)[None])

        return of_side
    network = torch_network(what, options.weights).to(dtype, memory_format=torch.channels_last).eval()

    def others(side: int) -> Step:
        lr = picture(side).to(dtype, memory_format=torch.channels_last)
        return torch.inference_mode()(lambda: network(lr).float())

    return others


def session_step(engine: str, precision: str, options: argparse.Namespace) -> Callable[[int], Step]:
    """The same of an exported file, without torch."""
    file = options.files / ("int8.onnx" if precision == "int8" else "fp32.onnx")
    rng = np.random.default_rng(SEED)
    if engine == "onnxruntime":
        import onnxruntime

        given = onnxruntime.SessionOptions()
        given.intra_op_num_threads = options.threads
        session = onnxruntime.InferenceSession(file, given, providers=["CPUExecutionProvider"])

        def run(pixels: Any) -> object:
            return session.run(None, {"input": pixels})
    else:
        import openvino

        hint = "bf16" if precision == "bf16" else "f32"
        core = openvino.Core()
        core.set_property("CPU", {"INFERENCE_NUM_THREADS": options.threads, "INFERENCE_PRECISION_HINT": hint})
        run = core.compile_model(core.read_model(file), "CPU")

    def of_side(side: int) -> Step:
        pixels = rng.random((1, 3, side, side), np.float32)
        return lambda: run(pixels)

    return of_side


def one(what: str, engine: str, precision: str, options: argparse.Namespace) -> Figures:
    """In this process: an evaluation of a small picture, then the timed ones; the first shows the memory."""
    make = (
        torch_step(what, precision, options)
        if engine == "torch"
        else session_step(engine, precision, options)
    )
    make(options.side // 4)()
    step = make(options.side)
    times: list[float] = []

    def timed() -> None:
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)

    memory = growth(timed)
    while sum(times) < 3 and len(times) < 4:
        timed()
    megapixels = (options.side * SCALE) ** 2 / 1e6
    return {"seconds": min(times) / megapixels, "mebibytes": memory / megapixels}


def operations(what: str, options: argparse.Namespace) -> float:
    """Of a torch network for an output megapixel."""
    from torch.utils.flop_counter import FlopCounterMode

    step = torch_step(what, "fp32", options)(64)
    with FlopCounterMode(display=False) as counted:
        step()
    return counted.get_total_flops() / ((64 * SCALE) ** 2 / 1e6)


def peak(precision: str, threads: int) -> float:
    """Operations a second in a product of matrices."""
    import torch

    torch.set_num_threads(threads)
    dtype, side = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision], 2048
    a, b = torch.rand(side, side).to(dtype), torch.rand(side, side).to(dtype)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        torch.mm(a, b)
        times.append(time.perf_counter() - began)
    return 2 * side**3 / min(times)


def whole(precision: str, suffix: str, options: argparse.Namespace) -> Figures:
    """A photo from file to file, as `leapsr upscale` does once its model is loaded."""
    import torch

    from leapsr import Upscaler
    from leapsr.batch import pipeline
    from leapsr.batch.jobs import Job
    from leapsr.batch.options import Options

    torch.set_num_threads(options.threads)
    upscaler = Upscaler.from_pretrained(options.model, "cpu", precision)
    upscaler(options.files / "small.png")
    restore, network = upscaler.restorer.restore, 0.0

    def timed(*arguments: Any, **named: Any) -> Any:
        nonlocal network
        began = time.perf_counter()
        try:
            return restore(*arguments, **named)
        finally:
            network += time.perf_counter() - began

    upscaler.restorer.restore = timed  # type: ignore[method-assign]
    began = time.perf_counter()
    (outcome,) = pipeline.run(
        [Job(options.files / "photo.jpg", options.files / f"out-{os.getpid()}{suffix}")], upscaler, Options()
    )
    everything = time.perf_counter() - began
    assert outcome.status == "done", outcome.message
    assert outcome.result is not None
    return {
        "megapixels": outcome.result[0] * outcome.result[1] / 1e6,
        "reading": outcome.seconds.reading,
        "restoring": outcome.seconds.restoring,
        "writing": outcome.seconds.writing,
        "whole": everything,
        "network": network,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def pictures(folder: Path, shape: tuple[int, int], side: int) -> None:
    """photo.jpg of that height and width, small.png of that side: waves, edges and a little noise."""
    from PIL import Image

    for name, (height, width) in {"photo.jpg": shape, "small.png": (side, side)}.items():
        y, x = np.ogrid[0:height, 0:width]
        waves = np.stack([np.sin(x / 39 + p) + np.cos(y / 37 - p) for p in range(3)], -1).astype(np.float32)
        noise = np.random.default_rng(SEED).normal(0, 3, (height, width, 3)).astype(np.float32)
        pixels = 127 + 50 * waves + 20 * ((x // 64 + y // 48) % 2)[..., None] + noise
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name, quality=92)


def export(folder: Path, model: str | None) -> None:
    from leapsr.export import onnx_file
    from leapsr.export.model import Exported

    given = Exported.load(model)
    onnx_file.write(given, folder / "fp32.onnx")
    calibration = folder / "calibration"
    calibration.mkdir()
    (calibration / "small.png").write_bytes((folder / "small.png").read_bytes())
    onnx_file.write(given, folder / "int8.onnx", "int8", calibration)


def apart(words: list[Any], options: argparse.Namespace, python: str = sys.executable) -> Any:
    """A figure from a process of its own; None where that has not what it needs."""
    command = [python, "-W", "ignore", __file__, "--only", *words, "--files", options.files]
    command += ["--threads", options.threads, "--side", options.side]
    command += [
        word
        for name in ("model", "weights")
        if (value := getattr(options, name))
        for word in (f"--{name}", value)
    ]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    print(f"{words}: {(done.stderr.strip().splitlines() or ['ended'])[-1]}", file=sys.stderr)
    return None


def table_of_networks(options: argparse.Namespace, pythons: dict[str, str]) -> None:
    cases = [(what, "torch", precision) for precision in ("fp32", "bf16") for what in NETWORKS]
    cases += [("leapsr", engine, precision) for engine, precision in ELSEWHERE]
    runs: dict[tuple[str, str, str], list[Figures]] = {case: [] for case in cases}
    for number in range(options.runs):
        for case in cases:
            is_slow = case[0] == REFERENCE and case[2] == "fp32"
            if (number == 0 or (runs[case] and not is_slow)) and (
                found := apart([*case], options, pythons.get(case[1], sys.executable))
            ):
                runs[case].append(found)
    costs = {what: apart(["operations", what, ""], options) for what in NETWORKS}
    peaks = {precision: apart(["peak", precision, ""], options) for precision in ("fp32", "bf16")}

    def median(case: tuple[str, str, str], field: str) -> float:
        return statistics.median(run[field] for run in runs[case])

    print(f"Peak: {', '.join(f'{p} {found / 1e9:.0f}' for p, found in peaks.items())} GFLOP/s\n")
    print(
        "| network | engine | precision | s / output Mpx | MiB / output Mpx | times faster | times smaller",
        end="",
    )
    print(" | share of peak |\n|---|---|---|---|---|---|---|---|")
    for case in (case for case in cases if runs[case]):
        what, engine, precision = case
        seconds, memory = median(case, "seconds"), median(case, "mebibytes")
        beside = (REFERENCE, "torch", precision)
        ratios = [
            f"{median(beside, field) / median(case, field):.1f}"
            if runs.get(beside) and median(case, field)
            else ""
            for field in ("seconds", "mebibytes")
        ]
        share = f"{costs[what] / seconds / peaks[precision]:.0%}" if precision in peaks else ""
        print(
            f"| {what} | {engine} | {precision} | {seconds:.3f} | {memory:.0f} | {' | '.join(ratios)} "
            f"| {share} |"
        )


def table_of_photos(options: argparse.Namespace, shapes: list[tuple[int, int]]) -> None:
    print("\n| photo | result | precision | read, s | restore, s | write, s | whole, s | network, s ", end="")
    print("| whole / network | s / output Mpx | peak, MB |\n|---|---|---|---|---|---|---|---|---|---|---|")
    for number, shape in enumerate(shapes):
        pictures(options.files, shape, options.side)
        for precision, suffix in (("fp32", ".jpg"), ("fp32", ".png"), ("bf16", ".png"))[
            : None if number == 0 else 1
        ]:
            found = apart(["whole", precision, suffix], options)
            if found is None:
                continue
            parts = [f"{found[name]:.2f}" for name in ("reading", "restoring", "writing", "whole", "network")]
            ratios = f"{found['whole'] / found['network']:.2f} | {found['whole'] / found['megapixels']:.3f}"
            print(
                f"| {shape[1]} x {shape[0]} | {found['megapixels']:.0f} Mpx {suffix[1:]} | {precision} | "
                f"{' | '.join(parts)} | {ratios} | {found['peak_mb']:.0f} |",
                flush=True,
            )


def cold(options: argparse.Namespace) -> None:
    """From a process that does not run yet, with files that the system has in its memory."""
    model = ["-n", options.model] if options.model else []
    upscale = [
        "upscale",
        options.files / "small.png",
        "-o",
        options.files / "cold.png",
        "--overwrite",
        *model,
    ]
    repeats = 1 if options.quick else 5
    print(f"\n| from a cold start | s, best of {repeats} |\n|---|---|")
    for label, words in (
        ("`leapsr --help`", ["--help"]),
        (f"`leapsr upscale` of {options.side} x {options.side}", [*upscale, "--threads", options.threads]),
    ):
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "leapsr", *map(str, words)], check=True, capture_output=True
            )
            times.append(time.perf_counter() - began)
        print(f"| {label} | {min(times):.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="name or folder; the default model if not given")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--weights", type=Path, help="of Real-ESRGAN x4plus")
    parser.add_argument("--with", dest="others", action="append", default=[], metavar="ENGINE=PYTHON")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--files", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        first, second, third = options.only
        by_name: dict[str, Callable[[], Any]] = {
            "operations": lambda: operations(second, options),
            "peak": lambda: peak(second, options.threads),
            "whole": lambda: whole(second, third, options),
        }
        print(json.dumps(by_name[first]() if first in by_name else one(first, second, third, options)))
        return
    shapes = [(750, 1000), (3000, 4000)]
    if options.quick:
        options.side, options.runs, shapes = 64, 1, [(75, 100)]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        options.files = Path(folder)
        pictures(options.files, shapes[0], options.side)
        export(options.files, options.model)
        import torch

        print(
            f"{platform.processor() or platform.machine()}, {options.threads} threads, seed {SEED}, ", end=""
        )
        print(
            f"torch {torch.__version__}, python {platform.python_version()}, median of {options.runs} runs\n"
        )
        table_of_networks(options, dict(each.split("=", 1) for each in options.others))
        cold(options)
        table_of_photos(options, shapes)
    print(f"\n{time.perf_counter() - began:.0f} s in all.")


if __name__ == "__main__":
    main()
