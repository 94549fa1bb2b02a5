"""Which jobs of a batch still have to be done, and the memory of those that were."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import OutputError
from .jobs import Job
from .manifest import Fingerprint, Manifest, Recipe

Existing = Literal["refuse", "skip", "overwrite"]


@dataclass(frozen=True)
class Decision:
    """make: whether the job is to be done. reason: why it is not, or why it is done although a result is
    there; else empty. doubtful: what is there may be another result than the one wanted.
    """

    make: bool
    reason: str = ""
    doubtful: bool = False


class Ledger:
    """existing: what to do where a result is already there. recipe: how results are made this time; None
    keeps no memory and takes every result that is there for the one that is wanted.

    Safe for several threads.
    """

    def __init__(self, existing: Existing, recipe: Recipe | None = None) -> None:
        self.existing = existing
        self.recipe = recipe
        self._manifests: dict[Path, Manifest] = {}

    def decide(self, job: Job) -> Decision:
        """Raises OutputError for a result that is there while nothing was said about such."""
        if not _exists(job.output):
            return Decision(True)
        if self.existing == "overwrite":
            return Decision(True, f"{job.output} is replaced.")
        if self.existing == "refuse":
            raise OutputError(f"{job.output} is already there; use --overwrite or --skip-existing.")
        return self._decide_about_existing(job)

    def _decide_about_existing(self, job: Job) -> Decision:
        """Made again is only what leapsr made, and made otherwise; the rest may be somebody's work."""
        manifest = self._manifest(job)
        if manifest is None or self.recipe is None:
            return Decision(False, f"{job.output} is already there.")
        record = manifest.find(job.output)
        if record is None:
            return Decision(
                False, f"{job.output} is there, nobody knows how it was made; --overwrite replaces it.", True
            )
        stale = _difference(record.recipe, self.recipe)
        if not record.original.matches(job.source):
            stale = f"{job.source} has changed"
        if not stale:
            return Decision(False, f"{job.output} is already there.")
        if not record.result.matches(job.output):
            return Decision(
                False, f"{job.output} was changed by someone and is kept; --overwrite replaces it.", True
            )
        return Decision(True, f"{job.output} is made again: {stale}.")

    def fingerprint(self, job: Job) -> Fingerprint | None:
        """Of the source, to be given to `remember`; None where nothing is remembered. Raises OSError."""
        return Fingerprint.of(job.source) if self._manifest(job) and self.recipe is not None else None

    def remember(self, job: Job, original: Fingerprint | None) -> None:
        manifest = self._manifest(job)
        if manifest is not None and original is not None and self.recipe is not None:
            manifest.add(job.source, original, job.output, self.recipe)

    def _manifest(self, job: Job) -> Manifest | None:
        if job.home is None:
            return None
        if job.home not in self._manifests:
            self._manifests[job.home] = Manifest(job.home)
        return self._manifests[job.home]


def _difference(before: Recipe, now: Recipe) -> str:
    """The first setting that differs, in words; empty where none does."""
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            return f"{name.replace('_', ' ')} was {_told(before.get(name))} and is {_told(now.get(name))}"
    return ""


def _told(value: object) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:12]}..."


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}; choose another -o."
        ) from error
