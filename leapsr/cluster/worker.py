"""What runs in each process of the cluster: rows of photos in, rows of results out.

A process that dies (memory, a fault of a GPU, a photo that no library survives) is started again by Ray, and
its rows come back. They are then done one by one, so that the photo it died of is found; after some more
deaths that photo has failed, and the others are done.
"""

import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import torch

from ..batch import pipeline
from ..batch.existing import ExistingPolicy
from ..batch.jobs import Job, is_readable, is_unreadable
from ..batch.naming import default_suffix
from ..batch.options import Options
from ..batch.stages import Outcome
from ..errors import LeapsrError, OutputError, UsageError, WeightsError, first_line
from ..hub import catalog
from ..pictures import raw_kinds, unsupported
from ..upscaling.upscaler import Upscaler
from .ledger import FOLDER, Result, Status, described
from .listing import Photo
from .plan import Task
from .store import StorageOptions, Store, StoredFile, fetch

UPLOADS = 2
"""At once, while the next photos are restored."""
_OF_NO_PHOTO = (UsageError, WeightsError)
"""They would be raised for every one, and end the job."""


@dataclass(frozen=True)
class WorkerConfig:
    """What each worker has to know. model: a name, or a folder that all machines see. threads: on the CPU.
    retries: how often a photo may take its process down, once it is alone. suffix: of results in archives;
    None keeps the source's. device: cpu, or cuda, where Ray shows each worker its own. processes: how many
    workers share the memory of a machine, at most. on_device: and how many that of the device."""

    model: str
    dtype: str
    options: Options
    destination: str
    storage: StorageOptions
    threads: int
    retries: int
    suffix: str | None
    offload: bool = False
    device: str = "cpu"
    processes: int = 1
    on_device: int = 1


class Tracker:
    """What has been begun and ended, in a process that outlives the workers."""

    def __init__(self) -> None:
        self._begun: set[str] = set()
        self._alone: dict[str, int] = {}
        self._ended: dict[str, list[Result]] = {}

    def begin(self, outputs: Sequence[str]) -> list[tuple[list[Result] | None, int | None]]:
        """Of each: its results, if it is done; and how often it was tried alone, None if never begun."""
        found = [
            (self._ended.get(each), self._alone.get(each, 0) if each in self._begun else None)
            for each in outputs
        ]
        self._begun.update(outputs)
        return found

    def try_alone(self, output: str) -> None:
        self._alone[output] = self._alone.get(output, 0) + 1

    def end(self, output: str, results: list[Result]) -> None:
        self._ended[output] = results

    def forget(self, outputs: Sequence[str]) -> None:
        """Their results have arrived."""
        for output in outputs:
            self._begun.discard(output)
            self._ended.pop(output, None)
            self._alone.pop(output, None)


