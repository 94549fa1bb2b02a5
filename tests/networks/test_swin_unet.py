import json

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from leapsr import flow
from leapsr.errors import WeightsError
from leapsr.networks import Condition
from leapsr.networks.adm.published_weights import (
    ADM_NAMES,
    SWIN_NAMES,
    load_published,
    load_resshift,
    renamed,
    swin_unet_weights,
)
from leapsr.networks.adm.residual_shift import ResidualShift
from leapsr.networks.adm.shifted_windows import WindowBlock, from_windows, to_windows
from leapsr.networks.adm.swin_unet import PRESETS, SwinUNet, SwinUNetConfig
from leapsr.ops.derivative import directional_derivative
from tests.conftest import GOLDEN
from tests.networks.velocities import (
    Question,
    channels_last_error,
    derivative_error,
    forgets_its_interval,
    golden,
    gradients,
    half_precision_error,
    published,
    randomised,
    relative,
    updates,
)

TINY = PRESETS["tiny"]
BOTH = TINY.model_copy(update={"reads": "both"})
FLOW = TINY.model_copy(update={"prediction": "velocity"})
JOURNAL = PRESETS["realsr_journal"].schedule


def question(height: int = 16, width: int = 16, batch: int = 2, channels: int = 6) -> Question:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batch, 3, height, width, generator=generator)
    lr = torch.randn(batch, channels, height, width, generator=generator)
    t, r = torch.rand(2, batch, generator=generator).sort(0, descending=True).values
    return Question(x, t, r, Condition(lr))


@pytest.fixture(scope="module")
def vectors():
    return golden("resshift_unet_tiny")


# ResShift's numbers


@pytest.mark.parametrize("case", ["", "2"])
def test_the_network_is_resshifts(vectors, case):
    """At the size that it was trained at, and at another."""
    network = SwinUNet(TINY).eval().requires_grad_(False)
    load_published(network, swin_unet_weights(published(vectors)), "the golden file")
    found = network.predict(vectors[f"in{case}.x"], vectors[f"in{case}.timesteps"], vectors[f"in{case}.lq"])
    assert relative(found, vectors[f"out{case}.sample"]) < 1e-5


def test_every_published_weight_has_its_place():
    """The journal's network has the same. Where a mask is published, and only there, windows are shifted."""
    entry = json.loads((GOLDEN / "full_size_keys.json").read_text())["resshift_realsr"]
    with torch.device("meta"):
        network = SwinUNet(PRESETS["realsr"])
        weights = {key: torch.empty(shape) for key, shape in entry["keys"].items()}
    kept = swin_unet_weights(weights)
    assert [(key, value.shape) for key, value in kept.items()] == [
        (key, value.shape) for key, value in network.named_parameters()
    ]
    rules = (*ADM_NAMES, *SWIN_NAMES)
    masked = {renamed(name, rules).removesuffix(".attn_mask") for name in entry["buffers"] if "mask" in name}
    blocks = {name: part for name, part in network.named_modules() if isinstance(part, WindowBlock)}
    assert {name for name, block in blocks.items() if block.shift} == masked
    assert len(weights) - len(kept) == len(entry["buffers"])
    assert not set(entry["buffers"]) & kept.keys()
    assert sum(value.numel() for value in kept.values()) == entry["n_params"]


def test_files_as_resshift_publishes_them(tmp_path, vectors):
    path = tmp_path / "resshift.pth"
    torch.save({"state_dict": {f"module.{key}": value for key, value in published(vectors).items()}}, path)
    loaded = load_resshift(path, BOTH)
    assert torch.equal(loaded.trunk.tail.weight, published(vectors)["out.2.weight"])
    with pytest.raises(WeightsError, match=r"trunk\.decoder"):
        load_resshift(path, TINY.model_copy(update={"blocks": 2}))


# The diffusion as a flow


def schedule_of_resshift(steps: int, power: float, least: float, most: float, kappa: float) -> np.ndarray:
    """sqrt(eta) of each step, as ResShift grows it: geometrically in a power of the step."""
    first = min(least / kappa, least)
    growth = (most / first) ** (1 / (steps - 1))
    return first * growth ** ((steps - 1) * np.linspace(0, 1, steps) ** power)


