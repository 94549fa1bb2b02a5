import math

import pytest
import torch
from pydantic import ValidationError

from leapsr.flow import SLOPES, jump
from leapsr.methods import Batch, Networks, Oftsr, OftsrConfig
from leapsr.networks import Condition
from tests.gaussian import example

FLOW = example()
LOCAL_ORDERS = {"euler": 2, "heun": 3, "midpoint": 3, "ralston": 3}  # of the error of one step


def batch(n: int = 64) -> Batch:
    generator = torch.Generator().manual_seed(0)
    image, source = FLOW.draw(n, generator)
    return Batch(image, source, Condition(torch.zeros(n, 3, 1, 1).double()), generator)


def losses(student, **config) -> dict[str, torch.Tensor]:
    method = Oftsr(
        Networks(student, student, FLOW.wrong), OftsrConfig(**config)
    )  # on the diagonal, `wrong` is the velocity
    [(name, values)] = method(batch())
    assert name == "student"
    return values


@pytest.mark.parametrize(("objective", "dt"), [("oftsr", 0.05), ("boot", 1e-4), ("pinn", 1e-4)])
def test_objectives_tell_the_exact_average_velocity_from_the_instantaneous_one(objective, dt):
    """Pinn and boot ask for the derivative itself, so their residual falls with dt alone (Euler)."""
    exact = losses(FLOW.u, objective=objective, dt=dt)
    wrong = losses(FLOW.wrong, objective=objective, dt=dt)[objective]
    assert exact[objective] < 1e-7 < 1e-4 < wrong
    assert exact["align"] > 0  # the paper's alignment asks for the teacher's slope, not for the average
    assert exact["boundary"] < 1e-24


@pytest.mark.parametrize("objective", ["oftsr", "boot", "pinn"])
def test_objectives_vanish_as_the_step_does(objective):
    """To rounding at the exact velocity, while the wrong one's residual per step stays."""
    dt = 1e-6
    exact, wrong = (losses(u, objective=objective, dt=dt)[objective] for u in (FLOW.u, FLOW.wrong))
    assert exact < 1e-12
    assert exact < 1e-6 * wrong


@pytest.mark.parametrize("solver", SLOPES)
def test_order_of_the_finite_step(solver):
    """The target's error is that of one step of the solver: second order for Euler, third for the others.

    (Midpoint is one better on Gaussian flows, where its leading error cancels.)
    """
    coarse, fine = (losses(FLOW.u, solver=solver, dt=dt, earliest=0.3)["oftsr"].sqrt() for dt in (0.04, 0.02))
    expected = LOCAL_ORDERS[solver] + (solver == "midpoint")
    assert math.log2(coarse / fine) == pytest.approx(expected, abs=0.25)


def test_the_gradient_vanishes_at_the_truth():
    gain = torch.ones(1, dtype=torch.float64, requires_grad=True)
    [truth] = torch.autograd.grad(losses(lambda *a: gain * FLOW.u(*a), dt=1e-5)["oftsr"], gain)
    assert truth.abs() < 1e-6
    tilted = torch.full((1,), 1.1, dtype=torch.float64, requires_grad=True)
    [away] = torch.autograd.grad(losses(lambda *a: tilted * FLOW.u(*a), dt=0.05)["oftsr"], tilted)
    assert away.abs() > 1e-4


def test_times_are_clamped_at_the_end_of_the_trajectory():
    """The paper's s = t + dt can pass 1; here r = s - dt stops at 0."""
    method = Oftsr(Networks(FLOW.u, FLOW.u, FLOW.wrong), OftsrConfig(dt=0.5, earliest=0.01, latest=0.99))
    s, r = method.times(64, batch())
    assert r.min() == 0
    assert (s > r).all()
    assert s.max() <= 0.99


def test_the_target_starts_from_the_students_own_point():
    method, data = Oftsr(Networks(FLOW.u, FLOW.u, FLOW.wrong)), batch()
    s, r = method.times(64, data)
    pair = method.predict(data.source, data.cond, s, r)
    one = torch.ones(64).double()
    torch.testing.assert_close(pair.x_s, jump(data.source, pair.near, one, s))
    torch.testing.assert_close(pair.x_s, FLOW.move(data.source, one, s))


def test_without_alignment_the_target_is_the_same_and_the_step_cheaper():
    """Near is then computed without a graph; the trajectory loss and its gradient do not change."""
    gain = torch.full((1,), 1.1, dtype=torch.float64, requires_grad=True)
    found = [losses(lambda *a: gain * FLOW.u(*a), align=align)["oftsr"] for align in (0.01, 0)]
    torch.testing.assert_close(found[0], found[1])
    gradients = [torch.autograd.grad(loss, gain)[0] for loss in found]
    torch.testing.assert_close(gradients[0], gradients[1])


def test_the_teacher_is_asked_once_at_each_point():
    asked = []
    networks = Networks(FLOW.u, FLOW.u, lambda *a: asked.append(a[1]) or FLOW.wrong(*a))
    method = Oftsr(networks, OftsrConfig(solver="midpoint"))
    list(method(batch()))
    assert len(asked) == 3  # (x_s, s), the midpoint, the boundary


def test_the_boundary_can_be_learnt_from_the_data():
    """Same optimum, the posterior mean; the loss there is the conditional variance, and moving away costs."""
    exact, off = (
        losses(lambda *a, gain=gain: gain * FLOW.u(*a), boundary_target="data")["boundary"]
        for gain in (1.0, 1.3)
    )
    assert losses(FLOW.u)["boundary"] < 1e-24 < exact < off


def test_weights_and_shares():
    whole, part = losses(FLOW.wrong), losses(FLOW.wrong, align=0, boundary_share=0.25)
    assert set(whole) == {"oftsr", "align", "boundary"}
    assert set(part) == {"oftsr", "boundary"}
    assert set(losses(FLOW.wrong, boundary=0)) == {"oftsr", "align"}
    doubled = losses(FLOW.wrong, align=0.02)
    torch.testing.assert_close(doubled["align"], 2 * whole["align"])


def test_the_teacher_gets_no_gradient():
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)
    gain = torch.ones(1, dtype=torch.float64, requires_grad=True)

    def student(*a):
        return gain * FLOW.wrong(*a)

    method = Oftsr(Networks(student, student, lambda *a: weight * FLOW.wrong(*a)))
    [(_, values)] = method(batch())
    sum(values.values()).backward()
    assert weight.grad is None
    assert gain.grad is not None


@pytest.mark.parametrize(
    "values",
    [{"earliest": 0.5, "latest": 0.5}, {"earliest": 0.9, "latest": 0.1}, {"dt": 0}, {"solver": "rk4"}],
)
def test_impossible_configs_are_refused(values):
    with pytest.raises(ValidationError):
        OftsrConfig(**values)
