"""MFSR against flows whose guided average velocity is known."""

import math
from dataclasses import dataclass

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from leapsr.errors import ConfigError
from leapsr.flow import expand_as_batch
from leapsr.methods.base import Batch, Networks
from leapsr.methods.mfsr import Adaptive, Mfsr, MfsrConfig
from leapsr.networks import PRESETS, Condition, Quality, UNet
from tests.gaussian import GaussianFlow, example

FLOW = example()


def without_label() -> GaussianFlow:
    """What the teacher says of images in general: other variances in two channels, another mean in one.

    Where two flows share their mean or their variance, the guided field has a solution in closed form.
    """
    mean, std = FLOW.image_mean.clone(), FLOW.image_std.clone()
    mean[:, 2] += 0.2
    std[:, :2] *= 1.15
    return GaussianFlow(mean, std, FLOW.source_mean, FLOW.source_std)


OTHER = without_label()


@dataclass(frozen=True)
class Guided:
    """The ODE of OTHER.v + scale (FLOW.v - OTHER.v), which is affine in x.

    Its mean is mixed like the velocities, its deviation is the product of theirs, to the powers scale and
    1 - scale: as d log(deviation) / dt is the slope of a velocity in x.
    """

    scale: float

    def mean(self, t: Tensor) -> Tensor:
        return torch.lerp(OTHER.mean(t), FLOW.mean(t), self.scale)

    def std(self, t: Tensor) -> Tensor:
        return FLOW.std(t) ** self.scale * OTHER.std(t) ** (1 - self.scale)

    def v(self, x: Tensor, t: Tensor) -> Tensor:
        return OTHER.v(x, t) + self.scale * (FLOW.v(x, t) - OTHER.v(x, t))

    def u(self, x: Tensor, t: Tensor, r: Tensor, cond: object = None) -> Tensor:
        del cond
        start, end = expand_as_batch(t, x), expand_as_batch(r, x)
        moved = self.mean(end) + self.std(end) / self.std(start) * (x - self.mean(start))
        span = torch.where(t == r, torch.ones_like(t), t - r)
        return torch.where(expand_as_batch(t == r, x), self.v(x, t), (x - moved) / expand_as_batch(span, x))

    def wrong(self, x: Tensor, t: Tensor, r: Tensor, cond: object = None) -> Tensor:
        return self.v(x, t)


