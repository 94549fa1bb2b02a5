"""A bound on what is in flight at once."""

import threading


class Room:
    """Holds at most `places` pictures that together need at most `size` bytes. A picture that needs more than
    that has the room to itself: it waits until nobody is inside, and is not refused.
    """

    def __init__(self, places: int, size: int) -> None:
        self._places, self._size = places, size
        self._taken: list[int] = []
        self._open = True
        self._changed = threading.Condition()

    def enter(self, size: int) -> bool:
        """Wait until `size` bytes fit. False: the room was closed, now or before."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open or self._fits(size))
            if self._open:
                self._taken.append(size)
            return self._open

    def leave(self, size: int) -> None:
        """What `enter` took is free again."""
        with self._changed:
            self._taken.remove(size)
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody enters any more; who waits is sent away."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def _fits(self, size: int) -> bool:
        if not self._taken:
            return True
        return len(self._taken) < self._places and sum(self._taken) + size <= self._size
