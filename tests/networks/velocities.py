"""What every network that is a velocity can be asked, whatever is inside it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from leapsr.methods.base import Batch, Networks
from leapsr.methods.flowsr import Flowsr, FlowsrConfig
from leapsr.methods.oftsr import Oftsr
from leapsr.methods.teacher import Teacher
from leapsr.networks import Condition, Prompt
from leapsr.ops.derivative import directional_derivative
from tests.conftest import GOLDEN

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Question:
    """The arguments of a velocity."""

    x: Tensor
    t: Tensor
    r: Tensor
    cond: Condition

    def ask(self, network: nn.Module) -> Tensor:
        return network(self.x, self.t, self.r, self.cond)

    def double(self) -> "Question":
        prompt = self.cond.prompt
        cond = Condition(self.cond.lr.double(), prompt=prompt and Prompt(prompt.tokens.double()))
        return Question(self.x.double(), self.t.double(), self.r.double(), cond)


def golden(name: str) -> dict[str, Tensor]:
    """The tensors of a golden file, all of float32."""
    tensors = load_file(GOLDEN / f"{name}.safetensors")
    return {key: value.clone().float() for key, value in tensors.items()}


def published(vectors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a golden file, under the published names."""
    return {key[2:]: value for key, value in vectors.items() if key.startswith("w.")}


def randomised(network: Network, seed: int = 0) -> Network:
    """Nothing left at zero, so that every path through the network counts; without dropout."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            spread = 0.7 / max(1, parameter[0].numel()) ** 0.5
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    return network.eval()


def relative(found: Tensor, expected: Tensor) -> float:
    return ((found - expected).norm() / expected.norm()).item()


@torch.no_grad()
def forgets_its_interval(network: nn.Module, asked: Question) -> None:
    """r counts before and not after, and what is said where r = t stays."""
    diagonal = replace(asked, r=asked.t)
    velocity = diagonal.ask(network)
    assert relative(asked.ask(network), velocity) > 1e-3
    network.reset_interval_embedding()
    assert relative(diagonal.ask(network), velocity) < 1e-6
    assert torch.equal(asked.ask(network), diagonal.ask(network))


def derivative_error(network: nn.Module, question: Question) -> float:
    """Of the forward-mode derivative along MeanFlow's tangent, (velocity, 1) of (x, t), from a difference in
    float64. The step is small because the networks see a thousand times the time.
    """
    network, asked = network.double(), question.double()
    velocity = torch.randn_like(asked.x)

    def u(x: Tensor, t: Tensor) -> Tensor:
        return replace(asked, x=x, t=t).ask(network)

    tangents = (velocity, torch.ones_like(asked.t))
    value, derivative = directional_derivative(u, (asked.x, asked.t), tangents)
    step = 1e-6
    with torch.no_grad():
        ahead, behind = (u(asked.x + h * velocity, asked.t + h) for h in (step, -step))
    assert relative(value, asked.ask(network)) < 1e-9
    return relative(derivative, (ahead - behind) / (2 * step))


def half_precision_error(network: nn.Module, question: Question) -> float:
    """The larger of two relative errors: under autocast, and with the weights in half precision."""
    exact = question.ask(network)
    with torch.autocast("cpu", torch.bfloat16):
        cast = question.ask(network)
    weights = question.ask(network.bfloat16())
    network.float()
    assert weights.dtype == question.x.dtype
    return max(relative(cast.float(), exact), relative(weights, exact))


def channels_last_error(network: nn.Module, question: Question) -> float:
    exact = question.ask(network)
    x = question.x.contiguous(memory_format=torch.channels_last)
    return relative(replace(question, x=x).ask(network.to(memory_format=torch.channels_last)), exact)


def gradients(network: nn.Module, question: Question) -> dict[str, Tensor]:
    """Of a sum that weighs every output differently."""
    network.zero_grad()
    out = question.ask(network)
    (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
    return {name: parameter.grad.clone() for name, parameter in network.named_parameters()}


def updates(
    network: nn.Module, frozen: nn.Module, question: Question
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(method, its losses) for one update by each method that any network can learn by; gradients are set."""
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(question.x.shape, generator=generator)
    networks = Networks(network, network, frozen, frozen)
    flowsr = FlowsrConfig(flow_share=0.5, perceptual=0, adversarial=0, alignment=0)
    for method in (Teacher(networks), Oftsr(networks), Flowsr(networks, flowsr)):
        network.zero_grad()
        batch = Batch(question.x, source, question.cond, torch.Generator().manual_seed(1))
        [(name, losses)] = method(batch)
        assert name == "student"
        sum(losses.values()).backward()
        yield type(method).__name__, losses
