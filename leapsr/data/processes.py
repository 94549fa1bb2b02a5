"""Work on a pool, shared out to a process for each core."""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import torch

from ..errors import DataError
from .photos import cores

Job = TypeVar("Job")


def spread(
    work: Callable[[Job], None],
    jobs: Iterable[Job],
    start: Callable[..., None],
    shared: tuple[object, ...],
    stop: Callable[[], bool] = lambda: False,
    alone: bool = False,
) -> Iterator[Job]:
    """Yield each job when it is done, in any order. After an error or interrupt no more are begun.

    Args:
        work: does a job, in one of the processes.
        start: called first in each process, with `shared`.
        stop: asked after every job.
        alone: this process does it all, because it has the device; it does where there is one core, too.

    Raises:
        KeyboardInterrupt: `stop` said so.
        DataError: a process was killed.
        Anything that `work` raises.
    """
    if alone or cores() == 1:
        start(*shared)
        for job in jobs:
            work(job)
            yield job
            if stop():
                raise KeyboardInterrupt
        return
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(cores(), context, _begin, (start, shared))
    try:
        futures = {executor.submit(work, job): job for job in jobs}
        for future in as_completed(futures):
            future.result()
            yield futures[future]
            if stop():
                raise KeyboardInterrupt
    except BrokenProcessPool as error:
        if stop():
            raise KeyboardInterrupt from None
        raise DataError(
            "A process that prepares training pictures was killed, perhaps for lack of memory; leave the "
            "largest photos out, or close other programs, and run again."
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _begin(start: Callable[..., None], shared: tuple[object, ...]) -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a terminal's Ctrl-C reaches all processes: end at once
    start(*shared)
