"""Work on training pictures, shared out to a process for each core, or for each device."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from typing import TypeVar

import torch

from ..errors import DataError

Job = TypeVar("Job")
Result = TypeVar("Result")


def cores() -> int:
    """Cores that this process may use; where the system cannot tell, all there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    start: Callable[..., None],
    shared: tuple[object, ...],
    stop: Callable[[], bool] = lambda: False,
    devices: Sequence[str] = (),
) -> Iterator[tuple[Job, Result]]:
    """Yield each job and its result when it is done, in any order. After an error or interrupt no more begin.

    Args:
        work: does a job, in one of the processes.
        start: called first in each process, with `shared`, and with its device if there are devices.
        stop: asked after every job.
        devices: one for each process, and this process does it all where there is one. (): a process for each
            core, or this one where there is one core.

    Raises:
        KeyboardInterrupt: `stop` said so.
        DataError: a process was killed.
        Anything that `work` raises.
    """
    processes = len(devices) or cores()
    if processes == 1:
        start(*shared, *devices)
        for job in jobs:
            yield job, work(job)
            if stop():
                raise KeyboardInterrupt
        return
    context = multiprocessing.get_context("spawn")
    places = context.SimpleQueue()
    for device in devices:
        places.put(device)
    executor = ProcessPoolExecutor(processes, context, _begin, (start, shared, places if devices else None))
    try:
        futures = {executor.submit(work, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()
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


def _begin(start: Callable[..., None], shared: tuple[object, ...], places: "SimpleQueue[str] | None") -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a terminal's Ctrl-C reaches all processes: end at once
    start(*shared, *([] if places is None else [places.get()]))
