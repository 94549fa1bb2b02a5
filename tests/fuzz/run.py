"""Damaged pictures by the thousand through the command line; see `python tests/fuzz/run.py --help`."""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz import mutations, seeds
from tests.fuzz.worker import Batch, Result, serve

PATIENCE = 10.0
"""Seconds of a processor that a command may take, for one file or for many."""
ASLEEP = 6
"""So many times longer may it be by the clock, for machines that do other work too."""
STARTING = 60.0
"""Seconds for the first command of a process, which imports everything."""
TOGETHER = 40
"""Files in one command. When something is wrong each of them is given to a command of its own."""
TOO_LONG = "no answer within"
FAILING = Path(tempfile.gettempdir(), "leapsr-fuzz")
FORMATS = ("auto", "png", "jpg", "webp", "tiff")
"""Of results. AVIF is left to `auto`: a large picture takes longer than our patience, and rightly."""


@dataclass
class Findings:
    """Of one kind of file."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    failing: list[str] = field(default_factory=list)
    seconds: float = 0.0
    memory: int = 0

    @property
    def files(self) -> int:
        return self.counts.total()


class Worker:
    """A process that is started again when it has crashed or was stopped."""

    def __init__(self, model: Path, task: Callable[[Connection, Path], None] = serve) -> None:
        self.model, self.task = model, task
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=self.task, args=(theirs, self.model), daemon=True)
        self.process.start()
        theirs.close()
        first = self._answer(Batch("png", ["first.png"], [next(seeds.png())[1]]), STARTING)
        if isinstance(first, str) or first.problems:
            raise RuntimeError(f"A whole picture already goes wrong: {first}")

    def run(self, batch: Batch) -> Result:
        if not self.process.is_alive():
            self.start()
        answer = self._answer(batch, PATIENCE)
        return answer if isinstance(answer, Result) else Result([answer])

    def _answer(self, batch: Batch, patience: float) -> Result | str:
        """A result, or what happened to the process instead."""
        try:
            self.connection.send(batch)
            worked, until = self._processor_seconds(), time.monotonic() + ASLEEP * patience
            while not self.connection.poll(0.2):
                if self._processor_seconds() - worked > patience or time.monotonic() > until:
                    self.process.kill()
                    self.process.join()
                    return f"{TOO_LONG} {patience:g} s"
            return self.connection.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            return f"the process died with exit code {self.process.exitcode}"

    def _processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.connection.close()
        self.process.join(10)
        self.process.kill()


def batches(kind: str, count: int, seed: int) -> Iterator[tuple[Batch, list[str]]]:
    """The files and how each was made; the first are the seeds themselves."""
    whole = seeds.make(kind)
    for first in range(0, count, TOGETHER):
        names, contents, made = [], [], []
        for i in range(first, min(first + TOGETHER, count)):
            undamaged = list(whole.items())[i : i + 1]
            random = Random(f"{kind} {seed} {i}")
            data, how = undamaged[0][::-1] if undamaged else mutations.mutated(kind, whole, random)
            names.append(f"{i:06}{seeds.suffix(kind)}")
            contents.append(data)
            made.append(how)
        yield Batch(kind, names, contents, options(Random(f"{kind} {seed} {first} options"))), made


def options(random: Random) -> list[str]:
    """What a user might add; the first commands take what is written from what is read."""
    chosen = ["-f", random.choice(FORMATS), "--bit-depth", random.choice(("auto", "auto", "8", "16"))]
    return [*chosen, "--strip-metadata"] if random.random() < 0.1 else chosen


def fuzz(worker: Worker, kind: str, count: int, seed: int, save_to: Path | None = None) -> Findings:
    """Give `count` files of a kind to the command line. save_to: a folder for those that went wrong."""
    findings, start = Findings(), time.monotonic()
    for batch, made in batches(kind, count, seed):
        result = worker.run(batch)
        if not result.problems:
            _count(findings, result)
            continue
        alone = [worker.run(_only(batch, i)) for i in range(len(batch.names))]
        slow = result.problems[0].startswith(TOO_LONG)  # of many, which is no fault of any
        if not slow and not any(one.problems for one in alone):
            _keep(findings, f"together: {'; '.join(result.problems)}", batch, made, save_to)
        for i, one in enumerate(alone):
            _count(findings, one)
            if one.problems:
                _keep(findings, "; ".join(one.problems), _only(batch, i), made[i : i + 1], save_to)
    findings.seconds = time.monotonic() - start
    return findings


def _only(batch: Batch, i: int) -> Batch:
    return replace(batch, names=[batch.names[i]], contents=[batch.contents[i]])


def _count(findings: Findings, result: Result) -> None:
    findings.counts.update(result.statuses.values() if result.statuses else ["no outcome"])
    for name, message in result.messages.items():
        stem = Path(name).stem
        words = message.replace(f"in/{name}", "FILE").split(stem)
        findings.reasons["RESULT".join(words).partition(" (")[0][:90]] += 1
    findings.memory = max(findings.memory, result.memory)


def _keep(findings: Findings, problem: str, batch: Batch, made: list[str], folder: Path | None) -> None:
    findings.failing.append(f"{batch.names[0]} ({made[0]}; {' '.join(batch.options)}): {problem}")
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, data, how in zip(batch.names, batch.contents, made, strict=True):
        (folder / name).write_bytes(data)
        about = {
            "problem": problem,
            "made": how,
            "options": list(batch.options),
            "together": list(batch.names),
        }
        (folder / f"{name}.json").write_text(json.dumps(about, indent=2))


def make_model(folder: Path) -> Path:
    """A model folder with the smallest network."""
    from leapsr.networks import UNet
    from leapsr.networks.pixel.unet import PRESETS
    from leapsr.restorer import ModelConfig, Restorer

    Restorer(ModelConfig(method="oftsr", network=PRESETS["tiny"]), UNet(PRESETS["tiny"])).save_pretrained(
        folder
    )
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=seeds.MAKERS, action="append", help="all, unless given")
    parser.add_argument("--count", type=int, default=20_000, help="files of each format")
    parser.add_argument("--seed", type=int, default=0, help="another number, other damage")
    parser.add_argument(
        "--save-to",
        type=Path,
        default=Path(tempfile.gettempdir(), "leapsr-fuzz"),
        help="for files that go wrong",
    )
    given = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(make_model(Path(folder) / "model"))
        for kind in given.format or seeds.MAKERS:
            found = fuzz(worker, kind, given.count, given.seed, given.save_to / f"{kind}-{given.seed}")
            report(kind, found)
            failed |= bool(found.failing)
        worker.stop()
    raise SystemExit(int(failed))


def report(kind: str, found: Findings) -> None:
    counts = ", ".join(f"{count} {status}" for status, count in found.counts.most_common())
    rate = found.files / found.seconds
    print(f"{kind}: {found.files} files, {rate:.0f}/s, up to {found.memory / 2**20:.0f} MiB: {counts}")
    for reason, count in found.reasons.most_common(12):
        print(f"  {count:6} {reason}")
    for line in found.failing[:40]:
        print(f"  WRONG {line}")
    print(f"  {len(found.failing)} went wrong", flush=True)


if __name__ == "__main__":
    main()
