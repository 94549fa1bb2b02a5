"""Whatever a method takes apart and joins, points, times and conditions stay together.

In the other tests all conditions are alike. Here the networks look whether what they are asked about belongs
together, and remember the labels they were asked for.
"""

import pytest
import torch
from torch import Tensor

from leapsr import methods
from leapsr.methods import (
    DialConfig,
    FlowsrConfig,
    MfsrConfig,
    Networks,
    OftsrConfig,
    RefinementConfig,
    SmfsrConfig,
    TeacherConfig,
)
from leapsr.networks import Condition, Quality
from tests.passport import LABELS, NUMBER, ROWS, Officer, batch, check

PEOPLE = ("student", "unwrapped", "teacher", "average", "score")


class Cast:
    """Officers in every place, and a critic and a loss that look at pictures' passports."""

    def __init__(self) -> None:
        self.people = {name: Officer() for name in PEOPLE}
        self.shown: list[list[int]] = []
        auxiliary = {"score": self.people["score"], "critic": self.critic}
        student, unwrapped, teacher, average, _ = self.people.values()
        self.networks = Networks(
            student,
            unwrapped,
            teacher,
            average,
            auxiliary,
            auxiliary,
            self.perceptual,
            self.features,
            self.align,
        )

    def __getitem__(self, name: str) -> Officer:
        return self.people[name]

    def critic(self, picture: Tensor | list[Tensor], lr: Tensor | None = None) -> Tensor | list[Tensor]:
        """FlowSR's reads maps that `features` looked at; a refinement's comes with the small images."""
        if lr is None:
            return [part.mean((1, 2, 3)) for part in picture]
        check(picture.detach(), Condition(lr))
        self.shown.append(lr[:, 0, 0, 0].long().tolist())
        return picture.mean((1, 2, 3))

    def features(self, x: Tensor, t: Tensor, cond: Condition) -> list[Tensor]:
        return [self.people["teacher"](x, t, t, cond)]

    def perceptual(self, a: Tensor, b: Tensor) -> Tensor:
        torch.testing.assert_close(a[NUMBER], b[NUMBER], rtol=0, atol=1e-9)
        return (a - b).square().mean((1, 2, 3))

    def align(self, images: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        torch.testing.assert_close(images[NUMBER], torch.arange(ROWS).double(), rtol=0, atol=1e-9)
        return images.mean((1, 2, 3)), images.amax((1, 2, 3))


def play(config: methods.MethodConfigBase) -> tuple[Cast, list[set[str]]]:
    """Everyone who was asked in one batch, and the losses of each update."""
    cast = Cast()
    losses = [set(values) for _, values in methods.build(config, cast.networks)(batch())]
    return cast, losses


def test_teacher():
    cast, _ = play(TeacherConfig(at_source=0.5))
    assert cast["student"].labels() == [LABELS]


@pytest.mark.parametrize("objective", ["oftsr", "pinn", "boot"])
@pytest.mark.parametrize("align", [0.0, 1.0])
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_oftsr(objective, align, share):
    """Near, far and the boundary in one pass, or near by itself; the boundary's rows are the first."""
    cast, _ = play(OftsrConfig(objective=objective, align=align, boundary_share=share, solver="heun"))
    boundary = LABELS[: int(share * ROWS)]
    together = align or objective == "pinn"
    assert cast["student"].labels() == [LABELS * (2 if together else 1) + boundary]
    assert cast["unwrapped"].labels() == ([] if together else [LABELS])
    inner = [LABELS] if objective == "oftsr" else []  # Heun's second stage
    assert cast["teacher"].labels() == [LABELS, *inner, boundary]
    assert all(cast[name].own() for name in PEOPLE)


@pytest.mark.parametrize("derivative", ["forward", "central", "step"])
@pytest.mark.parametrize("diagonal", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("velocity", "avoided"), [("null", Quality.NONE), ("negative", Quality.BAD), ("data", None)]
)
def test_mfsr(velocity, avoided, diagonal, derivative):
    """The teacher is asked for what the student is asked for, and for what guidance leads away from."""
    cast, _ = play(MfsrConfig(velocity=velocity, diagonal=diagonal, derivative=derivative))
    asked = [] if avoided is None else [LABELS + [avoided] * ROWS]
    assert cast["teacher"].labels() == asked
    assert cast["student"].labels() == [LABELS]
    below = LABELS[int(diagonal * ROWS) :]
    assert cast["unwrapped"].labels() == ([below] * (2 if derivative == "central" else 1) if below else [])


def test_meanflows_own_guidance():
    cast, _ = play(MfsrConfig(velocity="meanflow_cfg", diagonal=1))
    assert cast["unwrapped"].labels() == [LABELS + [Quality.NONE] * ROWS]
    assert cast["teacher"].asked == []


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("guidance", "away_from", "avoided"),
    [(1.0, "null", []), (4.5, "null", [Quality.NONE]), (4.5, "negative", [Quality.BAD])],
)
def test_smfsr(share, guidance, away_from, avoided):
    """Both parts of an interval are the student's with the sample's label; the boundary is the teacher's."""
    cast, _ = play(SmfsrConfig(boundary_share=share, guidance=guidance, away_from=away_from))
    first = int(share * ROWS)
    assert cast["student"].labels() == [LABELS]
    assert cast["unwrapped"].labels() == ([LABELS[first:]] * 2 if first < ROWS else [])
    assert cast["teacher"].labels() == ([LABELS[:first] + avoided * first] if first else [])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("regularisation", [0.0, 0.1])
