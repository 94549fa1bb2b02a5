"""Commands of leapsr in processes of their own, each done once: beside what a command leaves behind lies a
record of what that follows from."""

import json
import multiprocessing
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from multiprocessing.process import BaseProcess
from pathlib import Path

from pydantic import JsonValue

from .. import __version__
from ..data.listing import listing
from ..errors import DataError, LeapsrError, UsageError
from ..files import atomic_write
from ..hub import catalog

RESULTS = "results.json"


@dataclass(frozen=True)
class Step:
    """A command. done: what it leaves behind at its end. models, pictures: that its result depends on beside
    its words; models by name, pictures as a `stamp`."""

    done: Path
    words: Sequence[str]
    models: Sequence[str] = ()
    pictures: str = ""

    @property
    def file(self) -> Path:
        """Where its record is kept, from before it starts."""
        return self.done.with_name(f"{self.done.name}.command")

    def record(self) -> dict[str, JsonValue]:
        """What its result follows from."""
        models: dict[str, JsonValue] = {model: _digest(model) for model in self.models}
        words: list[JsonValue] = [*self.words]
        return {"command": words, "leapsr": __version__, "models": models, "pictures": self.pictures}


def stamp(*places: Path) -> str:
    """It changes with the names, sizes and times of the pictures in these folders, or with an archive."""
    files = []
    for place in places:
        if place.is_file():
            about = place.stat()
            files.append((place.name, (about.st_size, about.st_mtime_ns)))
        else:
            found = listing(place)
            files += sorted((found.pictures | found.archives).items())
    return sha256(json.dumps(files).encode()).hexdigest()


def _digest(model: str) -> str | None:
    """None of a model that is not there."""
    try:
        folder = catalog.find(model)
        return _digest_of(folder, catalog.weights_of(folder).stat().st_mtime_ns)
    except (LeapsrError, OSError):
        return None


@lru_cache(maxsize=32)  # every cell asks, and each time all weights would be read
def _digest_of(folder: Path, changed: int) -> str:
    """changed: when, so that other weights at that place are read again."""
    return catalog.digest(folder)


def is_done(step: Step) -> bool:
    """Without a record it is not: nobody knows what has left it. Raises UsageError where it was done, or a
    training begun, with something else."""
    if not step.file.is_file():
        return False
    done = step.done.is_file()
    if done or (step.done.parent / catalog.CONFIG).is_file():  # of a training that is not finished
        stored, asked = json.loads(step.file.read_text(encoding="utf-8")), step.record()
        before = stored if isinstance(stored, dict) else {}
        if changed := [name for name in asked if before.get(name) != asked[name]]:
            raise UsageError(
                f"{step.done.parent} was made otherwise ({', '.join(changed)} changed): give another -o, or "
                "remove that folder."
            )
    return done


def do(step: Step, log: Path, say: Callable[[str], None], name: str = "") -> None:
    """Nothing where it is done. say: gets the command when it starts, after a name.

    Raises DataError with the last line that it said; UsageError, see `is_done`.
    """
    if is_done(step):
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    step.done.unlink(missing_ok=True)
    with atomic_write(step.file) as part:  # now: a command that is killed may have left its results already
        part.write_text(json.dumps(step.record()), encoding="utf-8")
    say(f"{name or step.words[1]}: leapsr {' '.join(step.words)}")
    process = _process()(target=_leapsr, args=(step.words, log))
    process.start()
    process.join()
    code = process.exitcode
    # An evaluation with failures has results, and lists them.
    if code and not (step.done.is_file() and code == 1):
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise DataError(f"'leapsr {step.words[0]}' ended with code {code}: {said[-1]}")
    if step.done.name != RESULTS:
        step.done.write_text("", encoding="utf-8")


@cache
def _process() -> Callable[..., BaseProcess]:
    """Each command is a process of its own; where the system can, it begins with torch loaded already."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn").Process
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "leapsr.evaluation.run", "leapsr.train.api"])
    return context.Process


def _leapsr(words: Sequence[str], log: Path) -> None:
    """A command in this process. What it says goes to the end of `log`."""
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ leapsr {' '.join(words)}\n")
        file.flush()
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.argv = ["leapsr", *words]
    runpy.run_module("leapsr", run_name="__main__", alter_sys=False)
