"""leapsr degrade."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..errors import ImageError, UsageError
from .shared import Overwrite
from .terminal import say, starting

if TYPE_CHECKING:
    from ..degrade import Degradation
    from ..pictures.picture import Picture

KINDS = (
    "bicubic",
    "average",
    "resize-jpeg",
    "realesrgan-light",
    "realesrgan-heavy",
    "photo",
    "photo-heavy",
    "resshift",
)

Source = Annotated[Path, typer.Argument(metavar="IN", help="Picture, or folder of pictures, also nested.")]
Target = Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the PNG files.")]
Kind = Annotated[str, typer.Option(metavar="NAME", help=f"One of: {', '.join(KINDS)}.")]
Scale = Annotated[int, typer.Option("-s", "--scale", min=1, metavar="N", help="How many times smaller.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Another seed, another damage.")]
Pairs = Annotated[
    bool, typer.Option("--pairs", help="Write OUT/HR and OUT/LR, HR cropped to a multiple of the scale.")
]


@dataclass(frozen=True)
class Job:
    """What is the same for every picture."""

    target: Path
    kind: str
    seed: int
    pairs: bool
    degradation: "Degradation"

    def outputs(self, name: str) -> dict[str, Path]:
        """Where the parts of a picture go. name: its path in the source folder without suffix."""
        if self.pairs:
            return {part: self.target / part / f"{name}.png" for part in ("HR", "LR")}
        return {"LR": self.target / f"{name}.png"}


def degrade(
    source: Source,
    target: Target,
    kind: Kind = "realesrgan-heavy",
    scale: Scale = 4,
    seed: Seed = 0,
    pairs: Pairs = False,
    overwrite: Overwrite = False,
) -> None:
    """Make damaged low-resolution pictures from clean ones.

    The damage of a picture depends on its name, the kind and the seed, never on the other pictures.
    """
    with starting():
        from ..degrade import make

    job = Job(target, kind, seed, pairs, make(kind, scale))
    files = find_pictures(source)
    refuse_overwriting(files, job, overwrite)
    console = Console(stderr=True)
    failed = 0
    columns = (TextColumn("degrading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        for name in progress.track(list(files)):
            try:
                damage_file(files[name], name, job)
            except ImageError as error:
                failed += 1
                say(console, f"error: {error}", style="red")
    say(console, f"{len(files) - failed} pictures: {target}")
    if failed:
        raise typer.Exit(1)


def find_pictures(source: Path) -> dict[str, Path]:
    """Name -> file. Raises UsageError if there is none, or two have one name."""
    from ..data.listing import picture_files
    from ..pictures.picture import READABLE_SUFFIXES

    if source.is_file():
        return {source.stem: source}
    found: dict[str, Path] = {}
    taken: dict[str, Path] = {}  # by names that are one file where the system ignores case
    for path in picture_files(source):
        name = path.relative_to(source).with_suffix("").as_posix()
        if (key := name.casefold()) in taken:
            raise UsageError(
                f"{taken[key]} and {path.name} would both become {name}.png; rename one of them."
            )
        taken[key] = found[name] = path
    if not found:
        state = "holds no picture" if source.is_dir() else "does not exist"
        raise UsageError(
            f"{source} {state}; give a picture or a folder of some: {', '.join(sorted(READABLE_SUFFIXES))}."
        )
    return found


def refuse_overwriting(files: dict[str, Path], job: Job, replace: bool = False) -> None:
    """Raises UsageError if an output would replace a source, or, unless it may, an earlier result."""
    from ..batch.jobs import overwriting

    outputs = [output for name in files for output in job.outputs(name).values()]
    if (output := overwriting(files.values(), outputs)) is not None:
        raise UsageError(f"{output} is one of the sources; give another folder for the results.")
    if not replace and (there := next(filter(Path.exists, outputs), None)) is not None:
        raise UsageError(f"{there} is already there; give another folder, or --overwrite.")


def damage_file(path: Path, name: str, job: Job) -> None:
    """Raises ImageError for a picture that is unreadable or too small, OutputError where writing fails."""
    from .. import memory
    from ..pictures import picture as pictures
    from ..pictures import save_file

    with memory.translate_oom(path):
        clean = pictures.load(path)
        scale = job.degradation.scale
        height, width = (side // scale * scale for side in clean.size)
        if not height or not width:
            raise ImageError(
                f"{path} is smaller than {scale} pixels; leave it out or choose a smaller scale."
            )
        hr = pictures.Picture(clean.rgb[:, :height, :width], icc=clean.icc)
        parts = {"HR": hr, "LR": damage(hr, name, job)}
    for part, output in job.outputs(name).items():
        save_file.save(parts[part], output)


def damage(hr: "Picture", name: str, job: Job) -> "Picture":
    """The low-resolution picture. Its generator depends on seed, kind and name alone."""
    from ..degrade import generator
    from ..pictures.picture import Picture

    drawn = generator(job.seed, job.kind, name)
    return Picture(job.degradation(hr.rgb[None], drawn)[0], icc=hr.icc)
