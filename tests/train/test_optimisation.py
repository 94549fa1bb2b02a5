from types import SimpleNamespace

import pytest
import torch
from torch import nn

from leapsr.frozen.space import Space
from leapsr.train import loop
from leapsr.train.batches import batch_maker
from leapsr.train.config import OptimizerConfig
from leapsr.train.ema import EMA
from leapsr.train.loop import schedule, update
from leapsr.train.optimizers import ScheduledOptimizer
from leapsr.train.recipes.small import teacher_tiny


def test_warm_up_is_linear_and_then_the_rate_stays():
    config = OptimizerConfig(warmup=10)
    shares = [schedule(config, step, 100) for step in range(100)]
    assert shares[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert set(shares[10:]) == {1}


def test_a_falling_rate_ends_at_nothing():
    config = OptimizerConfig(warmup=0, decay="linear")
    shares = [schedule(config, step, 100) for step in range(101)]
    assert shares[0] == 1
    assert shares[50] == pytest.approx(0.5)
    assert shares[100] == 0


def test_a_rate_that_falls_with_the_clock():
    config = OptimizerConfig(warmup=0, decay="linear")
    assert schedule(config, 10, 100, used=0.5) == pytest.approx(0.5)
    assert schedule(config, 80, 100, used=0.5) == pytest.approx(0.2)  # the steps are nearer their end
    assert schedule(config, 10, 100, used=1.7) == 0
    assert schedule(OptimizerConfig(warmup=0), 10, 100, used=0.5) == 1


def test_the_average_forgets_its_start_and_then_decays_as_asked():
    """Against the recursion written out in scalars."""
    network = nn.Linear(1, 1, bias=False)
    average, expected = EMA(network, decay=0.9), network.weight.item()
    for n in range(200):
        value = float(n % 7)
        nn.init.constant_(network.weight, value)
        average.update(network)
        rate = min(0.9, (1 + n) / (10 + n))
        expected = rate * expected + (1 - rate) * value
    assert average.network.weight.item() == pytest.approx(expected, rel=1e-5)
    assert not average.network.weight.requires_grad


def test_an_average_goes_on_from_its_state():
    network = nn.Linear(2, 2)
    first = EMA(network, 0.5)
    first.update(network)
    second = EMA(nn.Linear(2, 2), 0.5)
    second.load_state_dict(first.state_dict())
    assert second.updates == 1
    assert torch.equal(second.network.weight, first.network.weight)


def test_the_randomness_of_a_part_of_a_batch_depends_on_seed_and_number():
    generator = batch_maker(teacher_tiny(), torch.device("cpu"), Space(4)).generator
    draws = {tuple(torch.rand(2, generator=generator(*key)).tolist()) for key in ((0, 0), (1, 0), (0, 1))}
    assert len(draws) == 3
    assert torch.equal(torch.rand(3, generator=generator(4, 5)), torch.rand(3, generator=generator(4, 5)))


class Duel:
    """Two networks whose losses depend on both: the student's must not move the critic."""

    def __init__(self, student: nn.Module, critic: nn.Module) -> None:
        self.student, self.critic = student, critic

    def __call__(self, batch: object):
        seen = self.student(torch.ones(1, 1))
        yield "student", {"adversarial": -self.critic(seen).mean()}
        assert self.critic.weight.grad is None
        yield "critic", {"hinge": self.critic(seen.detach()).mean()}


def test_an_update_moves_its_own_network_only():
    torch.manual_seed(0)
    networks = {name: nn.Linear(1, 1, bias=False) for name in ("student", "critic")}
    before = {name: network.weight.item() for name, network in networks.items()}
    accelerator = SimpleNamespace(
        backward=lambda loss, inputs=None: torch.autograd.backward(loss, inputs=inputs),
        clip_grad_norm_=nn.utils.clip_grad_norm_,
    )
    optimizers = {
        name: [ScheduledOptimizer(torch.optim.SGD(network.parameters(), 1.0), 1.0)]
        for name, network in networks.items()
    }
    run = SimpleNamespace(
        method=Duel(**networks),
        networks=networks,
        optimizers=optimizers,
        accelerator=accelerator,
        config=SimpleNamespace(optimizer=OptimizerConfig(clip=1e9)),
        parts=1,
    )
    update(run, None, 0.5)
    moved = before["student"] + 0.5 * before["critic"]
    assert networks["student"].weight.item() == pytest.approx(moved)
    assert networks["critic"].weight.item() == pytest.approx(before["critic"] - 0.5 * before["student"])


@pytest.mark.parametrize(
    ("cores", "processes", "threads"), [(16, None, 16), (16, 4, 4), (16, 16, 2), (1, None, 2)]
)
def test_the_processes_of_a_machine_share_its_cores_for_reading(cores, processes, threads, monkeypatch):
    """Sixteen processes with sixteen threads each would only hold each other up."""
    monkeypatch.setattr(loop, "cores", lambda: cores)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if processes is not None:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
    assert loop.reading_threads() == threads
