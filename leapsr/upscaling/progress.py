"""How far the work is: a function of the caller, or a bar."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from ..errors import UsageError

Progress = Callable[[float, int], None]
"""Called with (done, in all): of the tiles of a picture, counting a part of the one in work; or of several
pictures. 0 in all is not known."""

Watch = Callable[[Callable[[float], None]], AbstractContextManager[None]]
"""Reports, to the function that it is given, which share of a tile is done inside, see `Restorer.watched`."""


def part_of(progress: Progress | None, before: int, share: int, whole: int) -> Progress | None:
    """The progress of one of several passes over a picture, which take times like `share` out of `whole`;
    those before it take `before`."""
    if progress is None:
        return None
    return lambda done, total: progress(before * total + share * done, whole * total)


@contextmanager
def shown(progress: bool | Progress | None) -> Iterator[Progress | None]:
    """What to call: a function as it is, for True a bar on standard error."""
    if not isinstance(progress, bool):
        if progress is not None and not callable(progress):
            raise UsageError(f"progress is True or a function of (done, in all), not {progress!r}.")
        yield progress
    elif not progress:
        yield None
    else:
        from rich.console import Console
        from rich.progress import Progress as Bar

        with Bar(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Upscaling", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total or None)
