from dataclasses import replace

import torch

from leapsr.methods import Batch, Networks, Teacher, TeacherConfig
from leapsr.networks import Condition
from tests.gaussian import example

FLOW = example()


def batch(n: int = 4096) -> Batch:
    generator = torch.Generator().manual_seed(0)
    image, source = FLOW.draw(n, generator)
    return Batch(image, source, Condition(torch.zeros(n, 3, 1, 1).double()), generator)


def loss(student, norm: str = "l2") -> torch.Tensor:
    [(name, losses)] = Teacher(Networks(student, student), TeacherConfig(norm=norm))(batch())
    assert name == "student"
    return losses["flow"]


def test_no_velocity_beats_the_exact_one():
    """Flow matching's minimum is the marginal velocity; its loss there is the conditional variance, not 0."""
    exact = loss(FLOW.u)
    for scale, shift in ((0.97, 0), (1.03, 0), (1, 0.05), (1, -0.05)):
        assert loss(lambda x, t, r, c, scale=scale, shift=shift: scale * FLOW.v(x, t) + shift) > exact


def test_the_gradient_vanishes_at_the_exact_velocity():
    bias = torch.zeros(FLOW.image_mean.shape, dtype=torch.float64, requires_grad=True)
    gain = torch.ones(1, dtype=torch.float64, requires_grad=True)
    near, far = (
        torch.autograd.grad(loss(lambda x, t, r, c: gain * FLOW.v(x, t) + bias + offset), [bias, gain])
        for offset in (0, 0.3)
    )
    assert near[0].abs().max() < 0.1 * far[0].abs().min()
    assert near[1].abs() < 0.1


def test_a_student_is_asked_on_the_diagonal_only():
    def student(x, t, r, cond):
        assert torch.equal(t, r)
        return x

    assert loss(student, "l1") > 0


def test_some_of_the_batch_stands_at_the_source():
    def student(x, t, r, cond):
        seen.append(t)
        return x

    seen: list[torch.Tensor] = []
    list(Teacher(Networks(student, student), TeacherConfig(at_source=0.25))(batch(64)))
    assert (seen[0] == 1).sum() == 16
    assert seen[0][16:].max() < 1


def test_a_batch_of_one_stands_at_the_source_as_often_as_the_share_says():
    seen: list[float] = []

    def student(x, t, r, cond):
        seen.append(t.item())
        return x

    generator = torch.Generator().manual_seed(0)
    method = Teacher(Networks(student, student), TeacherConfig(at_source=0.5))
    for _ in range(60):
        list(method(replace(batch(1), generator=generator)))
    assert 20 <= sum(t == 1 for t in seen) <= 40
