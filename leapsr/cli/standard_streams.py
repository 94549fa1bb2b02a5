"""leapsr upscale - -o -: a picture from standard input or to standard output."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.console import Console

from ..errors import DiskFull, ImageError, OutputError, UsageError
from .signals import interruptible
from .terminal import say

if TYPE_CHECKING:
    from ..batch.options import Options
    from ..upscaling.upscaler import Upscaler
    from .upscale_options import FileOptions, LookOptions

DASH = Path("-")


def wanted(inputs: Sequence[Path], out: Path | None) -> bool:
    """Whether one of them is a pipe."""
    return DASH in inputs or out == DASH or any(_is_pipe(path) for path in inputs)


def _is_pipe(path: Path) -> bool:
    """Also what `<(...)` of a shell names: it can be read once."""
    try:
        return path.is_fifo()
    except OSError:
        return False


def _checked(
    inputs: Sequence[Path], out: Path | None, look: "LookOptions", files: "FileOptions"
) -> tuple[Path, Path]:
    """The source and the output. Raises UsageError for what a pipe cannot do, before anything is read."""
    given = {
        "--captions": look.captions,
        "--samples": look.samples > 1,
        "--detail-map": look.detail_map,
        "--dry-run": files.dry_run,
        "--json": files.as_json,
        "--shard": files.shard,
        "--keep-dates": files.keep_dates,
    }
    if useless := [name for name, value in given.items() if value]:
        raise UsageError(f"Through a pipe goes one picture and no report; leave out {', '.join(useless)}.")
    if len(inputs) != 1 or inputs[0].is_dir():
        raise UsageError("Through a pipe goes one picture; name one file, or '-' alone.")
    if out is None or out.is_dir():
        raise UsageError("A picture from standard input has no name; add '-o NAME' or '-o -'.")
    if inputs[0] == DASH and sys.stdin is None:
        raise UsageError("Standard input is closed; send a picture, as in 'leapsr upscale - < a.jpg'.")
    if inputs[0] == DASH and sys.stdin.isatty():
        raise UsageError("Standard input is the terminal; send a picture, as in 'leapsr upscale - < a.jpg'.")
    if out == DASH and sys.stdout is None:
        raise UsageError("Standard output is closed; send the picture on with '> NAME' or use '-o NAME'.")
    if inputs[0] == DASH and out != DASH and _is_standard_input(out):
        raise UsageError(f"{out} is one of the sources and is never written over; choose another -o.")
    if out == DASH and sys.stdout.isatty():
        raise UsageError("A picture would flood the terminal; send it on with '> NAME' or use '-o NAME'.")
    return inputs[0], out


def _is_standard_input(path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(sys.stdin.fileno()), path.stat())
    except (OSError, ValueError):  # no such file yet, or a standard input that is none
        return False


def work(
    inputs: Sequence[Path],
    out: Path | None,
    look: "LookOptions",
    files: "FileOptions",
    options: "Options",
    load: "Callable[[], Upscaler]",
) -> None:
    """Upscale one picture. load: the model, once it is known to be needed.

    Raises ImageError, OutputError, and UsageError for what a pipe cannot do and for a name that says no
    format or the wrong one.
    """
    from ..batch import naming
    from ..batch.existing import ExistingPolicy
    from ..batch.jobs import Job

    source, output = _checked(inputs, out, look, files)
    suffix = naming.FORMATS.get(files.file_format)
    with interruptible():
        if output != DASH:
            suffix = naming.check_format(output, suffix).suffix
            decision = ExistingPolicy(files.if_exists()).decide(Job(source, output))
            if not decision.make:
                say(Console(stderr=True), decision.reason)
                return
        given: Path | bytes = source
        if source == DASH or _is_pipe(source):
            given = sys.stdin.buffer.read() if source == DASH else source.read_bytes()
        if output == DASH:
            _write(upscale(given, suffix, load(), options))
            return
        with _temporary_folder() as folder:
            _upscale(_as_file(given, folder), output, load(), options, folder)


def upscale(source: Path | bytes, suffix: str | None, upscaler: "Upscaler", options: "Options") -> bytes:
    """The file that a picture becomes, as `pipeline.run` would write it.

    source: a file, or the bytes of one. suffix: names the format of the result; None is that of the source.
    Raises ImageError for whatever went wrong, OutputError where there is no room for temporary files.
    """
    from ..batch.naming import default_suffix

    with _temporary_folder() as folder:
        path = _as_file(source, folder)
        output = folder / f"standard output{suffix or default_suffix(path.suffix)}"
        _upscale(path, output, upscaler, options, folder)
        return output.read_bytes()


def _upscale(source: Path, output: Path, upscaler: "Upscaler", options: "Options", folder: Path) -> None:
    """folder: the temporary one, whose name is no business of the user unless its disk is full."""
    from ..batch import pipeline
    from ..batch.existing import ExistingPolicy
    from ..batch.jobs import Job

    (outcome,) = pipeline.run([Job(source, output)], upscaler, options, ExistingPolicy("overwrite"))
    if outcome.last and output.parent == folder:
        raise DiskFull(
            f"The disk is full: {folder.parent} has no room for the result; make room, name another folder "
            "in TMPDIR, or use '-o NAME'."
        )
    if outcome.status == "failed":
        raise ImageError(outcome.message.replace(f"{folder}{os.sep}", ""))


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Raises OutputError where none can be made."""
    try:
        made = TemporaryDirectory(prefix="leapsr-")
    except OSError as error:
        raise OutputError(
            f"There is no folder for temporary files ({error.strerror or error}); name one in TMPDIR."
        ) from error
    with made as folder:
        yield Path(folder)


def _as_file(source: Path | bytes, folder: Path) -> Path:
    """Bytes as a file in the temporary folder. Raises OutputError where that has no room."""
    if isinstance(source, Path):
        return source
    path = folder / f"standard input{_suffix(source)}"
    try:
        path.write_bytes(source)
    except OSError as error:
        raise OutputError(
            f"{folder.parent} cannot hold the picture from standard input ({error.strerror or error}); make "
            "room, or name another folder in TMPDIR."
        ) from error
    return path


def _suffix(data: bytes) -> str:
    """For the format of a file's content. Raises ImageError when that is no picture."""
    from ..pictures import content

    if not data:
        raise ImageError("Nothing came on standard input.")
    return content.suffix(data, "standard input")


def _write(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or leaving would fail once more
        if isinstance(error, BrokenPipeError):
            raise OutputError("Whatever was to take the picture from standard output has ended.") from None
        raise OutputError(f"Standard output could not be written: {error.strerror or error}.") from None
