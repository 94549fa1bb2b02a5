"""leapsr upscale - -o -: what comes from standard input or goes to standard output."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ..errors import OutputError, UsageError
from .saying import say

if TYPE_CHECKING:
    from ..batch.ledger import Existing
    from ..batch.options import Options
    from ..upscaling.upscaler import Upscaler

DASH = Path("-")


def wanted(inputs: Sequence[Path], out: Path | None) -> bool:
    return DASH in inputs or out == DASH or any(_is_pipe(path) for path in inputs)


def _is_pipe(path: Path) -> bool:
    """Also what `<(...)` of a shell names: it can be read once."""
    try:
        return path.is_fifo()
    except OSError:
        return False


def checked(inputs: Sequence[Path], out: Path | None, given: Mapping[str, object]) -> tuple[Path, Path]:
    """The source and the output. Raises UsageError for what a pipe cannot do, before anything is read.

    given: options that a pipe has no use for, with what was said of each.
    """
    if meaningless := [name for name, value in given.items() if value]:
        raise UsageError(
            f"Through a pipe goes one picture and no report; leave out {', '.join(meaningless)}."
        )
    if len(inputs) != 1 or inputs[0].is_dir():
        raise UsageError("Through a pipe goes one picture; name one file, or '-' alone.")
    if out is None or out.is_dir():
        raise UsageError("A picture from standard input has no name; add '-o NAME' or '-o -'.")
    if inputs[0] == DASH and sys.stdin.isatty():
        raise UsageError("Standard input is the terminal; send a picture, as in 'leapsr upscale - < a.jpg'.")
    if out == DASH and sys.stdout.isatty():
        raise UsageError("A picture would flood the terminal; send it on with '> NAME' or use '-o NAME'.")
    return inputs[0], out


def work(
    source: Path,
    out: Path,
    suffix: str | None,
    upscaler: "Upscaler",
    options: "Options",
    existing: "Existing",
) -> None:
    """Raises ImageError, OutputError, and UsageError for a name that says no format or the wrong one."""
    from ..batch import naming
    from ..batch.jobs import Job
    from ..batch.ledger import Ledger
    from ..pictures import save_file
    from . import pipe

    if out != DASH:
        suffix = naming.checked(out, suffix).suffix
        decision = Ledger(existing).decide(Job(source, out))
        if not decision.make:
            say(Console(stderr=True), decision.reason)
            return
    given = _read(source) if source == DASH or _is_pipe(source) else source
    result = pipe.upscale(given, suffix, upscaler, options)
    if out == DASH:
        _write(result)
    else:
        save_file.write(out, result)


def _read(source: Path) -> bytes:
    return sys.stdin.buffer.read() if source == DASH else source.read_bytes()


def _write(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or leaving would fail once more
        if isinstance(error, BrokenPipeError):
            raise OutputError("Whatever was to take the picture from standard output has ended.") from None
        raise OutputError(f"Standard output could not be written: {error.strerror or error}.") from None
