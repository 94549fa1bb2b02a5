"""A process that gives files to the command line, many at a time, and looks at all that it did."""

import io
import json
import logging
import os
import re
import resource
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import tifffile
from PIL import Image

LONG_SIDE = 32
"""Of results. Pictures whose damaged header made them larger are decoded and written without the network."""
ROOM = 1 << 30
"""Bytes of memory that a worker may take beyond what it has once everything is loaded."""


OF_LIBRAW = re.compile(rb"unknown file: (Unexpected end of file|data corrupted at -?\d+)\n")
"""It says so itself on standard error, and nothing that calls it through rawpy can keep it from that."""


@dataclass(frozen=True)
class Batch:
    """Files for one command. kind: of the files. names: of them, in the order of contents."""

    kind: str
    names: Sequence[str]
    contents: Sequence[bytes]
    options: Sequence[str] = ()


@dataclass
class Result:
    """problems: sentences, none where all is well. statuses: of the files, as the report has them. notices:
    what the library said beside errors. memory: the most that the process has had, in bytes.
    """

    problems: list[str] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    said: str = ""
    memory: int = 0


def serve(connection: Connection, model: Path) -> None:
    """Answer each Batch with a Result until the other end is closed."""
    import torch

    torch.set_num_threads(1)
    Image.init()
    logging.setLogRecordFactory(_remembering)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most: int | None = None
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        while True:
            try:
                batch = connection.recv()
            except EOFError:
                return
            connection.send(check(batch, model, most))
            most = most or _taken() + ROOM


def _taken() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


@contextmanager
def _at_most(size: int | None) -> Iterator[None]:
    """No more address space than that; None: as much as there is. For the command alone: to look at a large
    result takes memory too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (soft if size is None else size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


_notices: list[str] = []


def _remembering(*arguments: object, **options: object) -> logging.LogRecord:
    record = logging.LogRecord(*arguments, **options)  # type: ignore[arg-type]
    if record.name.startswith("leapsr"):
        _notices.append(record.getMessage())
    return record


def check(batch: Batch, model: Path, most: int | None = None) -> Result:
    """Run the command on the files, in the current folder, and look at all that it left.

    most: bytes of address space for the command; None is as much as there is.
    """
    for place in ("in", "out"):
        shutil.rmtree(place, ignore_errors=True)
    Path("in").mkdir()
    for name, data in zip(batch.names, batch.contents, strict=True):
        Path("in", name).write_bytes(data)
    _notices.clear()
    files = [str(Path("in", name)) for name in batch.names]
    fixed = ["-o", "out", "-n", str(model), "--device", "cpu", "--long-side", str(LONG_SIDE), "--json"]
    with _at_most(most):
        code, out, err, native = _run(["upscale", *files, *fixed, *batch.options])
    result = Result(said=err, memory=1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    native = OF_LIBRAW.sub(b"", native)
    result.problems += [f"a native library wrote {native[:300]!r}"] if native else []
    try:
        report = json.loads(out)["results"]
    except (ValueError, KeyError):
        result.problems.append(f"exit code {code} and no report")
        return result
    names = {Path(row["source"]).name: row for row in report}
    result.statuses = {name: row["status"] for name, row in names.items()}
    result.messages = {name: row["message"] for name, row in names.items() if row["status"] == "failed"}
    result.problems += [*_of_lines(report, err), *_of_files(batch, report)]
    expected = 1 if "failed" in result.statuses.values() else 0
    result.problems += [f"exit code {code}"] if code != expected else []
    missing = set(batch.names) - names.keys()
    result.problems += [f"no outcome of {', '.join(sorted(missing))}"] if missing else []
    return result


def _run(arguments: list[str]) -> tuple[object, str, str, bytes]:
    """Exit code, standard output and error of Python, and what came past Python."""
    from leapsr.cli.main import main

    sys.argv = ["leapsr", *arguments]
    with (
        _past_python() as native,
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        try:
            main()
            code: object = None
        except SystemExit as stopped:
            code = stopped.code
        except BaseException as error:
            code = repr(error)
    return code or 0, out.getvalue(), err.getvalue(), bytes(native)


@contextmanager
def _past_python() -> Iterator[bytearray]:
    """Holds, once it is left, what C and C++ code wrote to file descriptors 1 and 2."""
    saved, written = [os.dup(number) for number in (1, 2)], bytearray()
    with tempfile.TemporaryFile() as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield written
        finally:
            for number, before in zip((1, 2), saved, strict=True):
                os.dup2(before, number)
                os.close(before)
            file.seek(0)
            written += file.read()


def _of_lines(report: list[dict[str, str]], err: str) -> Iterator[str]:
    """What the work is done with, one line for each file that failed, those that the library logged, and a
    summary: nothing else."""
    if "Traceback" in err:
        yield "a traceback"
    failed = [row for row in report if row["status"] == "failed"]
    expected = Counter(f"error: {row['message']}" for row in failed)
    expected += Counter(row["message"] for row in report if row["status"] == "copied")
    expected += Counter(_notices)
    *lines, summary = err.splitlines() or [""]
    if lines and " on cpu, fp32, " in lines[0]:
        del lines[0]
    if unexpected := Counter(lines) - expected:
        yield f"unexpected lines: {list(unexpected)[:3]}"
    if unsaid := expected - Counter(lines):
        yield f"missing lines: {list(unsaid)[:3]}"
    if " in " not in summary:
        yield f"no summary but {summary!r}"
    for row in failed:
        message = row["message"]
        if not message.endswith(".") or not message.isprintable():
            yield f"no plain sentence: {message!r}"
        if Path(row["source"]).name not in message and Path(row["output"]).name not in message:
            yield f"does not name the file: {message!r}"


def _of_files(batch: Batch, report: list[dict[str, str]]) -> Iterator[str]:
    """Exactly the results that were reported, each of them whole, and the sources as they were."""
    done = {row["output"]: row["status"] for row in report if row["status"] in ("done", "copied")}
    from leapsr.batch import existing

    there = {str(path) for path in Path("out").rglob("*") if path.is_file() and path.name != existing.NAME}
    if there != done.keys():
        yield f"files that differ from the report: {sorted(there ^ done.keys())[:3]}"
    if {path.name for path in Path("in").iterdir()} != set(batch.names):
        yield "other files beside the sources"
    for name, data in zip(batch.names, batch.contents, strict=True):
        if Path("in", name).read_bytes() != data:
            yield f"the source {name} was changed"
    for path in sorted(there & done.keys()):
        try:
            sides = _decoded_by_others(path)
        except Exception as error:
            yield f"{path} ({done[path]}) cannot be read: {error!r}"
            continue
        if done[path] == "done" and max(sides) != LONG_SIDE:
            yield f"{path} has {sides}"


def _decoded_by_others(path: str) -> tuple[int, ...]:
    """Sides of the picture. Raises what the decoder raises."""
    if path.endswith((".tif", ".tiff")):
        with tifffile.TiffFile(path) as file:
            file.asarray()
            return file.pages[0].shape[:2]
    with Image.open(path) as image:
        image.load()
        return image.size