@pytest.mark.parametrize("schedule", [ResidualShift(), JOURNAL, ResidualShift(sigma=0.2)])
def test_the_published_steps_have_their_times(schedule):
    expected = schedule_of_resshift(
        schedule.steps, schedule.power, schedule.least, schedule.most, schedule.kappa
    )
    times = torch.tensor(schedule.times(), dtype=torch.float64)
    root_eta = schedule.root_eta(times)
    torch.testing.assert_close(root_eta, torch.from_numpy(expected), rtol=1e-12, atol=0)
    torch.testing.assert_close(
        schedule.step(root_eta), torch.arange(schedule.steps).double(), rtol=0, atol=1e-9
    )
    assert times[0].item() == pytest.approx(schedule.earliest)
    ends = schedule.step(schedule.root_eta(torch.tensor([0.0, 1.0]).double()))
    assert ends.tolist() == [0, schedule.steps - 1]


def test_at_the_source_the_network_sees_what_resshift_starts_from():
    """y + kappa noise, scaled; with the sigma that is the default, that is the source itself."""
    schedule = ResidualShift()
    noise, y = torch.randn(2, 3, 3, 4, 4).double()
    one = torch.ones(3).double()
    source = flow.Source(kind="noisy_lr", sigma=schedule.sigma)(y, noise)
    shifted = schedule.shift(source, y, one)
    torch.testing.assert_close(shifted.z, y + schedule.kappa * noise)
    assert torch.equal(shifted.root_eta, one)
    torch.testing.assert_close(schedule.normalise(shifted), source)


def test_an_image_stays_itself():
    y, x = torch.randn(2, 1, 3, 4, 4)
    shifted = ResidualShift().shift(x, y, torch.zeros(1))
    torch.testing.assert_close(shifted.z, x)
    assert shifted.root_eta == 0


@pytest.mark.parametrize("sigma", [0.1, 2 / 5**0.5, 1.0])
def test_the_posterior_mean_is_the_same_on_both_paths(sigma):
    """For a Gaussian clean latent N(mean, spread^2) both are known in closed form."""
    schedule = ResidualShift(sigma=sigma)
    mean, spread = 0.3, 0.7
    x, y = torch.randn(2, 50, 1, 1, 1).double()
    t = torch.linspace(0.02, 1, 50).double()

    def posterior(signal: Tensor, noise: Tensor, seen: Tensor) -> Tensor:
        """E[x_0 | signal x_0 + noise e = seen]."""
        weight = signal * spread**2 / ((signal * spread) ** 2 + noise**2)
        return mean + weight * (seen - signal * mean)

    shifted = schedule.shift(x, y, t)
    eta, at = shifted.root_eta.square(), lambda time: time.view(-1, 1, 1, 1)
    chain = posterior(at(1 - eta), at(schedule.kappa * shifted.root_eta), shifted.z - at(eta) * y)
    straight = posterior(at(1 - t), at(sigma * t), x - at(t) * (1 - sigma**2) ** 0.5 * y)
    torch.testing.assert_close(chain, straight, rtol=1e-12, atol=1e-12)


class Denoiser(SwinUNet):
    """The exact posterior mean of a Gaussian latent, in place of a trained network."""

    mean, spread = 0.3, 0.7

    def predict(self, x, steps, lr, interval=None):
        schedule = self.config.schedule
        root_eta = torch.from_numpy(
            schedule_of_resshift(
                schedule.steps, schedule.power, schedule.least, schedule.most, schedule.kappa
            )
        )[steps.round().long()].view(-1, 1, 1, 1)
        eta, noise = root_eta**2, schedule.kappa * root_eta
        z = x * (1 + noise**2).sqrt() - eta * self.y
        weight = (1 - eta) * self.spread**2 / (((1 - eta) * self.spread) ** 2 + noise**2)
        return self.mean + weight * (z - (1 - eta) * self.mean)


