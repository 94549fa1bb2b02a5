import gc
import weakref

import pytest
import torch

from leapsr.frozen.resident import Resident


class Counted:
    """Reads a small network, counts how often, and remembers the last one weakly."""

    def __init__(self):
        self.times = 0
        self.last = None

    def __call__(self):
        self.times += 1
        network = torch.nn.Linear(2, 2)
        self.last = weakref.ref(network)
        return network

    def is_alive(self):
        gc.collect()
        return self.last() is not None


def use(resident, device="cpu"):
    with resident.on(device) as network:
        return {weight.device.type for weight in network.parameters()}


def test_nothing_is_read_before_it_is_used_and_then_once():
    read = Counted()
    resident = Resident(read)
    assert not resident.is_loaded
    assert read.times == 0
    use(resident), use(resident)
    assert read.times == 1
    assert resident.is_loaded


def test_released_weights_are_gone():
    read = Counted()
    resident = Resident(read, "release")
    with resident.on("cpu"):
        assert read.is_alive()
    assert not read.is_alive()
    use(resident)
    assert read.times == 2


def test_they_are_gone_also_after_a_failure():
    read = Counted()
    with pytest.raises(ZeroDivisionError), Resident(read, "release").on("cpu"):
        _ = 1 / 0
    assert not read.is_alive()


def test_those_that_stay_can_be_released():
    read = Counted()
    resident = Resident(read)
    use(resident)
    assert read.is_alive()
    resident.release()
    assert not read.is_alive()


def test_weights_are_where_they_are_used():
    """meta is the one other device that every computer has; nothing comes back from it."""
    assert use(Resident(Counted(), "release"), "meta") == {"meta"}


class Mover(torch.nn.Linear):
    """Remembers where it was sent."""

    def to(self, device):
        self.went = [*getattr(self, "went", []), device]
        return super().to(device)


def test_between_uses_the_weights_are_sent_back():
    resident = Resident(lambda: Mover(2, 2), "cpu")
    with resident.on("cpu:0") as network:
        assert network.went == ["cpu:0"]
    assert network.went == ["cpu:0", "cpu"]


def test_between_uses_the_weights_wait_in_the_hosts_memory(other_device):
    resident = Resident(Counted(), "cpu")
    with resident.on(other_device) as network:
        assert network.weight.device.type == other_device
    assert network.weight.device.type == "cpu"
    assert resident.is_loaded


@pytest.fixture
def other_device():
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU for weights to be moved to and back")
    return "cuda"
