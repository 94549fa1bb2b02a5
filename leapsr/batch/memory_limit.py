"""A bound on the pictures that are in memory at once."""

import threading


class MemoryLimit:
    """Allows at most `count` pictures that together need at most `size` bytes. A picture that needs more than
    that is not refused: it waits until it is the only one.
    """

    def __init__(self, count: int, size: int) -> None:
        self._count, self._size = count, size
        self._taken: list[int] = []
        self._is_open = True
        self._changed = threading.Condition()

    def acquire(self, size: int) -> bool:
        """Wait until `size` bytes fit. False: the limit was closed, now or before."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_open or self._fits(size))
            if self._is_open:
                self._taken.append(size)
            return self._is_open

    def release(self, size: int) -> None:
        """Give back what `acquire` took."""
        with self._changed:
            self._taken.remove(size)
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing is given any more; whoever waits goes on without."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()

    def _fits(self, size: int) -> bool:
        if not self._taken:
            return True
        return len(self._taken) < self._count and sum(self._taken) + size <= self._size