def test_the_velocity_of_an_exact_denoiser_is_the_flows():
    """Asked at the published steps, through scaling, steps and all; v = source - x_0 in the mean."""
    network = Denoiser(TINY)
    schedule, sigma = TINY.schedule, TINY.schedule.sigma
    t = torch.tensor(schedule.times(), dtype=torch.float64)[1:-1]
    x, network.y = torch.randn(2, len(t), 3, 4, 4).double()
    v = network(x, t, t, Condition(torch.cat([torch.zeros_like(x), network.y], dim=1)))
    at = t.view(-1, 1, 1, 1)
    signal, noise = 1 - at, sigma * at
    centred = x - at * (1 - sigma**2) ** 0.5 * network.y - signal * network.mean
    variance = (signal * network.spread) ** 2 + noise**2
    clean = network.mean + signal * network.spread**2 / variance * centred
    source = (1 - sigma**2) ** 0.5 * network.y + sigma * noise / variance * centred
    torch.testing.assert_close(v, source - clean, rtol=1e-9, atol=1e-9)


def test_a_student_sees_the_same_state_for_every_r():
    """On the edge t = 1 only the step tells r, and the image is what the network returns."""
    network = randomised(SwinUNet(TINY.model_copy(update={"reads": "r"})))
    asked = question()
    one = torch.ones(2)
    schedule = TINY.schedule
    lr, latent = asked.cond.lr.split(3, dim=1)
    for n, r in enumerate(schedule.times()):
        u = network(asked.x, one, r * one, asked.cond)
        seen = schedule.normalise(schedule.shift(asked.x, latent, one))
        expected = network.predict(seen, torch.full((2,), float(n)), lr)
        torch.testing.assert_close(asked.x - u, expected, rtol=1e-4, atol=1e-4)


def test_the_division_stops_before_the_first_step():
    network = randomised(SwinUNet(TINY))
    asked, zero = question(), torch.zeros(2)
    at_zero = network(asked.x, zero, zero, asked.cond)
    seen = network.predict(asked.x, zero, asked.cond.lr[:, :3])
    torch.testing.assert_close(at_zero, (asked.x - seen) / TINY.schedule.earliest)


def test_oftsrs_own_flow_runs_the_other_way():
    network = randomised(SwinUNet(FLOW))
    asked = question(channels=3)
    u = network(asked.x, asked.t, asked.t, asked.cond)
    assert torch.equal(u, -network.predict(asked.x, 999 * (1 - asked.t), asked.cond.lr))


# The network


@pytest.mark.parametrize(("height", "width"), [(8, 12), (3, 24)])
def test_windows_come_back(height, width):
    window = 4 if height % 4 == 0 else 3
    x = torch.arange(2 * 5 * height * width).view(2, 5, height, width)
    windows = to_windows(x, window)
    assert windows.shape == (2, height * width // window**2, window**2, 5)
    assert torch.equal(windows[1, 1, :window, 3], x[1, 3, 0, window : 2 * window])
    assert torch.equal(from_windows(windows, height, width, window), x)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (13, 10), (1, 3)])
@pytest.mark.parametrize("config", [TINY, FLOW], ids=["image", "velocity"])
def test_any_size(height, width, config):
    network = randomised(SwinUNet(config))
    asked = question(height, width, channels=6 if config is TINY else 3)
    assert asked.ask(network).shape == asked.x.shape


def test_a_size_of_whole_windows_is_taken_as_it_is():
    """And another is continued by reflection, as ResShift continues its images."""
    network = randomised(SwinUNet(FLOW))
    asked = question(13, 10, channels=3)
    padded = [
        torch.nn.functional.pad(part, [0, 6, 0, 3], mode="reflect") for part in (asked.x, asked.cond.lr)
    ]
    whole = network(padded[0], asked.t, asked.t, Condition(padded[1]))
    cut = network(asked.x, asked.t, asked.t, asked.cond)
    torch.testing.assert_close(cut, whole[..., :13, :10])


def test_the_published_alignment_is_resshifts():
    assert PRESETS["realsr"].alignment == 64
    assert TINY.alignment == 8


