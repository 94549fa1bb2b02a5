"""SMFSR's first stage against a flow whose average velocity is known."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from leapsr.errors import ConfigError
from leapsr.flow import expand_as_batch
from leapsr.methods.base import Batch, Networks
from leapsr.methods.smfsr import MARGIN, Smfsr, SmfsrConfig
from leapsr.networks import Condition, Quality
from tests.gaussian import example

FLOW, OTHER = example(), example(seed=1)


def teacher(x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
    """FLOW for GOOD, OTHER for NONE, nothing at all for BAD."""
    assert torch.equal(t, r)
    found = torch.where(expand_as_batch(cond.labels == Quality.GOOD, x), FLOW.v(x, t), OTHER.v(x, t))
    return torch.where(expand_as_batch(cond.labels == Quality.BAD, x), torch.zeros_like(x), found)


def batch(n: int = 64) -> Batch:
    generator = torch.Generator().manual_seed(0)
    image, source = FLOW.draw(n, generator)
    return Batch(image, source, Condition(torch.zeros(n, 3, 1, 1).double()), generator)


def losses(student, n: int = 64, teacher=teacher, **config) -> dict[str, Tensor]:
    [(name, values)] = Smfsr(Networks(student, student, teacher), SmfsrConfig(**config))(batch(n))
    assert name == "student"
    assert set(values) == {"splitting", "boundary"}
    return values


@pytest.mark.parametrize("times", ["uniform", "logit_normal"])
@pytest.mark.parametrize("split", ["uniform", "half"])
def test_the_objective_is_zero_at_the_exact_average_velocity_only(times, split):
    exact = losses(FLOW.u, times=times, split=split)
    assert exact["splitting"] < 1e-12
    assert exact["boundary"] < 1e-12
    wrong = losses(FLOW.wrong, times=times, split=split)
    assert wrong["splitting"] > 1e-4
    assert wrong["boundary"] < 1e-12  # it is right on the diagonal


def test_splitting_holds_for_any_flow_and_the_boundary_says_which():
    values = losses(OTHER.u)
    assert values["splitting"] < 1e-12
    assert values["boundary"] > 1e-2


def test_the_gradient_vanishes_at_the_truth():
    for gain, vanishes in ((1.0, True), (1.1, False)):
        tilt = torch.full((1,), gain, dtype=torch.float64, requires_grad=True)
        values = losses(lambda *a, tilt=tilt: tilt * FLOW.u(*a))
        for name in ("splitting", "boundary"):
            [found] = torch.autograd.grad(values[name], tilt, retain_graph=True)
            assert (found.abs() < 1e-9) == vanishes, name


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_parts_of_an_interval_meet_where_they_should(share):
    """lambda 0 leaves no first part and 1 no second: the target is what the student says already."""
    method = Smfsr(Networks(FLOW.wrong, FLOW.wrong, teacher))
    data = batch()
    t, r = method.times(0, data)
    target = method.split(data.source, t, r, torch.full_like(t, share), data.cond)
    torch.testing.assert_close(target, FLOW.wrong(data.source, t, r))


def test_the_second_part_starts_where_the_first_one_ends():
    asked = []
    method = Smfsr(Networks(FLOW.u, lambda *a: asked.append(a[:3]) or FLOW.u(*a), teacher))
    data = batch()
    t, r = method.times(0, data)
    method.split(data.source, t, r, torch.full_like(t, 0.25), data.cond)
    [(x_t, start, s), (x_s, middle, end)] = asked
    assert x_t is data.source
    assert start is t
    assert end is r
    assert middle is s
    torch.testing.assert_close(s, 0.75 * t + 0.25 * r)
    torch.testing.assert_close(x_s, FLOW.move(data.source, t, s))


def test_the_batch_is_shared_out():
    """Both losses are over the whole batch, so that their sum is the mean over samples."""
    asked = []
    for share in (0.0, 0.25, 1.0):
        values = losses(FLOW.wrong, 8, lambda *a: asked.append(len(a[0])) or 0 * a[0], boundary_share=share)
        assert (values["boundary"] == 0) == (share == 0)
        assert (values["splitting"] == 0) == (share == 1)
    assert asked == [2, 8]
    half, whole = (
        losses(lambda *a: 1 + FLOW.u(*a), 64, boundary_share=share)["boundary"] for share in (0.5, 1)
    )
    torch.testing.assert_close(half, whole / 2)  # each row's error is 1


def test_times():
    method, data = Smfsr(Networks(FLOW.u, FLOW.u, teacher), SmfsrConfig(std=8.0)), batch()
    t, r = method.times(10, data)
    assert torch.equal(t[:10], r[:10])
    assert (r[10:] <= t[10:]).all()
    assert (r[10:] < t[10:]).sum() > 40
    assert r.min().item() == pytest.approx(MARGIN)
    assert t.max().item() == pytest.approx(1 - MARGIN)
    t, r = method.times(0, data)
    middles = [
        Smfsr(method.networks, SmfsrConfig(split=law)).middle(t, r, data) for law in ("half", "uniform")
    ]
    assert middles[0].unique().tolist() == [0.5]
    assert middles[1].mean().item() == pytest.approx(0.5, abs=0.02)
    assert middles[1].std().item() == pytest.approx(12**-0.5, abs=0.02)


def test_guidance():
    """Eq. 13 against either label, and the teacher alone at scale 1, asked once a row."""
    asked = []

    def listening(*a):
        asked.append(len(a[0]))
        return teacher(*a)

    def velocity(**config) -> Tensor:
        method = Smfsr(Networks(FLOW.u, FLOW.u, listening), SmfsrConfig(**config))
        return method.velocity(data.source, t, data.cond)

    data, t = batch(4), torch.tensor([0.9, 0.5, 0.2, 0.7]).double()
    plain, other = FLOW.v(data.source, t), OTHER.v(data.source, t)
    assert torch.equal(velocity(), plain)
    torch.testing.assert_close(velocity(guidance=4.5), 4.5 * plain - 3.5 * other)
    torch.testing.assert_close(velocity(guidance=4.5, away_from="negative"), 4.5 * plain)
    assert asked == [4, 8, 8]


@pytest.mark.parametrize("guidance", [1.0, 4.5])
def test_a_dropped_text_is_dropped_on_both_sides(guidance: float) -> None:
    """Else the student's null text would learn what the teacher says of the caption."""
    quality = torch.tensor([Quality.GOOD, Quality.NONE, Quality.GOOD, Quality.NONE])
    asked: list[Tensor] = []

    def told(x, t, r, cond):
        asked.append(cond.labels)
        return teacher(x, t, r, cond)

    data, t = batch(4), torch.tensor([0.9, 0.5, 0.2, 0.7]).double()
    method = Smfsr(Networks(FLOW.u, FLOW.u, told), SmfsrConfig(guidance=guidance))
    velocity = method.velocity(data.source, t, data.cond.relabelled(quality))
    assert torch.equal(asked[0][:4], quality)
    torch.testing.assert_close(velocity[1::2], OTHER.v(data.source, t)[1::2])


