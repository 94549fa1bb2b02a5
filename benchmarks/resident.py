"""Memory of a process as Linux counts it."""

from collections.abc import Callable
from pathlib import Path


def growth(work: Callable[[], object]) -> float:
    """MiB: the highest of this process while it does the work, above what it held before."""
    Path("/proc/self/clear_refs").write_text("5")  # what came before, importing torch say, was higher
    before = _mebibytes("VmRSS")
    work()
    return _mebibytes("VmHWM") - before


def _mebibytes(field: str) -> float:
    """VmRSS (now) or VmHWM (at most, since the last reset)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024