@pytest.mark.parametrize("channels", [3, 7])
def test_a_condition_of_the_wrong_kind_is_refused(channels):
    with pytest.raises(ValueError, match=r"of \(2, 6, 16, 16\), not"):
        question(channels=channels).ask(SwinUNet(TINY))


@pytest.mark.parametrize("config", [TINY, FLOW], ids=["image", "velocity"])
def test_which_times_are_read(config):
    """An image is divided by t, and seen at t, so that t always counts there."""
    asked = question(channels=6 if config is TINY else 3)
    elsewhere = {"t": asked.t / 2, "r": asked.r / 2}
    for reads, sees in {"t": "t", "r": "r", "both": "tr"}.items():
        network = randomised(SwinUNet(config.model_copy(update={"reads": reads})))
        for name in ("t", "r"):
            changed = Question(**{**vars(asked), name: elsewhere[name]})
            blind = name not in sees and not (config is TINY and name == "t")
            assert torch.equal(changed.ask(network), asked.ask(network)) == blind


def test_a_student_with_both_times_begins_as_the_velocity():
    teacher, pupil = randomised(SwinUNet(TINY)), SwinUNet(BOTH).eval()
    load_published(pupil, teacher.state_dict(), "the teacher")
    assert torch.equal(question().ask(pupil), question().ask(teacher))
    pupil.reset_interval_embedding()
    assert torch.equal(question().ask(pupil), question().ask(teacher))


def test_the_interval_is_forgotten_and_the_diagonal_stays():
    forgets_its_interval(randomised(SwinUNet(BOTH)), question())


def test_oftsrs_checkpoint_is_refused(tmp_path):
    torch.save({"model": {"head": torch.ones(1)}, "step": 3}, tmp_path / "oftsr.pth")
    with pytest.raises(WeightsError, match="'model' is no tensor"):
        load_resshift(tmp_path / "oftsr.pth", TINY)


def test_the_derivative():
    network, asked = randomised(SwinUNet(BOTH)), question(8, 7)
    assert derivative_error(network, asked) < 1e-6
    ends = torch.tensor([0.0, 1.0]).double()  # where the schedule is cut

    def u(t: Tensor) -> Tensor:
        return network(asked.double().x, t, 0 * t, asked.double().cond)

    assert all(part.isfinite().all() for part in directional_derivative(u, (ends,), (torch.ones_like(ends),)))


def test_checkpointing_changes_no_gradient():
    kept, again = (
        SwinUNet(BOTH.model_copy(update={"gradient_checkpointing": flag})) for flag in (False, True)
    )
    again.load_state_dict(randomised(kept).state_dict())
    runs = []
    again.trunk.middle.register_forward_pre_hook(lambda *_: runs.append(1))
    torch.testing.assert_close(gradients(again, question()), gradients(kept, question()))
    assert len(runs) == 2


@pytest.mark.parametrize("config", [TINY, BOTH, FLOW], ids=["image", "both", "velocity"])
def test_the_methods_train_it(config):
    network = randomised(SwinUNet(config)).train()
    frozen = randomised(SwinUNet(config), seed=1).requires_grad_(False)
    for method, losses in updates(network, frozen, question(channels=3 if config is FLOW else 6)):
        assert all(loss.isfinite() and loss > 0 for loss in losses.values()), method
        for name, parameter in network.named_parameters():
            assert parameter.grad.isfinite().all(), (method, name)
        assert network.trunk.time[0].weight.grad.abs().sum() > 0


@torch.no_grad()
def test_half_precision_and_channels_last():
    network = randomised(SwinUNet(BOTH))
    assert channels_last_error(network, question()) < 1e-5
    assert 0 < half_precision_error(network, question()) < 0.05


@pytest.mark.parametrize(
    "values",
    [
        {"swin_width": 48},
        {"attention": (4,)},
        {"head_channels": 36},
        {"trained_side": 20},
        {"multipliers": (1, 0)},
        {"schedule": {"steps": 1}},
        {"schedule": {"sigma": 1.5}},
        {"lq_size": 64},
    ],
)
def test_impossible_sizes_are_refused(values):
    with pytest.raises(ValidationError):
        SwinUNetConfig(**values)