def test_one_pass_carries_gradients_and_reaches_the_student_alone():
    gain, bare_gain, teacher_gain = (torch.ones(1).double().requires_grad_(True) for _ in range(3))
    calls = []

    def student(*a):
        calls.append((torch.is_grad_enabled(), len(a[0])))
        return gain * FLOW.u(*a)

    def unwrapped(*a):
        assert not torch.is_grad_enabled()
        return bare_gain * FLOW.u(*a)

    [(_, values)] = Smfsr(Networks(student, unwrapped, lambda *a: teacher_gain * teacher(*a)))(batch())
    sum(values.values()).backward()
    assert calls == [(True, 64)]
    assert gain.grad is not None
    assert bare_gain.grad is None
    assert teacher_gain.grad is None


def test_halves_from_a_network_are_welcome():
    """Under autocast a network may answer in half precision; points and targets keep single."""
    method = Smfsr(Networks(FLOW.u, lambda x, t, r, cond: FLOW.u(x, t, r).bfloat16(), teacher))
    data = batch()
    t, r = method.times(0, data)
    share = method.middle(t, r, data)
    target = method.split(data.source, t, r, share, data.cond)
    torch.testing.assert_close(target, FLOW.u(data.source, t, r), rtol=0.02, atol=0.02)


def test_a_teacher_is_needed():
    with pytest.raises(ConfigError, match="teacher"):
        Smfsr(Networks(FLOW.u, FLOW.u))


@pytest.mark.parametrize("values", [{"boundary_share": 2}, {"guidance": -1}, {"split": "third"}])
def test_impossible_configs_are_refused(values):
    with pytest.raises(ValidationError):
        SmfsrConfig(**values)
