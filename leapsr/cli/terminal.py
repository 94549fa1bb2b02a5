"""Print lines on a terminal, safely: names of files can neither break lines nor send control codes."""

import gc
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNSAFE_CATEGORIES = ("Cc", "Zl", "Zp")
"""Unicode categories: control characters, line and paragraph separators."""
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of writing, and so can make one name look like another."""


def printable(text: str) -> str:
    """The text as one line, with control characters as Python writes them: \\x1b, \\n."""

    def is_safe(letter: str) -> bool:
        return unicodedata.category(letter) not in _UNSAFE_CATEGORIES and letter not in _DIRECTION_MARKS

    return "".join(letter if is_safe(letter) else letter.encode("unicode_escape").decode() for letter in text)


@contextmanager
def starting() -> Iterator[None]:
    """To be entered while libraries are loaded, which takes seconds: a spinner, on terminals only.

    What they make stays until the end. To look through it for garbage meanwhile, and again with every model,
    took a tenth of the time to the first result.
    """
    gc.disable()
    try:
        with Console(stderr=True).status("Starting"):
            yield
        if (
            not gc.get_freeze_count() and "triton" not in sys.modules
        ):  # which would call what is frozen a leak
            gc.freeze()
    finally:
        gc.enable()


def table(headings: Iterable[str], rows: Iterable[Iterable[object]], numbers: Collection[str] = ()) -> Table:
    """Columns without lines between them. numbers: headings of those that are put to the right."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        shown.add_column(heading, justify="right" if heading in numbers else "left")
    for row in rows:
        shown.add_row(*(Text(printable(str(cell))) for cell in row))
    return shown


def say(console: Console, text: str, style: str | None = None) -> None:
    console.print(printable(text), style=style, markup=False, highlight=False, soft_wrap=True)
