"""Kill a batch in the middle and run it again.

    python -m tests.cli.resuming [--files 500] [--seed 0]

Prints what was there at the kill and what the second run did, and fails where a result is missing, differs
from that of an undisturbed run, or was made twice.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from leapsr.batch.existing import NAME
from tests.conftest import make_tiny_model, picture_array

SIDE = 16
PATIENCE = 300.0
"""Seconds after which something is wrong."""


@dataclass(frozen=True)
class Resumed:
    """there: results complete at the kill, by name, with the time of their last change. known: how many of
    them the manifest had. report: of the second run. parts: files that the killed process left half written.
    """

    there: dict[str, int]
    known: int
    report: dict[str, object]
    parts: int


def command(source: Path, out: Path, model: Path, *options: str) -> list[str]:
    here = [sys.executable, "-m", "leapsr", "upscale", str(source), "-o", str(out)]
    return [*here, "-n", str(model), "--device", "cpu", *options]


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.png")}


def resume(folder: Path, model: Path, files: int, seed: int) -> Resumed:
    """Raises AssertionError where the second run does not end as if nothing had happened."""
    source, whole, resumed = (folder / name for name in ("in", "whole", "resumed"))
    source.mkdir()
    for i in range(files):
        Image.fromarray(picture_array(SIDE, SIDE, seed=i)).save(source / f"{i:03}.png")
    subprocess.run(command(source, whole, model), check=True, capture_output=True)
    killed_after = random.Random(seed).randrange(1, files * 3 // 4)
    _kill(subprocess.Popen(command(source, resumed, model), stderr=subprocess.DEVNULL), resumed, killed_after)
    there, parts = times(resumed), len(list(resumed.glob(".*.part")))
    known = len(_recorded(resumed))
    second = subprocess.run(
        command(source, resumed, model, "--skip-existing", "--json"), check=True, capture_output=True
    )
    found = Resumed(there, known, json.loads(second.stdout), parts)
    _check(found, whole, resumed, files)
    return found


def _kill(process: "subprocess.Popen[bytes]", out: Path, after: int) -> None:
    """SIGKILL once so many results are there."""
    end = time.monotonic() + PATIENCE
    while len(times(out)) < after:
        assert process.poll() is None, "the batch ended before it was killed"
        assert time.monotonic() < end
        time.sleep(0.002)
    process.kill()
    process.wait()


def _recorded(out: Path) -> list[str]:
    """The output of every whole line."""
    outputs = []
    for line in (out / NAME).read_text().splitlines() if (out / NAME).exists() else ():
        with suppress(ValueError):
            outputs.append(json.loads(line)["output"])
    return outputs


def _check(found: Resumed, whole: Path, resumed: Path, files: int) -> None:
    made = files - len(found.there)
    assert 0 < len(found.there) < files
    assert found.report["counts"] == {"skipped": len(found.there), "done": made}
    after = times(resumed)
    assert {name: after[name] for name in found.there} == found.there, "a result was made twice"
    for path in whole.glob("*.png"):
        assert (resumed / path.name).read_bytes() == path.read_bytes(), f"{path.name} differs"
    recorded = Counter(_recorded(resumed))
    assert max(recorded.values()) == 1, "a result was made twice"
    assert len(recorded) == found.known + made
    # Between a file and its line in the manifest lies a moment, in which each writer may have been killed.
    assert len(found.there) - found.known <= os.cpu_count()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        begun = time.monotonic()
        model = make_tiny_model(Path(place) / "tiny")
        found = resume(Path(place), model, options.files, options.seed)
    print(f"{options.files} files, seed {options.seed}: killed with {len(found.there)} complete results, ")
    print(f"{found.known} of them in the manifest, and {found.parts} hidden half written files; ", end="")
    print(f"the second run: {found.report['counts']}; {time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