class Worker:
    """tracker: the handle of the one Tracker."""

    def __init__(self, config: WorkerConfig, tracker: Any) -> None:
        self.config, self.tracker = config, tracker
        torch.set_num_threads(config.threads)
        folder = catalog.find(config.model)
        self.upscaler = Upscaler.from_pretrained(folder, config.device, config.dtype, offload=config.offload)
        self.upscaler.processes = config.on_device
        self.destination = Store.open(config.destination, config.storage)
        if self.destination.is_local and not Path(self.destination.root, FOLDER).is_dir():
            raise UsageError(
                f"{config.destination} is a folder that not every machine of the cluster sees: "
                "give a shared one."
            )

    def __call__(self, batch: Mapping[str, Sequence[str]]) -> dict[str, list[Any]]:
        columns = (batch[name] for name in ("url", "name", "version", "output", "is_doubtful"))
        tasks = [
            Task(Photo(url, name, version), output, bool(is_doubtful))
            for url, name, version, output, is_doubtful in zip(*columns, strict=True)
        ]
        rows = [
            asdict(result) | {"task": task.output} for task, results in self.work(tasks) for result in results
        ]
        return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}

    def work(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, list[Result]]]:
        """Raises UsageError for a setting that the model does not have, WeightsError for a folder that a
        setting names."""
        import ray

        before = ray.get(self.tracker.begin.remote([task.output for task in tasks]))
        new = [task for task, (_, tries) in zip(tasks, before, strict=True) if tries is None]
        known = list(zip(tasks, before, strict=True))
        yield from ((task, ended) for task, (ended, _) in known if ended is not None)
        alone = [(task, tries) for task, (ended, tries) in known if ended is None and tries is not None]
        left = {task.output: task for task in new}
        try:
            for task, results in self._together(new):
                del left[task.output]
                yield task, self._ended(task, results)
        except _OF_NO_PHOTO:
            raise
        except Exception as error:
            _end_if_broken(error)
            alone += [(task, 0) for task in left.values()]  # one of them, or none: a fault of no photo
        else:
            for task in left.values():
                reason = f"{task.photo.url}: not begun, because the disk was full."
                yield task, self._ended(task, [_failed(task, reason)])
        for task, tries in alone:
            if tries > self.config.retries:
                reason = f"{task.photo.url}: {tries} processes died of it."
                yield task, self._ended(task, [_failed(task, reason)])
                continue
            ray.get(self.tracker.try_alone.remote(task.output))
            try:
                results = [each for _, found in self._together([task]) for each in found]
            except _OF_NO_PHOTO:
                raise
            except Exception as error:
                _end_if_broken(error)
                results = [_failed(task, f"{task.photo.url}: {first_line(error)}")]
            yield task, self._ended(task, results)

    def _ended(self, task: Task, results: list[Result]) -> list[Result]:
        self.tracker.end.remote(task.output, results)
        return results

    def _together(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, list[Result]]]:
        """Photos overlap: one is restored while the next is fetched and read, and the last is written."""
        archives = [task for task in tasks if task.photo.is_archive]
        single = [task for task in tasks if not task.photo.is_archive]
        with tempfile.TemporaryDirectory(prefix="leapsr-") as folder:
            yield from self._photos(single, Path(folder))
            for index, task in enumerate(archives):
                place = Path(folder, f"archive-{index}")
                place.mkdir()
                yield task, self._archive(task, place)

    def _photos(self, tasks: Sequence[Task], folder: Path) -> Iterator[tuple[Task, list[Result]]]:
        lost: list[tuple[Task, Result]] = []
        of_job: dict[Path, Task] = {}

        def jobs() -> Iterator[Job]:  # taken in the thread that reads
            for index, task in enumerate(tasks):
                try:
                    source = self._here(task, folder / f"{index}")
                except Exception as error:  # of any store's library
                    lost.append(
                        (task, _failed(task, f"{task.photo.url} could not be read: {first_line(error)}."))
                    )
                    continue
                if self._writes_directly(task):
                    output = Path(self.destination.root, task.output)
                else:
                    output = folder / f"{index}" / "results" / Path(task.output).name
                of_job[output] = task
                yield Job(source, output)

        with ThreadPoolExecutor(UPLOADS, "leapsr-upload") as uploads:
            pending: list[tuple[Task, Future[Result]]] = []
            for outcome in self._run(jobs()):
                task = of_job[outcome.job.output]
                pending.append((task, uploads.submit(self._uploaded, task, outcome)))
                while pending and pending[0][1].done():
                    first, result = pending.pop(0)
                    yield first, [result.result()]
            yield from ((task, [result.result()]) for task, result in pending)
        yield from ((task, [result]) for task, result in lost)

    def _run(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        existing = ExistingPolicy("overwrite")
        return pipeline.run(
            jobs, self.upscaler, self.config.options, existing, processes=self.config.processes
        )

    def _here(self, task: Task, folder: Path) -> Path:
        """The photo as a file on this machine."""
        if "://" not in task.photo.url:
            return Path(task.photo.url)
        folder.mkdir()
        path = folder / Path(task.photo.name).name
        fetch(task.photo.url, path, self.config.storage)
        return path

    def _writes_directly(self, task: Task) -> bool:
        """Not with files beside the result, which would stay where the result itself then fails."""
        return self.destination.is_local and not task.is_doubtful and not self.config.options.has_sidecars

    def _uploaded(self, task: Task, outcome: Outcome) -> Result:
        message = outcome.message.replace(str(outcome.job.source), task.photo.url)
        result = _result(task, outcome, message)
        files = [outcome.job.output, *outcome.sidecars.paths]
        if result.status != "failed":
            result = self._put(task, result, files)
        if not self._writes_directly(task):
            for file in files:
                file.unlink(missing_ok=True)
        return result

    def _put(self, task: Task, result: Result, files: Sequence[Path]) -> Result:
        """The result, with what lies in the destination then: the files, copied there if they are not. Where
        one cannot be, those before it are in the books, so that the next run makes all again."""
        names = {str(PurePosixPath(task.output).with_name(file.name)): file for file in files}
        there = {name for name, file in names.items() if file == Path(self.destination.root, name)}
        written: list[StoredFile] = []
        try:
            for name, file in names.items() if task.is_doubtful else ():
                if self.destination.find(name) is None:
                    continue
                if not self.destination.holds(name, file):
                    place = self.destination.url(name)
                    return _failed(
                        task, f"{place} is there, and not what is made now; --overwrite replaces it."
                    )
                there.add(name)
            for name, file in names.items():
                if name not in there:
                    self.destination.put(file, name)
                if (found := self.destination.find(name)) is not None:
                    written.append(found)
        except OutputError as error:
            result = _failed(task, str(error))
        except Exception as error:  # of any store's library
            result = _failed(task, f"{self.destination.url(task.output)}: {first_line(error)}.")
        return replace(result, files=described(written) if written else "")

    def _archive(self, task: Task, folder: Path) -> list[Result]:
        """An archive with the same samples, whose photos are larger. A photo that fails is left out."""
        try:
            source = self._here(task, folder / "source")
            members = _unpack(source, folder / "members")
            jobs: dict[Path, str] = {}
            for index, (name, path) in enumerate(members):
                stem, suffix = path.stem, path.suffix
                if is_readable(path):
                    to = (
                        folder
                        / "results"
                        / f"{index}"
                        / f"{stem}{self.config.suffix or default_suffix(suffix)}"
                    )
                    jobs[to] = name
            sources = dict(members)
            outcomes = list(self._run(Job(sources[name], to) for to, name in jobs.items()))
            if len(outcomes) < len(jobs):  # the disk is full
                raise OutputError(outcomes[-1].message if outcomes else "nothing could be written")
            whole = folder / Path(task.output).name
            failed = _pack(whole, members, {jobs[each.job.output]: each for each in outcomes})
        except _OF_NO_PHOTO:
            raise
        except (LeapsrError, OSError, tarfile.TarError) as error:
            return [_failed(task, f"{task.photo.url}: {first_line(error)}")]
        pixels = sum(_pixels(each) for each in outcomes if each.status != "failed")
        seconds = sum(each.seconds.total for each in outcomes)
        told = [f"{len(failed)} of {len(jobs)} photos failed."] if failed else []
        told += unsupported.advice([path for name, path in members if is_unreadable(path)], raw_kinds.HINT)
        status: Status = "failed" if failed else "done"  # so that the next run tries again
        rows = [
            Result(f"{task.output}/{name}", f"{task.photo.url}/{name}", task.photo.version, "failed", reason)
            for name, reason in failed.items()
        ]
        photo = task.photo
        result = Result(task.output, photo.url, photo.version, status, " ".join(told), pixels, seconds)
        return [self._put(task, result, [whole]), *rows]


def _unpack(archive: Path, folder: Path) -> list[tuple[str, Path]]:
    """Each member by name. Raises TarError; nothing leaves the folder."""
    members = []
    with tarfile.open(archive) as tar:
        for index, member in enumerate(tar):
            content = tar.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            path = folder / f"{index}" / Path(member.name).name
            path.parent.mkdir(parents=True)
            path.write_bytes(content.read())
            members.append((member.name, path))
    return members


def _pack(
    archive: Path, members: Sequence[tuple[str, Path]], outcomes: Mapping[str, Outcome]
) -> dict[str, str]:
    """Write the archive; returns the reasons of photos that failed, by name. Times are 0, so that the same
    photos give the same bytes."""
    failed, taken = {}, set[str]()
    with tarfile.open(archive, "w") as tar:
        for name, path in members:
            outcome = outcomes.get(name)
            if outcome is not None and outcome.status == "failed":
                failed[name] = outcome.message.replace(str(path), name)
                continue
            file = path if outcome is None else outcome.job.output
            target = str(PurePosixPath(name).with_name(file.name))
            if target in taken:
                failed[name] = f"{name}: another one of the archive becomes {target} too; rename one."
                continue
            taken.add(target)
            info = tarfile.TarInfo(target)
            info.size = file.stat().st_size
            with file.open("rb") as content:
                tar.addfile(info, content)
    return failed


def _result(task: Task, outcome: Outcome, message: str) -> Result:
    status = "done" if outcome.status == "skipped" else outcome.status
    seconds = outcome.seconds.total
    photo = task.photo
    return Result(task.output, photo.url, photo.version, status, message, _pixels(outcome), seconds)


def _failed(task: Task, message: str) -> Result:
    return Result(task.output, task.photo.url, task.photo.version, "failed", message)


def _pixels(outcome: Outcome) -> int:
    return outcome.result[0] * outcome.result[1] if outcome.result else 0


def _end_if_broken(error: Exception) -> None:
    """A GPU that has had a fault answers nothing more to this process: end it, and Ray starts another one."""
    if isinstance(error, RuntimeError) and "CUDA error" in str(error):
        os._exit(1)
