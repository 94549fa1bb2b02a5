"""A network that is read when it is first needed, and what becomes of it after each use."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

After = Literal["stay", "cpu", "release"]
"""stay: on the device, ready for the next use. cpu: its weights wait in the host's memory. release: they are
given up, and read again from the disk the next time."""


class Resident:
    """Text encoders and captioners are larger than the networks that they serve, and rarely used.

    read: makes the network on the CPU. after: what becomes of it after each use; must be "stay" where a
    gradient will be asked for, which needs the weights once more.
    """

    def __init__(self, read: Callable[[], Any], after: After = "stay") -> None:
        self.read = read
        self.after = after
        self._network: Any = None
        self._one_use_at_a_time = threading.RLock()

    @property
    def is_loaded(self) -> bool:
        return self._network is not None

    @contextmanager
    def on(self, device: torch.device | str) -> Iterator[Any]:
        """The network on `device` for as long as the block lasts. Raises what reading it raises."""
        with self._one_use_at_a_time:
            try:
                if self._network is None:
                    self._network = self.read()
                yield self._network.to(device)
            finally:
                if self.after == "release":
                    self.release()
                elif self.after == "cpu" and self._network is not None:
                    self._network.to("cpu")

    def release(self) -> None:
        """Give the memory back, also that which the GPU's allocator would keep for later."""
        with self._one_use_at_a_time:
            self._network = None
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()
