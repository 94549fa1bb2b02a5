"""MFSR's student: how it begins as its teacher, what it trains, and how its time embedding is made smooth.

The student of arXiv:2603.20690 is its DiT4SR teacher with an embedding of r, adapters on the frozen SD3.5
weights, and the trained low-resolution stream::

    student = student_of(teacher)     # u(x, t, r) = v(x, t) for every r; frozen weights are shared
    set_time_scale(student)           # c_noise(t) = t, for MeanFlow's derivative; or refit_time
    train_adapters(student, rank=64)

Move the teacher to its device and precision first, so that shared weights stay shared. FSDP2 (`fully_shard`)
trains such a student too, also through the forward-mode derivative (PyTorch 2.15; not in the versions of its
issue 182641). It makes separate shards of shared weights, so shard the teacher as well.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ...errors import ConfigError
from ..lora import add_lora, give_own, shared_copy
from ..pixel.blocks import zero_
from ..timestep import sinusoids
from .config import TimeConditioning
from .time import FREQUENCIES, TimestepEmbedder, TimeText, interval_embedder

if TYPE_CHECKING:
    from .network import MMDiT

LORA_TARGETS = ("to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")
"""The projections of every attention. The paper says "transformer blocks" and no more."""

OWN: dict[TimeConditioning, tuple[str, ...]] = {
    "single": ("control",),
    "add_r": ("control", "timestep_embedder", "r_embedder"),
    "concat_mlp": ("control", "time_text_embed"),
}
"""Parts of the names of parameters that train in full, by the network's time conditioning: of a teacher what
DiT4SR's code trains, of SMFSR's student the 366.2M of its table 2."""

LINEAR, GAIN = 20.0, 0.25
"""silu(LINEAR + GAIN e) is linear in e but for 5e-4, up to |e| = 40."""

POINTS = 4096
RIDGE, EXACT = 1e-5, 1e-7
"""Of the least squares: of a fit to another embedding, and of one that the same units can do exactly. With
the second, a fit to a rough embedding is 8 % closer, and its weights are ten times as large and cancel."""


def student_of(teacher: "MMDiT", conditioning: TimeConditioning = "add_r") -> "MMDiT":
    """The teacher with an embedding of r that has no effect yet.

    Parameters that will train are copied, the others are the teacher's own tensors. With "add_r" the
    embedding of r copies the first layer of the one of t, and its last layer is zero. With "concat_mlp" the
    new small network begins by passing on the embedding of t.
    Raises ConfigError unless the teacher's time conditioning is "single".
    """
    assert conditioning != "single"
    if teacher.config.time_conditioning != "single":
        raise ConfigError(
            f"A teacher knows one time, and this network has '{teacher.config.time_conditioning}': "
            "give a network with time_conditioning 'single'."
        )
    student = shared_copy(teacher)
    student.config = teacher.config.model_copy(update={"time_conditioning": conditioning})
    time, width = student.time_text_embed, student.config.width
    first = time.timestep_embedder.linear_1
    if conditioning == "add_r":
        time.r_embedder = TimestepEmbedder(width).to(first.weight)
        time.r_embedder.linear_1.load_state_dict(first.state_dict())
        zero_(time.r_embedder.linear_2)
    else:
        time.interval_embedder = interval_embedder(width).to(first.weight)
        _pass_on_t(time.interval_embedder, width)
    time.conditioning = conditioning
    for name, _ in list(student.named_parameters()):
        if _is_own(student, name):
            give_own(student, name)
    return student


@torch.no_grad()
def _pass_on_t(layers: nn.Sequential, width: int) -> None:
    """[e_r, e_t] -> e_t, through the activation where it is linear."""
    first, last = layers[0], layers[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    first.weight.zero_()
    first.weight[:, width:] = GAIN * torch.eye(width)
    first.bias.fill_(LINEAR)
    last.weight.copy_(torch.eye(width) / GAIN)
    last.bias.fill_(-LINEAR / GAIN)


def train_adapters(
    network: "MMDiT", rank: int | None = 64, alpha: float | None = None, seed: int = 0
) -> None:
    """Train adapters of the attentions, the low-resolution stream and the time embedders only, see OWN.

    rank, alpha, seed: as in `add_lora`; rank None is no adapters, as DiT4SR and SMFSR train.
    """
    if rank is not None:
        add_lora(network, rank, LORA_TARGETS, alpha, seed)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(_is_own(network, name) or ".lora_" in name)


def _is_own(network: "MMDiT", name: str) -> bool:
    return any(part in name for part in OWN[network.config.time_conditioning])


def set_time_scale(student: "MMDiT") -> None:
    """Set the student's time scale to 1 (c_noise(t) = t) and keep the weights of its time embedders.

    MFSR's section 4.4 as printed. What they say of any t is then what the teacher's say near t = 0.
    """
    student.time_text_embed.scale = 1.0
    student.config = student.config.model_copy(update={"time_scale": 1.0})


@torch.no_grad()
def refit_time(student: "MMDiT", resolution: float = 0.02) -> float:
    """Set the student's time scale to 1 (c_noise(t) = t) and refit its time embedders to their old output.

    At scale 1 the pretrained embedder would read every t as a time close to 0. So its first layer is replaced
    by equally spaced bends in t, each about `resolution` wide, and its second layer is fitted to the old
    embedding by least squares, in closed form. An embedder of r is treated alike; one without an effect stays
    so. Both become copies. Do this before the student trains.

    resolution: in units of t. Faster changes of the old embedding are left out on purpose, so that MeanFlow's
    derivative is smooth. Smaller follows the old one more closely, if the network is wide enough.
    Returns the error left where r = t: the root mean square of new minus old over [0, 1], divided by that of
    the old one about its mean. 0 is exact, 1 is as bad as a constant.
    """
    time = student.time_text_embed
    embedders = _embedders(time)
    t, between = _grids(time)
    targets = [embedder(time.scale * t) for embedder in embedders]
    before = _diagonal(time, between)

    set_time_scale(student)
    for embedder, target in zip(embedders, targets, strict=True):
        for name, parameter in list(embedder.named_parameters()):
            give_own(embedder, name, torch.float32, parameter.requires_grad)
        _bend(embedder.linear_1, resolution)
        _fit(embedder, t, target, RIDGE)
    return _error(_diagonal(time, between), before)


@torch.no_grad()
def reset_interval_embedding(student: "MMDiT") -> float:
    """Remove every dependence on r and keep the diagonal r = t, which is all that a teacher learns.

    "concat_mlp": the first layer's weights for r move to t; this is exact. "add_r": the embedder of t is
    refitted to the sum of both by least squares, which is exact where that of r has no effect, and closer for
    wider networks. Changes the weights in place, so they must not be shared.
    Returns the error left, as `refit_time` does.
    """
    time = student.time_text_embed
    if time.conditioning == "concat_mlp":
        first = time.interval_embedder[0]
        assert isinstance(first, nn.Linear)
        of_r, of_t = first.weight.chunk(2, dim=1)
        of_t.add_(of_r)
        of_r.zero_()
    elif time.conditioning == "add_r" and any(p.any() for p in time.r_embedder.linear_2.parameters()):
        t, between = _grids(time)
        target, before = _diagonal(time, t), _diagonal(time, between)
        _fit(time.timestep_embedder, time.scale * t, target, EXACT)
        zero_(time.r_embedder.linear_2)
        return _error(_diagonal(time, between), before)
    return 0.0


def _embedders(time: TimeText) -> list[TimestepEmbedder]:
    """That of t, and that of r if there is one; their sum modulates the blocks."""
    return [time.timestep_embedder, *([time.r_embedder] if time.conditioning == "add_r" else [])]


def _diagonal(time: TimeText, t: Tensor) -> Tensor:
    """The sum of the embedders where r = t, (B,) -> (B, width)."""
    return torch.stack([embedder(time.scale * t) for embedder in _embedders(time)]).sum(0)


def _error(after: Tensor, before: Tensor) -> float:
    return ((after - before).square().mean() / (before - before.mean(0)).square().mean()).sqrt().item()


def _grids(time: TimeText) -> tuple[Tensor, Tensor]:
    """Times to fit at and times between them to measure the error at; float64."""
    t = torch.linspace(
        0, 1, POINTS, dtype=torch.float64, device=time.timestep_embedder.linear_1.weight.device
    )
    return t, (t[1:] + t[:-1]) / 2


def _bend(layer: nn.Linear, resolution: float) -> None:
    """Unit j becomes slope (sin t - sin c_j), whose activation bends at t = c_j."""
    centres = torch.linspace(0, 1, len(layer.bias) + 1, device=layer.bias.device)[:-1]
    slope = 4 / resolution
    layer.weight.zero_()
    layer.weight[:, FREQUENCIES] = slope  # the sine of frequency 1
    layer.bias.copy_(-slope * centres.sin())


def _fit(embedder: TimestepEmbedder, times: Tensor, target: Tensor, ridge: float) -> None:
    """The second layer, by least squares with a ridge, in float64. times: scaled ones."""
    first, features = embedder.linear_1, sinusoids(times, 2 * FREQUENCIES)
    hidden = nn.functional.silu(features @ first.weight.double().T + first.bias.double())
    hidden = torch.cat([hidden, torch.ones_like(times)[:, None]], dim=1)
    size = hidden.square().mean(0).sqrt()
    hidden = hidden / size
    normal = hidden.T @ hidden / len(times) + ridge * torch.eye(hidden.shape[1]).to(hidden)
    found = torch.linalg.solve(normal, hidden.T @ target.double() / len(times)) / size[:, None]
    embedder.linear_2.weight.copy_(found[:-1].T)
    embedder.linear_2.bias.copy_(found[-1])
