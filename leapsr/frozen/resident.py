"""Networks that are read when they are first used, and moved or released afterwards."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

After = Literal["stay", "cpu", "release"]
"""What happens to a network after each use. stay: it stays on the device. cpu: its weights move to the host's
memory. release: they are freed, and read from the disk again the next time."""


class Resident:
    """A network that is used rarely, such as a text encoder or a captioner.

    read: makes the network on the CPU. after: must be "stay" if gradients are taken, which need the weights
    again.
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
        """The network on `device` inside the block. Raises what `read` raises."""
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
        """Free the memory, also in the GPU's allocator."""
        with self._one_use_at_a_time:
            self._network = None
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()
