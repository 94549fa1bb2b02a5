"""Batches read ahead by threads, in order. The time spent waiting for them is counted."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


class Prefetch(Generic[T]):
    """make(step) for each step of a range, with two steps for each worker in progress at a time.

    Decoding and copying release the interpreter's lock, so that threads are enough and nothing is pickled.
    """

    def __init__(self, make: Callable[[int], T], steps: range, workers: int) -> None:
        self.make, self.steps, self.workers = make, steps, workers
        self.waited = 0.0
        """Seconds that the caller has waited for a batch."""

    def __iter__(self) -> Iterator[T]:
        with ThreadPoolExecutor(self.workers, "prefetch") as executor:
            upcoming = iter(self.steps)
            queue = deque(executor.submit(self.make, step) for step in islice(upcoming, 2 * self.workers))
            try:
                while queue:
                    began = time.perf_counter()
                    batch = queue.popleft().result()
                    self.waited += time.perf_counter() - began
                    queue.extend(executor.submit(self.make, step) for step in islice(upcoming, 1))
                    yield batch
            finally:
                executor.shutdown(wait=True, cancel_futures=True)