def test_flowsr(share, regularisation):
    """The flow's samples, the leaders and their followers; the critic's noised images, real and restored.

    The critic looks through the teacher here: on a diffusion model's noise nobody could read a passport.
    """
    config = FlowsrConfig(flow_share=share, regularisation=regularisation, critic="teacher")
    cast, losses = play(config)
    assert "alignment" in losses[0]
    leaders = LABELS[int(share * ROWS) :]
    assert cast["student"].labels() == [LABELS + (leaders if regularisation else [])]
    assert cast["average"].labels() == ([leaders] if leaders else [])
    euler = [leaders] if leaders else []
    assert cast["teacher"].labels() == [*euler, LABELS, LABELS * 2]
    assert all(cast[name].own() for name in PEOPLE)


@pytest.mark.parametrize(
    "student",
    [OftsrConfig(), MfsrConfig(), SmfsrConfig(), FlowsrConfig(), DialConfig(perceptual=0, structure=0)],
)
def test_refinement(student):
    """The one step rides along with the student's own questions; the others see what came of it."""
    alone, _ = play(student.model_copy(update={"adversarial": 0.0}) if student.kind == "flowsr" else student)
    cast, _ = play(RefinementConfig(student=student))
    [own], [together] = alone["student"].labels(), cast["student"].labels()
    assert together == own + LABELS
    assert cast["teacher"].labels() == [*alone["teacher"].labels(), LABELS]  # then the divergence
    assert cast["score"].labels() == [LABELS, LABELS]  # the divergence, then its own update
    assert cast.shown == [[*range(ROWS)], [*range(ROWS)] * 2]
    assert cast["student"].own()
    assert cast["score"].own()


def test_officers_see_what_does_not_belong_together():
    data, officer = batch(), Officer()
    t = torch.linspace(0.1, 0.6, ROWS).double()
    x = torch.lerp(data.image, data.source, t[:, None, None, None])
    officer(x, t, t, data.cond)
    swapped = Condition(data.cond.lr.flip(0), data.cond.quality)
    for wrong in ((x, t, t, swapped), (x, t.flip(0), t, data.cond), (x.flip(0), t, t, data.cond)):
        with pytest.raises(AssertionError):
            officer(*wrong)
    assert officer.own()
    officer(x, t, t, data.cond.labelled(Quality.BAD))
    assert not officer.own()
