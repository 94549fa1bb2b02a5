"""Lines for a terminal, which names of files must neither command nor break."""

import unicodedata

from rich.console import Console

_KINDS = ("Cc", "Zl", "Zp")
"""Unicode's control characters and its ends of lines and paragraphs."""
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What changes the direction of writing, and so can make one name look like another."""


def printable(text: str) -> str:
    """One line, in which control characters stand as Python writes them: \\x1b, \\n."""
    return "".join(_escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    if unicodedata.category(letter) in _KINDS or letter in _TURNING:
        return letter.encode("unicode_escape").decode()
    return letter


def say(console: Console, text: str, style: str | None = None) -> None:
    console.print(printable(text), style=style, markup=False, highlight=False, soft_wrap=True)
