from dataclasses import dataclass, field, replace
from functools import partial

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from leapsr import flow
from leapsr.errors import ConfigError
from leapsr.methods import Batch, Networks, Oftsr, OftsrConfig, Teacher
from leapsr.methods.refine import Refine, RefineConfig, descend
from leapsr.networks import Condition, Quality
from tests.gaussian import GaussianFlow, example

FLOW = example()
SIZE = FLOW.image_mean.numel()
OMEGAS = ["uniform", "inverse", "sigma2", "normalised"]


def batch(n: int = 64, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    image, source = FLOW.draw(n, generator)
    cond = Condition(torch.zeros(n, 3, 1, 1).double())
    return Batch(image, source, cond, generator, lambda: FLOW.draw(n, generator)[1])


@dataclass
class Student:
    """One step from the source to N(mean, std), which is a Gaussian flow's image."""

    mean: Tensor
    std: Tensor

    def __call__(self, x: Tensor, t: Tensor, r: Tensor, cond: object = None) -> Tensor:
        return x - self.mean - self.std * (x - FLOW.source_mean) / FLOW.source_std

    def flow(self) -> GaussianFlow:
        """From this student's images to fresh sources: its velocity is what a perfect score network says."""
        return GaussianFlow(self.mean.detach(), self.std.detach(), FLOW.source_mean, FLOW.source_std)

    def divergence(self) -> float:
        """KL(student || images), of Gaussians."""
        ratio, away = self.std / FLOW.image_std, (self.mean - FLOW.image_mean) / FLOW.image_std
        return ((ratio**2 + away**2 - 1) / 2 - ratio.abs().log()).sum().item()


def perfect() -> Student:
    return Student(FLOW.image_mean.clone().requires_grad_(), FLOW.image_std.clone().requires_grad_())


def level(picture: Tensor, lr: Tensor) -> Tensor:
    """A critic that likes bright positions."""
    return picture.mean(1)


def refine(student, regulariser=FLOW.wrong, critic=level, method=Teacher, **rest) -> Refine:
    """Where the diagonal is asked, `wrong` is the velocity."""
    config = {key: rest.pop(key) for key in list(rest) if key in RefineConfig.model_fields}
    perceptual = rest.pop("perception", None)
    auxiliary = {"score": regulariser, "critic": critic}
    networks = Networks(student, student, FLOW.wrong, None, auxiliary, auxiliary, perceptual)
    return Refine(method, networks, RefineConfig(**config), **rest)


ONLY_SCORE = {"distillation": 0, "reconstruction": 0, "adversarial": 0}
ONLY_CRITIC = {"distillation": 0, "reconstruction": 0, "score": 0, "adversarial": 1}


def score_gradient(student: Student, data: Batch, omega: str = "uniform") -> tuple[Tensor, Tensor]:
    method = refine(student, student.flow().wrong, **ONLY_SCORE, omega=omega)
    name, losses = next(method(data))
    assert (name, set(losses)) == ("student", {"score"})
    return torch.autograd.grad(losses["score"], [student.mean, student.std])


@pytest.mark.parametrize("omega", OMEGAS)
def test_nothing_moves_a_student_that_has_the_teachers_distribution(omega):
    for gradient in score_gradient(perfect(), batch(), omega):
        assert gradient.abs().max() == 0


@pytest.mark.parametrize("omega", OMEGAS)
@pytest.mark.parametrize(("shift", "width"), [(0.4, 1.0), (-0.4, 1.0), (0.0, 0.4), (0.0, 1.8), (0.3, 0.5)])
def test_descent_leads_to_the_teachers_distribution_and_ascent_away(omega, shift, width):
    """This pins the sign of eq. 15. The score network is exact in every step."""
    for direction in (-1, 1):
        student = perfect()
        student.mean.data += shift
        student.std.data *= width
        divergences = [student.divergence()]
        for step in range(6):
            gradients = score_gradient(student, batch(256, seed=step), omega)
            student.mean.data += direction * 0.1 * SIZE * gradients[0]
            student.std.data += direction * 0.1 * SIZE * gradients[1]
            student.std.data.clamp_min_(0.01)
            divergences.append(student.divergence())
        changes = torch.tensor(divergences).diff()
        assert (direction * changes > 0).all()


def test_weights_of_the_times():
    """The same draws under each omega; by the formulas of the codes that they come from."""
    student = perfect()
    student.mean.data += 0.3
    other, data = student.flow().wrong, batch()
    z = (data.source - student(data.source, None, None)).detach()

    def found(omega: str) -> Tensor:
        return refine(student, other, omega=omega).divergence(z, batch())

    data = batch()
    t = refine(student).times(z, data)
    assert t.min() >= 0.02
    assert t.max() <= 0.98
    z_t = torch.lerp(z, data.redraw(), flow.expand_as_batch(t, z))
    v_teacher, v_score = FLOW.v(z_t, t), other(z_t, t, t)
    torch.testing.assert_close(found("inverse"), v_teacher - v_score)
    # Eq. 15 with omega 1 is a gradient by way of z_t, of which z is a part of 1 - t.
    torch.testing.assert_close(found("uniform"), flow.expand_as_batch(1 - t, z) * (v_teacher - v_score))
    torch.testing.assert_close(found("sigma2"), flow.expand_as_batch(t**2, z) * (v_teacher - v_score))
    x_teacher, x_score = (z_t - flow.expand_as_batch(t, z) * v for v in (v_teacher, v_score))
    far = (z - x_teacher).abs().mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(found("normalised"), (x_score - x_teacher) / far)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_descend_passes_its_gradient_on(dtype):
    """Per element of the mean, and to the last bit even where the gradient is small beside z."""
    z = torch.full((2, 4), 100.0, dtype=dtype, requires_grad=True)
    wanted = torch.arange(8, dtype=dtype).view(2, 4) / 256
    loss = descend(z, wanted)
    torch.testing.assert_close(loss, wanted.square().mean() / 2)
    loss.backward()
    assert torch.equal(z.grad, wanted / 8)


def test_the_score_network_learns_the_students_outputs():
    """No velocity beats that of the student's own distribution, which is not the images'."""
    student = perfect()
    student.mean.data += 0.3
    student.std.data *= 0.5

    def loss(score) -> Tensor:
        updates = dict(refine(student, score, **ONLY_SCORE)(batch(2048)))
        return updates["score"]["flow"]

    v = student.flow().wrong
    exact = loss(v)
    assert loss(FLOW.wrong) > exact
    for scale, shift in ((0.9, 0), (1.1, 0), (1, 0.1), (1, -0.1)):
        assert loss(lambda *a, scale=scale, shift=shift: scale * v(*a) + shift) > exact


def painted(photo: list[float], picture: list[float]) -> tuple[Batch, Student]:
    """Images of one brightness each, and a student that answers with the others."""
    data = batch(len(photo))
    image, answer = (
        torch.tensor(row).double()[:, None, None, None] + 0 * data.image for row in (photo, picture)
    )
    return replace(data, image=image), lambda x, t, r, cond: x - answer


def test_hinge_by_hand():
    data, student = painted([2.0, 0.5], [-3.0, 0.0])
    updates = dict(refine(student, **ONLY_CRITIC | {"adversarial": 0.5})(data))
    assert updates["student"]["adversarial"].item() == pytest.approx(
        0.5 * 1.5
    )  # - mean(-3, 0), by its weight
    assert updates["critic"]["real"].item() == pytest.approx((0 + 0.5) / 2)
    assert updates["critic"]["fake"].item() == pytest.approx((0 + 1) / 2)


def test_the_hinge_looks_at_each_position():
    """A photo whose patches score 3 and -1 scores 1 on average, where a hinge of the mean would be 0."""
    data, student = painted([3.0], [-2.0])
    data.image[..., ::2] = -1
    assert dict(refine(student, **ONLY_CRITIC)(data))["critic"]["real"].item() == pytest.approx((0 + 2) / 2)


def test_reconstruction_by_hand():
    data, student = painted([0.5, 0.5], [0.25, 1.0])
    config = {"distillation": 0, "score": 0, "adversarial": 0, "reconstruction": 2, "perceptual": 3}

    def farthest(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs().amax((1, 2, 3))

    [(_, losses)] = refine(student, perception=farthest, **config)(data)
    assert losses["reconstruction"].item() == pytest.approx(2 * (0.25**2 + 0.5**2) / 2)
    assert losses["perceptual"].item() == pytest.approx(2 * 3 * (0.25 + 0.5) / 2)
    [(_, losses)] = refine(student, **config)(data)
    assert set(losses) == {"reconstruction"}


@dataclass
class Weighted:
    """A network with one weight, and how often it was called with a gradient."""

    inner: object
    weight: Tensor = field(default_factory=lambda: torch.ones(1, dtype=torch.float64, requires_grad=True))
    batches: list[int] = field(default_factory=list)

    def __call__(self, *arguments) -> Tensor:
        if torch.is_grad_enabled():
            self.batches.append(len(arguments[0]))
        return self.weight * self.inner(*arguments)


def cast() -> tuple[Refine, dict[str, Weighted]]:
    """Everybody with weights of their own; the wrapped and the unwrapped networks count apart."""
    people = {name: Weighted(FLOW.wrong) for name in ("student", "teacher", "score")}
    people |= {"critic": Weighted(level), "student": Weighted(Student(FLOW.image_mean + 0.1, FLOW.image_std))}
    auxiliary = {name: people[name] for name in ("score", "critic")}
    unwrapped = {name: Weighted(net.inner, net.weight) for name, net in auxiliary.items()}
    networks = Networks(people["student"], people["student"], people["teacher"], None, auxiliary, unwrapped)
    method = Refine(partial(Oftsr, config=OftsrConfig(dt=0.1)), networks)
    return method, people | {f"unwrapped {name}": net for name, net in unwrapped.items()}


def test_no_gradient_leaks_between_networks():
    """The critic alone gets one it did not ask for, from the student's update; the trainer never makes it."""
    method, people = cast()
    reached = {}
    for name, losses in method(batch()):
        sum(losses.values()).backward()
        reached[name] = {name for name, person in people.items() if person.weight.grad is not None}
        for person in people.values():
            person.weight.grad = None
    assert reached["student"] == {"student", "critic", "unwrapped critic"}
    assert reached["score"] == {"score", "unwrapped score"}
    assert reached["critic"] == {"critic", "unwrapped critic"}
    assert list(reached) == ["student", "score", "critic"]


def test_each_network_is_called_once_with_a_gradient():
    """Three questions of OFTSR and the one step, in one pass; photos and pictures in another."""
    method, people = cast()
    list(method(batch(8)))
    called = {name: person.batches for name, person in people.items()}
    assert called == {
        "student": [4 * 8],
        "teacher": [],
        "score": [8],
        "critic": [2 * 8],
        "unwrapped score": [],
        "unwrapped critic": [8],
    }


@dataclass(frozen=True)
class Chatty:
    """A method that first looks without a gradient, and then calls the student `times` times."""

    networks: Networks
    times: int = 2

    def __call__(self, data: Batch):
        t = torch.full((len(data.image),), 0.5).double()
        with torch.no_grad():
            self.networks.student(data.image, t, t, data.cond)
        answers = [self.networks.student(data.image, t, t, data.cond) for _ in range(self.times)]
        yield "critic", {"other": t.sum()}
        yield "student", {"answer": sum(answers, t.sum()).mean()}
        raise AssertionError("what follows the student's update is not asked for")


@pytest.mark.parametrize("times", [0, 1, 2])
def test_any_method_can_be_refined(times):
    """Its losses are what they would be alone, and the one step is the student's whoever took it along."""
    student = Weighted(perfect())
    method = refine(student, method=partial(Chatty, times=times), distillation=2)
    data = batch(4)
    z, losses = method.one_step(data)
    updates = Chatty(Networks(student.inner, student.inner), times)(data)
    alone = next(losses for name, losses in updates if name == "student")
    torch.testing.assert_close(losses, {"distillation_answer": 2 * alone["answer"]})
    torch.testing.assert_close(z, data.source - student.inner(data.source, None, None))
    assert student.batches == {0: [4], 1: [8], 2: [8, 4]}[times]


def test_the_students_own_losses_are_those_of_its_method():
    student = Student(FLOW.image_mean + 0.1, FLOW.image_std)
    _, losses = next(refine(student, method=Oftsr, distillation=3)(batch()))
    [(_, alone)] = Oftsr(Networks(student, student, FLOW.wrong))(batch())
    for name, loss in alone.items():
        torch.testing.assert_close(losses[f"distillation_{name}"], 3 * loss)


@dataclass(frozen=True)
class Unlabelled:
    networks: Networks

    def __call__(self, data: Batch):
        t = torch.full((len(data.image),), 0.5).double()
        answer = self.networks.student(data.image, t, t, data.cond.labelled(Quality.NONE))
        yield "student", {"answer": answer.mean()}


def test_both_questions_keep_their_times_and_labels():
    asked = []
    data = replace(batch(2), cond=batch(2).cond.labelled(Quality.BAD))
    refine(lambda *a: asked.append(a) or a[0], method=Unlabelled).one_step(data)
    [(x, t, r, cond)] = asked
    assert torch.equal(x, torch.cat([data.image, data.source]))
    assert t.tolist() == [0.5, 0.5, 1, 1]
    assert r.tolist() == [0.5, 0.5, 0, 0]
    assert cond.labels.tolist() == [Quality.NONE] * 2 + [Quality.BAD] * 2


@pytest.mark.parametrize(
    ("dropped", "losses", "auxiliary"),
    [
        ({}, {"distillation_flow", "reconstruction", "perceptual", "score", "adversarial"}, "score critic"),
        ({"distillation": 0}, {"reconstruction", "perceptual", "score", "adversarial"}, "score critic"),
        (
            {"reconstruction": 0},
            {"distillation_flow", "score", "adversarial"},
            "score critic",
        ),
        ({"perceptual": 0}, {"distillation_flow", "reconstruction", "score", "adversarial"}, "score critic"),
        ({"score": 0}, {"distillation_flow", "reconstruction", "perceptual", "adversarial"}, "critic"),
        ({"adversarial": 0}, {"distillation_flow", "reconstruction", "perceptual", "score"}, "score"),
    ],
)
def test_a_weight_of_zero_drops_the_loss_and_its_network(dropped, losses, auxiliary):
    method = refine(perfect(), perception=lambda a, b: (a - b).abs().mean((1, 2, 3)), **dropped)
    updates = dict(method(batch()))
    assert list(updates) == ["student", *auxiliary.split()]
    assert set(updates["student"]) == losses


def test_the_photo_itself_is_what_pictures_are_compared_with():
    """Eq. 18 and 19: "real" is the photo, not what an autoencoder makes of it."""
    data, shown = batch(4), []

    def critic(picture: Tensor, lr: Tensor) -> Tensor:
        shown.append(picture)
        return picture.mean(1)

    photo = torch.full_like(data.image, 0.25)
    method = refine(perfect(), critic=critic, decode=lambda z: 0 * z, distillation=0, score=0)
    updates = method(replace(data, photo=photo))
    torch.testing.assert_close(next(updates)[1]["reconstruction"], torch.tensor(0.0625).double())
    next(updates)
    assert torch.equal(shown[-1][:4], photo)


def test_pictures_are_decoded_and_shown_through_features():
    """Students work in a space of their own; the critic sees a frozen network's maps of what comes out."""
    gain, data = torch.ones(1, dtype=torch.float64, requires_grad=True), batch(4)
    shown = []

    def critic(maps: list[Tensor], lr: Tensor) -> Tensor:
        shown.append((maps, lr))
        return maps[1].flatten(1)

    method = refine(
        lambda x, t, r, cond: gain * x,
        critic=critic,
        decode=lambda z: 2 * z[:, :, ::2],
        features=lambda picture: [picture.mean(1), picture.square()],
        **ONLY_CRITIC,
    )
    updates = method(data)
    _, losses = next(updates)
    [gradient] = torch.autograd.grad(losses["adversarial"], gain)
    torch.testing.assert_close(gradient, 0 * gradient)  # z = 0, and the square's slope there
    assert "real" in next(updates)[1]
    photo, picture = shown[1][0][1].chunk(2)
    torch.testing.assert_close(photo, (2 * data.image[:, :, ::2]).square())
    assert picture.abs().max() == 0
    assert not photo.requires_grad
    assert [len(lr) for _, lr in shown] == [4, 8]


def test_the_critic_teaches_through_decoder_and_features():
    gain = torch.full((1,), 0.5, dtype=torch.float64, requires_grad=True)
    method = refine(
        lambda x, t, r, cond: gain * x,
        critic=lambda maps, lr: maps[0],
        decode=lambda z: 3 * z,
        features=lambda picture: [picture.square()],
        **ONLY_CRITIC,
    )
    data = batch()
    _, losses = next(method(data))
    [gradient] = torch.autograd.grad(losses["adversarial"], gain)
    expected = 2 * 9 * 0.5 * data.source.square().mean()  # d/da of - 9 (1 - a)^2 E[source^2]
    torch.testing.assert_close(gradient, expected[None])


def test_what_is_missing_is_said_at_once():
    student = perfect()
    full = refine(student).networks
    for missing in ({"teacher": None}, {"auxiliary": {}}, {"unwrapped_auxiliary": {}}):
        with pytest.raises(ConfigError, match="refine needs"):
            Refine(Teacher, replace(full, **missing))
    Refine(Teacher, replace(full, teacher=None, auxiliary={"critic": level}), RefineConfig(score=0))
    Refine(Teacher, replace(full, auxiliary={"score": FLOW.wrong}), RefineConfig(adversarial=0))

    def needy(networks: Networks) -> Teacher:
        raise ConfigError("this one distils")

    with pytest.raises(ConfigError, match="distils"):
        Refine(needy, full)
    with pytest.raises(ValueError, match="redraw"):
        next(refine(student)(replace(batch(), redraw=None)))


@pytest.mark.parametrize(
    "values",
    [
        {"reconstruction": 0, "score": 0, "adversarial": 0},
        {"earliest": 0.5, "latest": 0.5},
        {"score": -1},
        {"omega": "cosine"},
        {"gan": 1},
    ],
)
def test_impossible_configurations_are_refused(values):
    with pytest.raises(ValidationError):
        RefineConfig(**values)


def test_a_student_learns_from_all_of_it():
    """The three networks in turn, as the trainer runs them. The score network has to outrun the student: at
    equal rates both circle the solution.
    """
    student = Student(*(nn.Parameter(x) for x in (FLOW.image_mean + 0.5, 0.3 * FLOW.image_std)))
    score = Student(nn.Parameter(FLOW.image_mean.clone()), nn.Parameter(FLOW.image_std.clone()))
    slope = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def velocity(x, t, r, cond):
        return GaussianFlow(score.mean, score.std, FLOW.source_mean, FLOW.source_std).v(x, t)

    method = refine(student, velocity, lambda x, lr: slope * x.mean(1), distillation=0, reconstruction=0)
    parameters = {"student": [student.mean, student.std], "score": [score.mean, score.std], "critic": [slope]}
    rates = {"student": 0.01, "score": 0.05, "critic": 0.01}
    optimizers = {name: torch.optim.Adam(own, lr=rates[name]) for name, own in parameters.items()}
    before = student.divergence()
    for step in range(60):
        for name, losses in method(batch(64, seed=step)):
            optimizers[name].zero_grad()
            sum(losses.values()).backward(inputs=parameters[name])
            optimizers[name].step()
    assert student.divergence() < 0.2 * before
