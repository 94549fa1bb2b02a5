"""Which jobs of a batch still have to be done, and the memory of those that were."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import OutputError
from .jobs import Job
from .manifest import Fingerprint, Manifest, Recipe, Record

Existing = Literal["refuse", "skip", "overwrite"]


@dataclass(frozen=True)
class Decision:
    """make: whether the job is to be done. reason: why it is not, or why it is done although a result is
    there; else empty. doubtful: what is there may be another result than the one wanted. kept: files beside
    the result that nobody knows of, and that stay as they are.
    """

    make: bool
    reason: str = ""
    doubtful: bool = False
    kept: frozenset[Path] = frozenset()


class Ledger:
    """existing: what to do where a result is already there. recipe: how results are made this time; None
    keeps no memory and takes every result that is there for the one that is wanted.

    Safe for several threads.
    """

    def __init__(self, existing: Existing, recipe: Recipe | None = None) -> None:
        self.existing = existing
        self.recipe = recipe
        self._manifests: dict[Path, Manifest] = {}

    def decide(self, job: Job, beside: Sequence[Path] = ()) -> Decision:
        """beside: the files that would be written with the result.

        Raises OutputError for a result, or one of those, that is there while nothing was said about such.
        """
        present = [path for path in (job.output, *beside) if _exists(path)]
        if not present:
            return Decision(True)
        if self.existing == "overwrite":
            return Decision(True, f"{present[0]} is replaced.")
        if self.existing == "refuse":
            raise OutputError(f"{present[0]} is already there; use --overwrite or --skip-existing.")
        manifest = self._manifest(job)
        record = None if manifest is None else manifest.find(job.output)
        if job.output not in present:
            return _without_result(job, present, record)
        if manifest is None or self.recipe is None:
            return Decision(False, f"{job.output} is already there.")
        return self._again(job, present, record, manifest.name_of(job.source))

    def _again(self, job: Job, present: Sequence[Path], record: Record | None, source: str) -> Decision:
        """Made again is only what leapsr made of this source otherwise; the rest may be someone's work."""
        if record is None:
            return _kept(f"{job.output} is there, nobody knows how it was made")
        stale = _difference(record.recipe, self.recipe or {})
        if not record.original.matches(job.source):
            if record.source != source:
                return _kept(f"{job.output} was made of {record.source}, not of {job.source}")
            stale = f"{job.source} has changed"
        if not record.untouched(job.output):
            return _kept(f"{job.output}, or a file beside it, was changed by someone and is kept")
        if not stale:
            return Decision(False, f"{job.output} is already there.")
        reason = f"{job.output} is made again: {stale}."
        return Decision(True, reason, kept=_unknown(present[1:], record))

    def fingerprint(self, job: Job) -> Fingerprint | None:
        """Of the source, to be given to `remember`; None where nothing is remembered. Raises OSError."""
        return Fingerprint.of(job.source) if self._manifest(job) and self.recipe is not None else None

    def remember(self, job: Job, original: Fingerprint | None, beside: Sequence[Path] = ()) -> None:
        """beside: the files that were written with the result."""
        manifest = self._manifest(job)
        if manifest is not None and original is not None and self.recipe is not None:
            manifest.add(job.source, original, job.output, self.recipe, beside)

    def _manifest(self, job: Job) -> Manifest | None:
        if job.home is None:
            return None
        if job.home not in self._manifests:
            self._manifests[job.home] = Manifest(job.home)
        return self._manifests[job.home]


def _kept(reason: str) -> Decision:
    return Decision(False, f"{reason}; --overwrite replaces it.", True)


def _without_result(job: Job, present: Sequence[Path], record: Record | None) -> Decision:
    """Files are left beside a result that is not there: somebody's choice, or what a killed run had done."""
    if record is not None and {path.name for path in present} & record.beside.keys():
        return _kept(f"{job.output} was taken away and {present[0].name} was left")
    return Decision(True, kept=frozenset(present))


def _unknown(beside: Sequence[Path], record: Record) -> frozenset[Path]:
    return frozenset(path for path in beside if path.name not in record.beside)


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
