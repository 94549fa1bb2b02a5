"""No method makes a GPU wait: nothing is read back from it, and nothing but random draws is copied to it.

A GPU runs behind the host; a number read back, or a tensor copied over, stops both until they meet.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from leapsr import flow, methods
from leapsr.methods import (
    Batch,
    FlowsrConfig,
    MfsrConfig,
    Networks,
    OftsrConfig,
    RefinementConfig,
    Region,
    SmfsrConfig,
    TeacherConfig,
    restore,
)
from leapsr.networks import PRESETS, Condition, Quality, UNet
from leapsr.networks.pixel.critic import CriticConfig

STUDENTS = {
    "oftsr": OftsrConfig(boundary_share=0.3),
    "oftsr boot": OftsrConfig(objective="boot", align=0, solver="heun"),
    "oftsr pinn": OftsrConfig(objective="pinn", boundary_target="data"),
    "mfsr": MfsrConfig(diagonal=0.3),
    "mfsr central": MfsrConfig(derivative="central", velocity="null"),
    "mfsr step": MfsrConfig(derivative="step", velocity="meanflow_cfg", times="uniform"),
    "smfsr": SmfsrConfig(boundary_share=0.3, guidance=2),
    "flowsr": FlowsrConfig(flow_share=0.3),
}
CONFIGS = {
    "teacher": TeacherConfig(at_source=0.3, times="late"),
    **STUDENTS,
    **{
        f"refine {name}": RefinementConfig(
            student=config, critic=CriticConfig(widths=(4,), scales=2), omega="normalised"
        )
        for name, config in STUDENTS.items()
    },
}
EVERY = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def batch(device: str, generator: torch.Generator) -> Batch:
    image, source, other = (torch.randn(4, 3, 16, 16, device=device) for _ in range(3))
    quality = torch.full((4,), int(Quality.NONE), device=device)
    cond = Condition(torch.randn(4, 3, 4, 4, device=device), quality)
    return Batch(image, source, cond, generator, lambda: other, quality=torch.ones(4, 2, 8, device=device))


# On the meta device, which has shapes and no numbers: what would have to be read back cannot be had.


class Border(TorchDispatchMode):
    """Stops tensors that are copied from the host to the device, unless they were drawn at random.

    A GPU's generator draws on the GPU; here the generator is the host's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[Tensor] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        found = function(*args, **kwargs)
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        made = [leaf for leaf in tree_leaves(found) if isinstance(leaf, Tensor)]
        random = kwargs.get("generator") is not None or any(g is d for g in given for d in self.drawn)
        if random:
            self.drawn += made
        elif any(m.device.type == "meta" for m in made):
            hosts = [g for g in given if g.device.type == "cpu" and g.ndim > 0]
            assert not hosts, f"{function} copies {[tuple(g.shape) for g in hosts]} to the device"
        return found


def toy(x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
    return x * flow.expand_as_batch(t, x) + flow.expand_as_batch(r, x)


def toys() -> Networks:
    auxiliary = {"score": toy, "critic": lambda seen, lr=None: seen if lr is None else seen.mean(1)}
    return Networks(
        toy,
        toy,
        toy,
        toy,
        auxiliary,
        auxiliary,
        perceptual=lambda a, b: (a - b).abs().mean((1, 2, 3)),
        features=lambda x, t, cond: [x * flow.expand_as_batch(t, x)],
        alignment=lambda images, quality: (images.mean((1, 2, 3)), images.amax((1, 2, 3)) * quality[:, 0, 0]),
    )


@EVERY
def test_methods_copy_nothing_to_the_device_and_read_nothing_back(config):
    method = methods.build(config, toys())
    with Border():
        updates = [(network, list(losses)) for network, losses in method(batch("meta", torch.Generator()))]
    assert updates[0][0] == "student"


@pytest.mark.parametrize(
    ("region", "fidelity", "steps"),
    [
        (Region.DIAGONAL, 0.0, 3),
        (Region.TRIANGLE, 0.3, 2),
        (Region.IMAGE_EDGE, 0.0, 2),
        (Region.SOURCE_EDGE, 0.4, 1),
        (Region.SOURCE_EDGE, 1.0, 1),
    ],
)
def test_restoring_copies_nothing_to_the_device(region, fidelity, steps):
    source = torch.empty(2, 3, 8, 8, device="meta")
    with Border():
        restored = restore(lambda x, t, r: toy(x, t, r, None), source, region, steps, fidelity)
        bent = flow.straightness(lambda x, t: toy(x, t, t, None), source, 4)
    assert (restored.device, restored.shape) == (source.device, source.shape)
    assert (bent.device, bent.shape) == (source.device, (2,))


@pytest.mark.parametrize("copied", [lambda x: torch.ones(2).to(x), lambda x: x.new_ones(2).sum().item()])
def test_the_border_is_watched(copied):
    with Border(), pytest.raises((AssertionError, RuntimeError), match=r"copies|item\(\)"):
        copied(torch.empty(2, device="meta"))


# On a GPU, where torch itself tells


@contextmanager
def waiting_is_an_error() -> Iterator[None]:
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def networks(config: methods.MethodConfigBase) -> Networks:
    def network() -> UNet:
        return UNet(PRESETS["tiny"].model_copy(update={"quality": True})).cuda()

    student, teacher, average = network(), network(), network()
    auxiliary: dict[str, nn.Module] = {
        name: network.cuda() for name, network in config.auxiliary_networks(teacher).items()
    }
    return Networks(
        student,
        student,
        teacher,
        average,
        auxiliary,
        auxiliary,
        features=lambda x, t, cond: teacher.features(x, t, t, cond),
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@EVERY
def test_no_method_waits_for_the_gpu(config):
    method, data = methods.build(config, networks(config)), batch("cuda", torch.Generator("cuda"))
    list(method(data))  # the first call of anything may wait
    with waiting_is_an_error():
        updates = [network for network, _ in method(data)]
    assert updates[0] == "student"
