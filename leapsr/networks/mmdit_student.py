"""MFSR's student: how it begins as its teacher, what it trains, and how its time is made smooth.

A student of arXiv:2603.20690 is the DiT4SR that it distils, with an embedding of r beside that of t, adapters
on the frozen SD3.5 weights, and the low-resolution stream's own parameters::

    student = student_of(teacher)     # u(x, t, r) = v(x, t) for every r; frozen weights are shared
    left = refit_time(student)        # c_noise(t) = t, for MeanFlow's derivative
    train_adapters(student, rank=64)

Move the teacher to its device and precision first: what is shared then stays shared. FSDP2 (`fully_shard`)
trains such a student too, also through the forward-mode derivative (PyTorch 2.15; its issue 182641 tells of
versions that could not), but gives it shards of its own of what was shared: shard the teacher as well.
"""

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from .lora import add_lora, give_own, shared_copy
from .mmdit import MMDiT
from .mmdit_time import FREQUENCIES, TimestepEmbedder, TimeText, time_features

LORA_TARGETS = ("to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")
"""The projections of every attention. The paper says "transformer blocks" and no more."""

OWN = ("control", "timestep_embedder", "r_embedder", "interval_embedder")
"""Parts of the names of what a student trains in full."""

POINTS = 4096
RIDGE = 1e-7


def student_of(teacher: MMDiT) -> MMDiT:
    """A network with an embedding of r that says what its teacher says, whatever r is.

    What it will train is copied, all else is the teacher's own tensors. The embedding of r has the structure
    of the one of t, and zeros in its last layer: with a copy of the whole, times would count twice.
    Raises ConfigError unless the teacher's time conditioning is "single".
    """
    if teacher.config.time_conditioning != "single":
        raise ConfigError(
            f"A teacher knows one time, and this network has '{teacher.config.time_conditioning}': "
            "give a network with time_conditioning 'single'."
        )
    student = shared_copy(teacher)
    student.config = teacher.config.model_copy(update={"time_conditioning": "add_r"})
    student.time_text_embed = _with_r(student.time_text_embed, student.config.width)
    for name in filter(_is_own, [name for name, _ in student.named_parameters()]):
        give_own(student, name)
    return student


def _with_r(time: TimeText, width: int) -> TimeText:
    first = time.timestep_embedder.linear_1
    time.r_embedder = TimestepEmbedder(width).to(first.weight)
    time.r_embedder.linear_1.load_state_dict(first.state_dict())
    nn.init.zeros_(time.r_embedder.linear_2.weight)
    nn.init.zeros_(time.r_embedder.linear_2.bias)
    time.conditioning = "add_r"
    return time


def train_adapters(network: MMDiT, rank: int | None = 64, alpha: float | None = None, seed: int = 0) -> None:
    """Leave a gradient to adapters of the attentions, the low-resolution stream and the embedders of time.

    rank, alpha, seed: as in `add_lora`; rank None is no adapters, as DiT4SR and SMFSR train.
    """
    if rank is not None:
        add_lora(network, rank, LORA_TARGETS, alpha, seed)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(_is_own(name) or ".lora_" in name)


def _is_own(name: str) -> bool:
    return any(part in name for part in OWN)


@torch.no_grad()
def refit_time(student: MMDiT, resolution: float = 0.02) -> float:
    """Set the student's time scale to 1 (c_noise(t) = t), and let its embedder of t say what it said before.

    At scale 1 the pretrained embedder would take every t for a time close to 0. Its first layer becomes
    a row of bends, equally spaced in t and each about `resolution` wide; its second layer is then fitted to
    the old embedding by least squares, in closed form: no seed, the same every time. An embedder of r gets
    the same bends and keeps its second layer. Do it before the student trains.

    resolution: in units of t. Whatever the old embedding does faster than this is left out, which is the
    purpose: the derivative that MeanFlow's identity asks for is then the smooth part's. Smaller follows the
    old one more closely, as far as the network is wide enough.
    Returns the error left: the root mean square of new minus old over [0, 1], divided by that of the old one
    about its mean. 0 is exact, 1 is as bad as a constant.
    """
    time = student.time_text_embed
    embedder = time.timestep_embedder
    t, between = _grids(embedder.linear_1.weight.device)
    before = [embedder(time.scale * points) for points in (t, between)]

    time.scale = 1.0
    student.config = student.config.model_copy(update={"time_scale": 1.0})
    for part in (embedder, time.r_embedder) if time.conditioning == "add_r" else (embedder,):
        _bend(part.linear_1, resolution)
    _fit(embedder, t, before[0])
    left = embedder(between) - before[1]
    return (left.square().mean() / (before[1] - before[1].mean(0)).square().mean()).sqrt().item()


def _grids(device: torch.device) -> tuple[Tensor, Tensor]:
    """Times to fit at, and times between them to judge by; float64."""
    t = torch.linspace(0, 1, POINTS, dtype=torch.float64, device=device)
    return t, (t[1:] + t[:-1]) / 2


def _bend(layer: nn.Linear, resolution: float) -> None:
    """Unit j is slope (sin t - sin c_j), which its activation bends at t = c_j."""
    centres = torch.linspace(0, 1, len(layer.bias) + 1, device=layer.bias.device)[:-1]
    slope = 4 / resolution
    layer.weight.zero_()
    layer.weight[:, FREQUENCIES] = slope  # the sine of frequency 1
    layer.bias.copy_(-slope * centres.sin())


def _fit(embedder: TimestepEmbedder, t: Tensor, target: Tensor) -> None:
    """The second layer, by least squares with a ridge, in float64."""
    first = embedder.linear_1
    hidden = nn.functional.silu(time_features(t) @ first.weight.double().T + first.bias.double())
    hidden = torch.cat([hidden, torch.ones_like(t)[:, None]], dim=1)
    size = hidden.square().mean(0).sqrt()
    hidden = hidden / size
    normal = hidden.T @ hidden / len(t) + RIDGE * torch.eye(hidden.shape[1]).to(hidden)
    found = torch.linalg.solve(normal, hidden.T @ target.double() / len(t)) / size[:, None]
    embedder.linear_2.weight.copy_(found[:-1].T)
    embedder.linear_2.bias.copy_(found[-1])
