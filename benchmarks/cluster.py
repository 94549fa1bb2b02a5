"""Whether `leapsr batch` loses nothing, and what it costs beside `leapsr upscale`, on this machine.

    python benchmarks/cluster.py [--photos 2000] [--workers 1] [--store] [--seed 0]

Small photos are made; one of them is damaged. A worker is killed (SIGKILL) after a quarter of the results,
the command itself after a half; the same command then ends the work. Every result must be there once, with
the bytes that `leapsr upscale` gives. --store: from an object store on this machine (moto) and to it, where
one key more is named than there is.

Prints versions, the processor and a table; exit status 1 where something is missing or differs.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import ray
import torch
from PIL import Image

DAMAGED = "damaged.png"


def make(folder: Path, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for index in range(count - 1):
        height, width = rng.integers(16, 33, 2)
        small = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(small).resize((int(width), int(height)), Image.Resampling.BICUBIC).save(
            folder / f"{index:05}.png"
        )
    (folder / DAMAGED).write_bytes(b"\x89PNG\r\n\x1a\nnothing")


def wait_for(enough: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None and not enough():
        time.sleep(0.2)


def kill_a_worker(process: subprocess.Popen[bytes]) -> bool:
    for child in psutil.Process(process.pid).children(recursive=True):
        if "MapWorker" in " ".join(child.cmdline()) or "MapWorker" in child.name():
            os.kill(child.pid, signal.SIGKILL)
            return True
    return False


def timed(line: list[Any], log: Path) -> tuple[float, int]:
    """Seconds, and exit status. log: gets what is printed."""
    begun = time.monotonic()
    with log.open("wb") as output:
        code = subprocess.run(
            [str(word) for word in line], check=False, stdout=output, stderr=subprocess.STDOUT
        ).returncode
    print(f"{log.stem}: {log.read_text().splitlines()[-1:]}", file=sys.stderr, flush=True)
    return time.monotonic() - begun, code


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(
        f"ray {ray.__version__}, torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} cores, "
        f"{given.photos} photos, {given.workers} workers, seed {given.seed}"
    )
    with tempfile.TemporaryDirectory() as place:
        sys.exit(check(given, Path(place)))


def check(given: argparse.Namespace, root: Path) -> int:
    make(root / "in", given.photos, given.seed)
    command = [sys.executable, "-m", "leapsr"]
    alone, _ = timed([*command, "upscale", root / "in", "-o", root / "one", "--threads", 1], root / "one.log")
    source, out, extra, close = str(root / "in"), str(root / "out"), [], lambda: None
    fs = None
    if given.store:
        import s3fs
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer("127.0.0.1", 0)
        server.start()
        host, port = server.get_host_and_port()
        storage = {"endpoint_url": f"http://{host}:{port}", "key": "a", "secret": "b"}
        fs = s3fs.S3FileSystem(**storage)
        fs.mkdir("photos")
        fs.put(str(root / "in"), "photos/in", recursive=True)
        names = sorted(path.rpartition("/")[2] for path in fs.ls("photos/in", detail=False))
        (root / "list.txt").write_text("\n".join(f"s3://photos/in/{name}" for name in [*names, "gone.png"]))
        source, out, extra = (
            str(root / "list.txt"),
            "s3://photos/out",
            ["--storage-options", json.dumps(storage)],
        )
        close = server.stop

    def results() -> list[str]:
        if fs is None:
            return [path.name for path in (root / "out").glob("*.png")]
        fs.invalidate_cache()
        there = fs.find("photos/out", maxdepth=1) if fs.exists("photos/out") else []
        return [path.rpartition("/")[2] for path in there]

    line = [*command, "batch", source, "-o", out, "--workers", str(given.workers), *extra]
    line += ["--report", str(root / "r.json")]
    begun = time.monotonic()
    with (root / "first.log").open("wb") as output:
        first = subprocess.Popen(line, start_new_session=True, stdout=output, stderr=subprocess.STDOUT)
    wait_for(lambda: len(results()) >= given.photos // 4, first)
    worker_killed = first.poll() is None and kill_a_worker(first)
    print(f"{len(results())} results, worker killed: {worker_killed}", file=sys.stderr, flush=True)
    wait_for(lambda: len(results()) >= given.photos // 2, first)
    command_killed = first.poll() is None
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    at_kill, lost = len(results()), time.monotonic() - begun
    rest, code = timed(line, root / "second.log")
    report = json.loads((root / "r.json").read_text())
    found = results()
    expected = {path.name for path in (root / "one").glob("*.png")}
    different = [
        name
        for name in found
        if (fs.cat_file(f"photos/out/{name}") if fs else (root / "out" / name).read_bytes())
        != (root / "one" / name).read_bytes()
    ]
    again, _ = timed(line, root / "third.log")
    close()
    known = json.loads((root / "r.json").read_text())["done_before"]
    problems = []
    problems += [] if worker_killed and command_killed else ["nothing was killed: give more photos"]
    problems += (
        [] if sorted(found) == sorted(expected) else [f"{len(expected ^ set(found))} results too few or many"]
    )
    problems += [f"{len(different)} results differ from leapsr upscale"] if different else []
    problems += [] if code == 1 else [f"exit code {code}, not 1, with a damaged photo"]
    problems += [] if known == len(expected) else [f"{known} of {len(expected)} results are in the books"]
    print("| | seconds | results |\n|---|---|---|")
    print(f"| leapsr upscale, one process | {alone:.1f} | {len(expected)} |")
    print(f"| leapsr batch, until it was killed | {lost:.1f} | {at_kill} |")
    print(f"| the same command again | {rest:.1f} | {len(found)} |")
    print(f"| and once more, nothing to do but the damaged | {again:.1f} | {len(found)} |")
    print(f"Done before the restart, by the books: {report['done_before']}")
    print(f"Failed: {[each['output'] for each in report['failed']]}")
    speed = (rest - again) / max(1, len(found) - at_kill)
    print(f"Seconds a photo: {alone / len(expected):.3f} by upscale, {speed:.3f} by batch without its start.")
    print("Problems: " + ("; ".join(problems) or "none"))
    return 1 if problems else 0


if __name__ == "__main__":
    main()
