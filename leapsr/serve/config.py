"""What the owner of a server decides: where it keeps its files, and what it takes from whom."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_type_hints

from ..errors import UnknownName, UsageError

MEGABYTE, GIGABYTE, HOUR = 1 << 20, 1 << 30, 3600.0
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Limits:
    """What is taken and how long it is kept. Sizes in bytes, times in seconds. Raises UsageError for a number
    that is not above 0."""

    upload_bytes: int = 200 * MEGABYTE
    source_pixels: int = 100_000_000
    result_pixels: int = 900_000_000
    result_side: int = 30_000
    steps: int = 64
    samples: int = 8
    waiting: int = 1000
    """Requests that wait or are worked on, of all clients."""
    waiting_of_client: int = 250
    request_seconds: float = HOUR
    """Of work on one request."""
    upload_seconds: float = 300.0
    idle_seconds: float = 20.0
    """Without a byte of a head or body that a client has begun."""
    held_seconds: float = 120.0
    """That a request with Prefer: wait may be held at most."""
    keep_seconds: float = 24 * HOUR
    keep_bytes: int = 20 * GIGABYTE
    """Of sources, results and tiles of what has ended; the oldest go first."""
    free_bytes: int = 512 * MEGABYTE
    """That stay free on the disk."""
    attempts: int = 5
    """Of a request whose worker process dies."""
    connections: int = 1000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise UsageError(f"{name} must be more than 0, not {value}.")


@dataclass(frozen=True)
class Config:
    """folder: of the database and the files. devices: one worker process each. threads: of each on the CPU;
    None shares the cores. hosts: names that requests may be addressed to. webhook_hosts: that may be told
    when a request has ended, signed with webhook_secret. grace: seconds for work to end when the server
    is stopped.
    """

    folder: Path
    devices: tuple[str, ...] = ("cpu",)
    dtype: str = "auto"
    threads: int | None = None
    model_dir: Path | None = None
    hosts: tuple[str, ...] = LOOPBACK
    webhook_hosts: tuple[str, ...] = ()
    webhook_secret: bytes = field(default=b"", repr=False)
    grace: float = 30.0
    limits: Limits = field(default_factory=Limits)


def limits_of(given: Iterable[str]) -> Limits:
    """From name=value each. Raises UnknownName, UsageError."""
    kinds: dict[str, type[int | float]] = get_type_hints(Limits)
    values: dict[str, float] = {}
    for text in given:
        name, _, value = text.partition("=")
        if name not in kinds:
            raise UnknownName("limit", name, kinds)
        try:
            values[name] = kinds[name](float(value))
        except (ValueError, OverflowError):
            raise UsageError(f"{name} is a number, as in {name}=10, not '{value}'.") from None
    return Limits(**values)  # type: ignore[arg-type]
