"""What the papers print, to be shown beside one's own figures and never ranked with them."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("published.toml")


class PublishedTable(NamedTuple):
    source: str
    """Paper and table."""
    protocol: str
    """On which pictures, in words."""
    metrics: list[str]
    """As the paper names them, in small letters: what exactly was computed is often not said."""
    rows: list[list[str | float]]
    """The method, then a figure for each metric."""


@cache
def _every() -> list[dict[str, Any]]:
    return list(tomllib.loads(FILE.read_text(encoding="utf-8"))["tables"])


def published(benchmark: str, protocol: str) -> list[PublishedTable]:
    """The tables of a benchmark, by its name in `benchmarks`; empty where no paper here prints one."""
    return [
        PublishedTable(each["source"], protocol, each["metrics"], each["rows"])
        for each in _every()
        if each["benchmark"] == benchmark
    ]