def teacher(x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
    """FLOW for GOOD, OTHER for BAD and NONE, and nothing off its diagonal."""
    assert torch.equal(t, r)
    return torch.where(expand_as_batch(cond.labels == Quality.GOOD, x), FLOW.v(x, t), OTHER.v(x, t))


def batch(n: int = 64, quality: Tensor | None = None) -> Batch:
    generator = torch.Generator().manual_seed(0)
    image, source = FLOW.draw(n, generator)
    return Batch(image, source, Condition(torch.zeros(n, 3, 1, 1).double(), quality), generator)


def networks(student, unwrapped=None, teacher=teacher) -> Networks:
    return Networks(student, unwrapped or student, teacher)


def loss(student, data: Batch | None = None, **config) -> Tensor:
    [(name, values)] = Mfsr(networks(student), MfsrConfig(**config))(data or batch())
    assert name == "student"
    assert set(values) == {"meanflow"}
    return values["meanflow"]


@pytest.mark.parametrize("times", ["uniform", "logit_normal"])
@pytest.mark.parametrize("velocity", ["null", "negative"])
@pytest.mark.parametrize("guidance", [1.0, 2.0, 6.0])
def test_the_objective_is_zero_at_the_guided_average_velocity_only(times, velocity, guidance):
    config = {"times": times, "velocity": velocity, "guidance": guidance}
    guided = Guided(guidance)
    assert loss(guided.u, **config) < 1e-12
    assert loss(guided.wrong, **config) > 1e-4  # the instantaneous one
    unguided = loss(FLOW.u, **config)
    assert unguided < 1e-12 if guidance == 1 else unguided > 1e-4


def test_guidance_1_is_the_flow_itself():
    assert loss(FLOW.u, guidance=1) < 1e-12
    assert loss(FLOW.wrong, guidance=1) > 1e-4


def test_null_and_negative_lead_away_from_different_labels():
    asked = []

    def listening(x, t, r, cond):
        asked.append(cond.labels.clone())
        return teacher(x, t, r, cond)

    for velocity in ("null", "negative"):
        list(Mfsr(networks(FLOW.u, teacher=listening), MfsrConfig(velocity=velocity))(batch(4)))
    expected = [[Quality.GOOD] * 4 + [other] * 4 for other in (Quality.NONE, Quality.BAD)]
    assert [labels.tolist() for labels in asked] == expected


def test_without_guidance_the_teacher_is_asked_half_as_much():
    asked = []
    method = Mfsr(
        networks(FLOW.u, teacher=lambda *a: asked.append(len(a[0])) or teacher(*a)), MfsrConfig(guidance=1)
    )
    list(method(batch(4)))
    assert asked == [4]


@pytest.mark.parametrize("n", [4, 5])
def test_rows_on_the_diagonal_learn_the_guided_velocity_itself(n):
    method = Mfsr(networks(FLOW.wrong), MfsrConfig(guidance=3))
    data = batch(n)
    t, r = method.times(3, data)
    assert torch.equal(t[:3], r[:3])
    assert (r[3:] < t[3:]).all()
    v = method.velocity(data.source, data.source - data.image, t, data.cond)
    torch.testing.assert_close(v, Guided(3).v(data.source, t))
    target = method.target(data.source, v, t, r, data.cond, 3)
    assert torch.equal(target[:3], v[:3])
    assert not torch.isclose(target[3:], v[3:]).flatten(1).all(1).any()


def test_the_diagonals_share():
    """The derivative is asked of the other rows alone, and not at all where there are none."""
    asked = []

    def unwrapped(*a):
        asked.append(len(a[0]))
        return FLOW.u(*a)

    for share in (0.0, 0.25, 0.5, 1.0):
        list(Mfsr(networks(FLOW.u, unwrapped), MfsrConfig(diagonal=share))(batch(8)))
    assert asked == [8, 6, 4]


def test_central_differences_give_nearly_the_same():
    guided = Guided(6.0)
    assert 0 < loss(guided.u, derivative="central") < 1e-8
    forward, central = (loss(guided.wrong, derivative=mode) for mode in ("forward", "central"))
    torch.testing.assert_close(forward, central, rtol=1e-4, atol=0)


def test_order_of_the_finite_step():
    """Eq. 13's target is off by dt^2, the local error of an Euler step, and zero with dt."""
    guided = Guided(6.0)
    coarse, fine = (
        loss(guided.u, derivative="step", dt=dt, diagonal=0, times="uniform").sqrt() for dt in (2e-4, 1e-4)
    )
    assert math.log2(coarse / fine) == pytest.approx(2, abs=0.1)
    assert loss(guided.u, derivative="step", dt=1e-6) < 1e-12
    exact, wrong = (loss(u, derivative="step", dt=1e-4) for u in (guided.u, guided.wrong))
    assert wrong > 1000 * exact


def test_the_finite_step_becomes_the_derivative():
    """(target(dt) - u) / dt tends to (identity's target - u) / (t - r), for any student."""
    method, data = (
        Mfsr(networks(lambda *a: 1.1 * FLOW.u(*a)), MfsrConfig(derivative="step", dt=1e-6)),
        batch(),
    )
    t, r = method.times(0, data)
    keep = (t - r) > 0.05
    x, t, r = data.source[keep], t[keep], r[keep]
    cond, v = data.cond.take(slice(len(t))), FLOW.v(x, t)
    u = 1.1 * FLOW.u(x, t, r)
    step = (method.finite_step(x, v, t, r, cond) - u) / 1e-6
    torch.testing.assert_close(
        step, (method.identity(x, v, t, r, cond) - u) / expand_as_batch(t - r, x), rtol=1e-3, atol=1e-3
    )


def test_a_finite_step_stops_at_r():
    method, data = Mfsr(networks(FLOW.u), MfsrConfig(derivative="step", dt=1.0)), batch()
    t, r = method.times(8, data)
    v = FLOW.v(data.source, t)
    assert torch.equal(method.finite_step(data.source, v, t, r, data.cond), v)


def gradient(student_gain: float, offset: float = 0.0, **config) -> tuple[Tensor, Tensor]:
    """Per-sample gradients for a gain and an offset of the exact average velocity, each (n,)."""
    n = 4096
    gain = torch.full((n, 1, 1, 1), student_gain, dtype=torch.float64, requires_grad=True)
    shift = torch.full((n, 1, 1, 1), offset, dtype=torch.float64, requires_grad=True)
    exact = FLOW.u if config["velocity"] == "data" else Guided(6.0).u

    def student(x, t, r, cond):
        rows = slice(n - len(x), None)  # the derivative is asked of the last rows only
        return gain[rows] * exact(x, t, r) + shift[rows]

    value = loss(student, batch(n), times="uniform", **config)
    one, other = torch.autograd.grad(n * value, [gain, shift])
    return one.flatten(), other.flatten()


def deviations(samples: Tensor) -> float:
    """The mean in units of its own standard error."""
    return (samples.mean().abs() / (samples.std() / len(samples) ** 0.5)).item()


def test_with_the_datas_velocity_the_expected_gradient_vanishes_at_the_truth():
    """source - image is the velocity on average only: within statistical error, and beyond it elsewhere."""
    assert loss(FLOW.u, velocity="data") > 1e-2
    for samples in gradient(1.0, velocity="data"):
        assert deviations(samples) < 3.5
        assert samples.abs().max() > 0.01
    assert deviations(gradient(1.2, velocity="data")[0]) > 6
    assert deviations(gradient(1.0, 0.1, velocity="data")[1]) > 6


def test_with_the_teachers_velocity_every_gradient_vanishes_at_the_truth():
    for samples in gradient(1.0, velocity="negative"):
        assert samples.abs().max() < 1e-9
    assert deviations(gradient(1.1, velocity="negative")[0]) > 6


def test_meanflows_own_guidance_is_at_rest_at_its_effective_scale():
    """On average over the data: a student that is guided where a label is asked and plain where none is."""
    n, omega, kappa = 4096, 1.0, 0.5

    def student(x, t, r, cond):
        none = expand_as_batch(cond.labels == Quality.NONE, x)
        return torch.where(none, OTHER.u(x, t, r), Guided(omega / (1 - kappa)).u(x, t, r))

    method = Mfsr(networks(student, teacher=None), MfsrConfig(velocity="meanflow_cfg"))
    data = batch(n)
    t, _ = method.times(n, data)
    x = torch.lerp(data.image, data.source, expand_as_batch(t, data.image))
    path = data.source - data.image
    error = method.velocity(x, path, t, data.cond) - Guided(2.0).v(x, t)
    assert deviations(error.flatten(1).mean(1)) < 3.5
    assert deviations((error + 0.05).flatten(1).mean(1)) > 3.5
    mixed = omega * path + kappa * Guided(2.0).v(x, t) + (1 - omega - kappa) * OTHER.v(x, t)
    torch.testing.assert_close(method.velocity(x, path, t, data.cond), mixed)


def test_rows_without_a_label_learn_the_plain_velocity():
    labels = torch.tensor([Quality.NONE, Quality.GOOD, Quality.NONE, Quality.BAD])
    method, data = Mfsr(networks(FLOW.u, teacher=None), MfsrConfig(velocity="meanflow_cfg")), batch(4, labels)
    t = torch.full((4,), 0.5).double()
    path = data.source - data.image
    v = method.velocity(data.source, path, t, data.cond)
    assert (v == path).flatten(1).all(1).tolist() == [True, False, True, False]


@pytest.mark.parametrize("velocity", ["data", "meanflow_cfg", "null", "negative"])
@pytest.mark.parametrize("derivative", ["forward", "central", "step"])
def test_one_pass_carries_gradients_and_reaches_the_student_alone(velocity, derivative):
    gain, bare_gain, teacher_gain = (torch.ones(1).double().requires_grad_(True) for _ in range(3))
    calls = []

    def student(*a):
        calls.append(torch.is_grad_enabled())
        return gain * FLOW.u(*a)

    def unwrapped(*a):
        assert not torch.is_grad_enabled()
        return bare_gain * FLOW.u(*a)

    config = MfsrConfig(velocity=velocity, derivative=derivative)
    method = Mfsr(networks(student, unwrapped, lambda *a: teacher_gain * teacher(*a)), config)
    [(_, values)] = method(batch())
    values["meanflow"].backward()
    assert calls == [True]
    assert gain.grad is not None
    assert bare_gain.grad is None
    assert teacher_gain.grad is None


def test_adaptive_weights():
    """Power 0 is the sum over pixels; power 1 hides the size of the error and keeps its direction."""
    plain = loss(FLOW.wrong)
    pixels = FLOW.image_mean.numel()
    torch.testing.assert_close(loss(FLOW.wrong, adaptive=Adaptive(power=0)), plain * pixels)
    error = torch.tensor([0.5, 2.0, 8.0], requires_grad=True)
    Adaptive(power=0.5, constant=1.0)(error).sum().backward()
    torch.testing.assert_close(error.grad, torch.tensor([1.5, 3.0, 9.0]) ** -0.5)
    assert loss(FLOW.wrong, adaptive=Adaptive(), guidance=6).item() == pytest.approx(1, abs=0.05)


def test_l1():
    assert loss(Guided(6.0).u, norm="l1") < 1e-6
    assert loss(Guided(6.0).wrong, norm="l1") > 1e-2


def test_a_teacher_is_asked_for_where_one_is_needed():
    for velocity in ("null", "negative"):
        with pytest.raises(ConfigError, match=velocity):
            Mfsr(networks(FLOW.u, teacher=None), MfsrConfig(velocity=velocity))
    for velocity in ("data", "meanflow_cfg"):
        Mfsr(networks(FLOW.u, teacher=None), MfsrConfig(velocity=velocity))


@pytest.mark.parametrize("values", [{"guidance": -1}, {"kappa": 1}, {"diagonal": 1.5}, {"velocity": "neg"}])
def test_impossible_configs_are_refused(values):
    with pytest.raises(ValidationError):
        MfsrConfig(**values)


def test_a_network_learns_in_half_precision_as_in_single():
    """The derivative, the target and the gradient in one autocast region; every weight gets its gradient."""
    torch.manual_seed(0)
    network = UNet(PRESETS["tiny"].model_copy(update={"quality": True}))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    image, source = torch.randn(2, 4, 3, 16, 16)
    gradients = []
    for enabled in (False, True):
        generator = torch.Generator().manual_seed(0)
        data = Batch(image, source, Condition(torch.randn(4, 3, 4, 4, generator=generator)), generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            [(_, values)] = Mfsr(networks(network, teacher=network))(data)
        gradients.append(torch.autograd.grad(values["meanflow"], list(network.parameters())))
    single, half = (torch.cat([g.flatten() for g in found]) for found in gradients)
    assert torch.cosine_similarity(single, half, dim=0) > 0.98
