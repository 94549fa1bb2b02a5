"""Damage as a GPU computes it: nothing waits for the GPU, few launches, and the law of the CPU's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from leapsr import degrade
from leapsr.data.on_device import DeviceCrops, DevicePhotos
from leapsr.degrade import HEAVY, LIGHT, Generators, RealESRGAN, draw, noise
from leapsr.frozen.space import Space
from leapsr.ops.filters import unsharp_mask
from leapsr.train import batches, config, recipes

NAMES = sorted(degrade.DEGRADATIONS)
META = torch.device("meta")


class Launches(TorchDispatchMode):
    """Counts what a GPU would be asked to compute, and stops copies from the host that would wait for it.

    Reading anything back from the meta device, which has shapes and no numbers, is an error by itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.computed = self.copied = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = function(*args, **(kwargs or {}))
        assert "_local_scalar_dense" not in str(function) or not _on_meta(args), "a number is read back"
        if _on_meta(found) and not function.is_view:
            if any(
                isinstance(leaf, Tensor) and leaf.ndim and leaf.device != META for leaf in tree_leaves(args)
            ):
                assert (kwargs or {}).get("non_blocking"), f"{function} copies to the device and waits"
                self.copied += 1
            self.computed += "empty" not in str(function)
        return found


def _on_meta(found: Any) -> bool:
    return any(isinstance(leaf, Tensor) and leaf.device == META for leaf in tree_leaves(found))


def host(seed: int = 0) -> Generators:
    """The device's own generator is stood in for by its default one."""
    return Generators(torch.Generator().manual_seed(seed), None)


@pytest.mark.parametrize("name", NAMES)
def test_damage_reads_nothing_back_and_copies_only_without_waiting(name: str) -> None:
    damage = degrade.make(name, 4, 4)
    image = torch.empty(13, 3, 64, 96, device=META)
    damage(image, host())  # tables are copied once
    for seed in range(4):
        with Launches() as seen:
            lr = damage(image, host(seed))
        assert lr.shape == (13, 3, 16, 24)
        assert lr.device == META
        assert seen.copied <= 20  # of a few bytes, whatever the batch


def test_a_group_of_many_is_launched_as_one() -> None:
    counts = {}
    for group in (1, 64):
        damage, image = degrade.make("realesrgan-light", 4, group), torch.empty(64, 3, 64, 64, device=META)
        damage(image, host())
        with Launches() as seen:
            damage(image, host())
        counts[group] = seen.computed
    assert 10 * counts[64] < counts[1]
    assert counts[64] < 1000


def test_sharpening_copies_nothing() -> None:
    image = torch.empty(2, 3, 64, 64, device=META)
    unsharp_mask(image)
    with Launches() as seen:
        unsharp_mask(image)
    assert seen.copied == 0


@pytest.mark.parametrize("quality", [False, True])
def test_a_batch_of_a_run_waits_for_nothing(quality: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """From where its crops lie to what the network sees, but for the noise, which is drawn on the device."""
    settings = ["data.crop=64", "data.group=4", "data.sharpen=true", "batch=8"]
    settings += [] if quality else ["data.bad=0", "data.unlabelled=0", "network.quality=false"]
    prepare = batches.batch_maker(config.override(recipes.get("teacher_base"), settings), META, Space(4))
    sizes = torch.tensor([[90, 80]]).numpy()
    photos = DevicePhotos(
        torch.empty(7200, 3, dtype=torch.uint8, device=META), torch.zeros(1).long().numpy(), sizes
    )
    crops = DeviceCrops(photos, 64, seed=0)
    monkeypatch.setattr(Generators, "from_generator", lambda generator: Generators(generator, None))
    monkeypatch.setattr("leapsr.flow.Source.draw", lambda self, upsampled, _: self(upsampled, upsampled))
    monkeypatch.setattr(
        "leapsr.train.labels.draw",
        lambda *_: (torch.zeros(8, dtype=torch.bool, device=META), torch.zeros(8, device=META)),
    )
    prepare(crops(0, 8), torch.Generator())
    with Launches():
        batch = prepare(crops(8, 8), torch.Generator().manual_seed(1))
    assert batch.image.shape == (8, 3, 64, 64)
    assert batch.cond.lr.shape == (8, 3, 16, 16)


# The law


@contextmanager
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for module in (draw, noise):
            patch.setattr(module, "batched", lambda image: True)
        yield


@pytest.mark.parametrize("params", [HEAVY, LIGHT], ids=["heavy", "light"])
def test_computed_together_the_damage_has_the_same_law(
    params: degrade.RealESRGANParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mean, error and roughness of many damaged copies of one picture, each within its chance."""
    coarse = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(2))
    image = F.interpolate(coarse, (48, 48), mode="bicubic").clamp(0, 1).expand(400, -1, -1, -1)
    damage = RealESRGAN(4, params, codec="tensor", group=4)
    apart = damage(image, torch.Generator().manual_seed(0))
    with as_on_a_gpu(monkeypatch):
        joint = damage(image, torch.Generator().manual_seed(1))
    clean = F.avg_pool2d(image, 4)
    for statistic in (
        lambda lr: lr.mean((1, 2, 3)),
        lambda lr: (lr - clean).square().mean((1, 2, 3)).sqrt(),
        lambda lr: lr.diff(dim=-1).abs().mean((1, 2, 3)),
        lambda lr: (lr - lr.mean(1, keepdim=True)).std((1, 2, 3)),
    ):
        one, other = statistic(apart), statistic(joint)
        chance = ((one.var() + other.var()) / 100).sqrt()  # groups of four share what matters most
        assert (one.mean() - other.mean()).abs() < 4 * chance


def test_grey_and_colour_keep_their_levels_in_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.rand(1, 3, 64, 64).mul(0.2).add(0.4).expand(4, -1, -1, -1)
    level, grey = torch.tensor([0.4, 0.2, 0.8, 0.4]), torch.tensor([True, False, True, False])
    for add in (noise.add_gaussian, noise.add_poisson):
        apart = add(image, level, grey, torch.Generator().manual_seed(0)) - image
        with as_on_a_gpu(monkeypatch):
            joint = add(image, level, grey, torch.Generator().manual_seed(1)) - image
        torch.testing.assert_close(joint.std((1, 2, 3)), apart.std((1, 2, 3)), rtol=0.05, atol=0)
        torch.testing.assert_close(joint[grey, 0], joint[grey, 2], rtol=0, atol=1e-6)
        assert (joint[1, 0] - joint[1, 2]).abs().max() > 1e-4


def test_a_cpu_generator_is_used_as_it_is() -> None:
    generator = torch.Generator()
    assert Generators.from_generator(generator) is generator


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@pytest.mark.parametrize("name", NAMES)
def test_on_a_gpu_nothing_waits(name: str) -> None:
    damage, image = degrade.make(name, 4, 4), torch.rand(13, 3, 64, 96, device="cuda")

    def lr(seed: int) -> Tensor:
        return damage(image, Generators.from_generator(torch.Generator("cuda").manual_seed(seed)))

    expected = lr(3)
    torch.cuda.set_sync_debug_mode("error")
    try:
        again = lr(3)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(again, expected)
