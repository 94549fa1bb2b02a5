import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from leapsr.errors import ConfigError
from leapsr.flow import expand_as_batch
from leapsr.methods.base import Batch, Networks, hinge
from leapsr.methods.flowsr import Flowsr, FlowsrConfig, Points, arrive, diffused, quality_alignment
from leapsr.networks import PRESETS, Condition, UNet
from leapsr.networks.discriminator import FeatureHeads, FeatureHeadsConfig
from tests.gaussian import example

FLOW = example()
SECOND = ("consistency", "regularisation")


def batch(n: int = 256, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    image, source = FLOW.draw(n, generator)
    cond = Condition(torch.zeros(n, 3, 1, 1).double())
    return Batch(image, source, cond, generator, lambda: FLOW.draw(n, generator)[1])


def networks(student=FLOW.u, average=None, **others) -> Networks:
    """The teacher is asked on its diagonal only, where `wrong` is the velocity; elsewhere it is not asked."""

    def teacher(x: Tensor, t: Tensor, r: Tensor, cond: object) -> Tensor:
        assert torch.equal(t, r)
        return FLOW.v(x, t)

    return Networks(student, student, teacher, average or student, **others)


def losses(student=FLOW.u, average=None, n: int = 256, **config) -> dict[str, Tensor]:
    method = Flowsr(networks(student, average), FlowsrConfig(**config))
    [(name, values)] = method(batch(n))
    assert name == "student"
    return values


def scaled(network, gain: Tensor) -> Callable[..., Tensor]:
    return lambda *arguments: gain * network(*arguments)


def parameter(value: float = 1.0) -> Tensor:
    return torch.full((1,), value, dtype=torch.float64, requires_grad=True)


# The consistency term


def test_consistency_tells_the_exact_average_velocity_from_the_instantaneous_one():
    exact, wrong = (
        losses(u, consistency=1, scheduler="intervals", n_fast=20)["consistency"]
        for u in (FLOW.u, FLOW.wrong)
    )
    assert exact < 1e-5 < 1e-4 < wrong


def test_consistency_vanishes_as_the_step_does():
    exact, wrong = (losses(u, scheduler="slow", n_slow=20_000)["consistency"] for u in (FLOW.u, FLOW.wrong))
    assert exact < 1e-12
    assert exact < 1e-6 * wrong


def test_the_order_of_the_finite_step():
    """The residual at the truth is the local error of the teacher's Euler step, second order in t' - t."""
    method, data = Flowsr(networks()), batch()
    start = torch.linspace(0.3, 1, len(data.image)).double()
    leaders = Points(FLOW.move(data.source, torch.ones_like(start), start), start, data.cond)
    coarse, fine = (
        method.discrepancy(
            arrive(FLOW.u, leaders), method.consistency_target(method.follow(leaders, start - dt))
        )
        .mean()
        .sqrt()
        for dt in (0.02, 0.01)
    )
    assert math.log2(coarse / fine) == pytest.approx(2, abs=0.1)


def test_the_gradient_vanishes_at_the_truth():
    def slope(gain: float) -> Tensor:
        value = parameter(gain)
        loss = losses(scaled(FLOW.u, value), FLOW.u, scheduler="slow", n_slow=20_000)["consistency"]
        return torch.autograd.grad(loss, value)[0].abs()

    assert slope(1.0) < 1e-6
    assert slope(1.1) > 1e-3


def test_where_the_follower_has_arrived_the_target_is_the_teachers_own_finish():
    """One interval from 1 to 0: f(x, 0) = x whatever the networks say, and the step is all of it."""
    values = losses(FLOW.u, FLOW.wrong, scheduler="intervals", n_fast=1, flow_share=0)
    data = batch()
    one = torch.ones(len(data.image)).double()
    finished = data.source - FLOW.v(data.source, one)
    expected = (FLOW.move(data.source, one, 0 * one) - finished).square().mean()
    torch.testing.assert_close(values["consistency"], 0.1 * expected)
    torch.testing.assert_close(values["regularisation"], 0.1 * (finished - data.image).square().mean())


def test_at_time_0_every_network_leaves_the_image_as_it_is():
    data = batch(8)
    still = arrive(lambda x, t, r, c: 1e3 * x + 7, Points(data.image, torch.zeros(8).double(), data.cond))
    assert torch.equal(still, data.image)


# The terms that look at the clean image


def best_gain(network, loss: str) -> float:
    """The gain on u that minimises a loss; f is linear in it, so three values give the parabola."""
    config = {"scheduler": "slow", "n_slow": 1000, "n": 4096}
    low, middle, high = (losses(scaled(network, gain), **config)[loss].item() for gain in (0.5, 1.0, 1.5))
    return 1 + 0.25 * (low - high) / (low - 2 * middle + high)


@pytest.mark.parametrize("loss", ["flow", "regularisation"])
def test_the_clean_image_pulls_the_student_to_the_posterior_mean(loss):
    """E[image | x_t] = x_t - t v(x_t, t): the best student is the instantaneous velocity, not the average.

    The loss does not vanish there; it is the variance that nobody can know.
    """
    assert best_gain(FLOW.wrong, loss) == pytest.approx(1, abs=0.02)
    mean, trajectory = (losses(u, n=4096)[loss] for u in (FLOW.wrong, FLOW.u))
    assert 1e-3 < mean < trajectory


def test_regularisation_moves_the_student_that_consistency_holds():
    gain = parameter()
    values = losses(scaled(FLOW.u, gain), FLOW.u, scheduler="slow", n_slow=20_000)
    still, pulled = (torch.autograd.grad(values[name], gain, retain_graph=True)[0].abs() for name in SECOND)
    assert still < 1e-6 < 1e-4 < pulled


# Weights, shares, spaces


def test_weights_and_shares():
    whole = losses(FLOW.wrong)
    assert set(whole) == {"flow", *SECOND}
    assert set(losses(FLOW.wrong, consistency=0)) == {"flow", "regularisation"}
    assert set(losses(FLOW.wrong, regularisation=0)) == {"flow", "consistency"}
    assert set(losses(FLOW.wrong, flow_share=0)) == set(SECOND)
    doubled = losses(FLOW.wrong, consistency=0.2, regularisation=0.3)
    torch.testing.assert_close(doubled["flow"], whole["flow"])
    torch.testing.assert_close(doubled["consistency"], 2 * whole["consistency"])
    torch.testing.assert_close(doubled["regularisation"], 3 * whole["regularisation"])


def test_the_first_stage_needs_no_teacher_and_the_second_says_so():
    alone = Networks(FLOW.wrong, FLOW.wrong)
    [(_, values)] = Flowsr(alone, FlowsrConfig(flow_share=1))(batch())
    assert set(values) == {"flow"}
    assert FlowsrConfig().needs_teacher
    assert not FlowsrConfig(flow_share=1).needs_teacher
    for missing in ("teacher", "average"):
        with pytest.raises(ConfigError, match="flow_share=1"):
            Flowsr(replace(networks(), **{missing: None}))


def test_the_perceptual_part_is_weighed_inside_d():
    def values(distance, **config) -> dict[str, Tensor]:
        method = Flowsr(networks(FLOW.wrong, perceptual=distance), FlowsrConfig(**config))
        return dict(method(batch()))["student"]

    plain, more = values(None), values(lambda a, b: (a - b).square().flatten(1).mean(1))
    for name in plain:
        torch.testing.assert_close(more[name], 3 * plain[name])
    without = values(lambda a, b: 1 / 0, perceptual=0)
    torch.testing.assert_close(without, plain)


def test_l1_is_the_mean_error():
    first, data = losses(FLOW.wrong, flow_share=1, norm="l1", n_slow=1, scheduler="slow"), batch()
    finished = data.source - FLOW.v(data.source, torch.ones(256).double())
    torch.testing.assert_close(first["flow"], (finished - data.image).abs().mean())


def test_losses_compare_with_the_photo_itself():
    """Eq. 6 and 7: X_HR is the photo, not what an autoencoder makes of it."""
    plain, (seen, against) = losses(FLOW.wrong), ({}, {})
    for shift, found in ((1, seen), (2, against)):
        data = batch()
        method = Flowsr(networks(FLOW.wrong, decode=lambda latent: 3 * latent + 1))
        found |= dict(method(replace(data, photo=3 * data.image + shift)))["student"]
    for name in ("flow", "regularisation"):
        torch.testing.assert_close(seen[name], 9 * plain[name])
        assert not torch.allclose(against[name], seen[name], rtol=1e-3)
    torch.testing.assert_close(against["consistency"], seen["consistency"])  # of two decoded images


def test_losses_compare_decoded_images():
    plain = losses(FLOW.wrong)
    decoded = dict(Flowsr(networks(FLOW.wrong, decode=lambda latent: 3 * latent + 1))(batch()))["student"]
    for name in plain:
        torch.testing.assert_close(decoded[name], 9 * plain[name])


def test_one_pass_with_a_gradient_at_the_points_of_all_terms():
    asked = []

    def student(x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        asked.append((t, r, len(cond.lr), torch.is_grad_enabled()))
        return FLOW.wrong(x, t, r)

    def average(x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        assert not torch.is_grad_enabled()
        assert (r == 0).all()
        return FLOW.wrong(x, t, r)

    list(Flowsr(networks(student, average))(batch(64)))
    [(t, r, conditions, gradient)] = asked
    assert (len(t), conditions, gradient) == (96, 96, True)  # 32 of the flow, 32 leaders, 32 followers
    assert (r == 0).all()
    assert (t[32:64] > t[64:]).all()


# The critic


def mean_critic(weight: Tensor) -> Callable[..., list[Tensor]]:
    return lambda maps: [weight * part.mean((1, 2, 3)) for part in maps]


def state_itself(x: Tensor, t: Tensor, cond: Condition) -> list[Tensor]:
    assert len(x) == len(t) == len(cond.lr)
    return [x]


def play(student, critic, features=state_itself, data: Batch | None = None, **config):
    auxiliary = {"critic": critic}
    cast = networks(student, auxiliary=auxiliary, unwrapped_auxiliary=auxiliary, features=features)
    method = Flowsr(cast, FlowsrConfig(**config))
    return method(data or batch())


@pytest.mark.parametrize("score", [-3.0, 0.25, 2.0])
def test_hinge_losses_of_a_critic_that_sees_no_difference(score):
    """Two heads, one map finer than the other; heads count alike, positions within a head too."""

    def critic(maps: list[Tensor]) -> list[Tensor]:
        return [score + 0 * maps[0].mean(1, keepdim=True)[..., :side, :side] for side in (1, 4)]

    values = dict(play(FLOW.wrong, critic))
    torch.testing.assert_close(values["student"]["adversarial"].item(), 0.05 * max(0, 1 - score))
    torch.testing.assert_close(values["critic"]["hinge"].item(), max(0, 1 - score) + max(0, 1 + score))
    scores = [torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 1, 1)]
    assert hinge(*scores) == 0.5


def test_the_critic_learns_to_tell_and_the_student_to_pass():
    """Restored images are darker than real ones: the critic comes to like brightness, the student adds it."""
    offset, weight = parameter(0.4), parameter(0.1)

    def dark(x: Tensor, t: Tensor, r: Tensor, cond: Condition) -> Tensor:
        return FLOW.wrong(x, t, r) + offset

    moves = play(dark, mean_critic(weight))
    _, student = next(moves)
    [down] = torch.autograd.grad(student["adversarial"], offset)
    _, critic = next(moves)
    [slope] = torch.autograd.grad(critic["hinge"], weight)
    assert down > 0
    assert slope < 0


def test_the_critic_sees_latents_in_the_noise_of_the_diffusion():
    """Eq. 8: of Stable Diffusion's own schedule, though the path of the flow has no noise."""
    seen = []

    def features(x: Tensor, t: Tensor, cond: Condition) -> list[Tensor]:
        seen.append((x, t))
        return [x]

    critic = {"critic": mean_critic(parameter())}
    known = networks(FLOW.wrong, auxiliary=critic, unwrapped_auxiliary=critic, features=features)
    list(Flowsr(known, FlowsrConfig(flow_share=1))(replace(batch(), redraw=None)))
    x, t = seen[1]
    real, late = x[256:], t[256:] > 0.95
    assert torch.equal(t[:256], t[256:])
    assert real[late].std().item() == pytest.approx(1, abs=0.1)  # nearly nothing of the image is left
    image, noise = torch.ones(2, 1, 64, 64), torch.randn(2, 1, 64, 64)
    weak, strong = diffused(image, torch.tensor([0.0, 0.999]), noise)
    assert (weak - image[0]).std().item() == pytest.approx(0.00085**0.5, rel=0.05)
    assert strong.mean().item() == pytest.approx(
        0.0683, abs=0.05
    )  # the root of what is left of a thousand steps


def test_the_critic_sees_noised_images_of_the_networks_space():
    """At latest_noise they are t of the way to a fresh source; real and restored share it."""
    seen = []

    def features(x: Tensor, t: Tensor, cond: Condition) -> list[Tensor]:
        seen.append((x, t, torch.is_grad_enabled()))
        return [x]

    method = Flowsr(
        networks(
            FLOW.wrong,
            auxiliary={"critic": mean_critic(parameter())},
            unwrapped_auxiliary={"critic": mean_critic(parameter())},
            decode=lambda latent: 1e6 * latent,
            features=features,
        ),
        FlowsrConfig(critic="teacher", latest_noise=0.5, flow_share=1),
    )
    fresh = torch.full_like(batch().source, 5)
    data = replace(batch(), redraw=lambda: fresh)
    list(method(data))
    (x, t, gradient), (both, twice, no_gradient) = seen
    assert gradient
    assert not no_gradient
    assert 0.45 < t.max() < 0.5
    assert not torch.equal(t, twice[:256])

    def without_noise(x: Tensor, t: Tensor) -> Tensor:
        return (x - expand_as_batch(t, x) * fresh) / (1 - expand_as_batch(t, x))

    again, real = (without_noise(part, twice[:256]) for part in both.chunk(2))
    torch.testing.assert_close(real, data.image)
    torch.testing.assert_close(again, without_noise(x, t))
    assert 0 < (again - real).square().mean() < 1


@pytest.mark.parametrize("missing", ["features", "critic", "weight"])
def test_without_its_parts_there_is_no_critic(missing):
    auxiliary = {} if missing == "critic" else {"critic": mean_critic(parameter())}
    method = Flowsr(
        networks(
            auxiliary=auxiliary,
            unwrapped_auxiliary=auxiliary,
            features=None if missing == "features" else state_itself,
        ),
        FlowsrConfig(adversarial=0 if missing == "weight" else 0.05),
    )
    assert [(name, set(values)) for name, values in method(batch())] == [("student", {"flow", *SECOND})]


def test_gradients_reach_only_the_network_whose_update_it_is():
    student, average, teacher, critic, frozen = (parameter() for _ in range(5))
    auxiliary = {"critic": mean_critic(critic)}
    cast = Networks(
        scaled(FLOW.wrong, student),
        lambda *a: pytest.fail("the student has nothing to say without a gradient"),
        scaled(FLOW.wrong, teacher),
        scaled(FLOW.wrong, average),
        auxiliary,
        auxiliary,
        features=lambda x, t, cond: [frozen * x],
        alignment=lambda images, quality: (images.mean((1, 2, 3)), images[:, 0, 0, 0] + quality[:, 0, 0]),
    )
    method = Flowsr(cast)
    for name, values in method(replace(batch(), quality=torch.ones(256, 2, 1).double())):
        assert set(values) == (
            {"flow", *SECOND, "adversarial", "alignment"} if name == "student" else {"hinge"}
        )
        sum(values.values()).backward()
        mine, other = (student, critic) if name == "student" else (critic, student)
        assert mine.grad.abs() > 0
        assert other.grad is None
        mine.grad = None
    assert average.grad is teacher.grad is frozen.grad is None


def test_the_adversarial_gradient_is_that_of_the_chain_rule():
    """Though it stops at the critic's weights, it passes through them."""
    gain, weight, data = parameter(0.9), parameter(0.3), batch()
    _, values = next(
        play(scaled(FLOW.wrong, gain), mean_critic(weight), data=data, flow_share=1, latest_noise=1e-9)
    )
    [found] = torch.autograd.grad(values["adversarial"], gain)
    # Without noise the score is that of the image itself; its times are those of the same generator.
    again = batch()
    own, _ = Flowsr(networks(), FlowsrConfig(flow_share=1)).points(again, len(again.image))
    restored = arrive(scaled(FLOW.wrong, gain), own)
    [expected] = torch.autograd.grad(0.05 * hinge(*mean_critic(weight)([restored])), gain)
    torch.testing.assert_close(found, expected)


def test_a_step_of_real_networks():
    """The default network as student, teacher and features, with heads that train; float32."""
    torch.manual_seed(0)
    student, teacher, average = (UNet(PRESETS["tiny"]) for _ in range(3))
    for network in (student, teacher, average):
        for weight in network.parameters():
            torch.nn.init.normal_(weight, std=0.05)
    heads = FeatureHeads(FeatureHeadsConfig(channels=(12, 16, 12), width=8))
    auxiliary = {"critic": heads}
    method = Flowsr(
        Networks(
            student,
            student,
            teacher,
            average,
            auxiliary,
            auxiliary,
            features=lambda x, t, cond: teacher.features(x, t, t, cond),
        )
    )
    image, source = torch.randn(2, 4, 3, 16, 16)
    data = Batch(image, source, Condition(torch.randn(4, 3, 4, 4)), torch.Generator().manual_seed(0))
    trains = {"student": student, "critic": heads}
    for name, values in method(data):
        sum(values.values()).backward()
        for other, network in trains.items():
            assert all((weight.grad is not None) == (name == other) for weight in network.parameters())
        trains[name].zero_grad()
    assert all(weight.grad is None for network in (teacher, average) for weight in network.parameters())


# Alignment


def test_quality_alignment_is_the_printed_ratio():
    positive, negative = torch.linspace(-1, 1, 9).double(), torch.linspace(0.5, -0.7, 9).double()
    printed = -(positive.exp() / (positive.exp() + negative.exp())).log()
    torch.testing.assert_close(quality_alignment(positive, negative), printed)
    best, worst = (quality_alignment(a, -a).item() for a in torch.tensor([[1.0], [-1.0]]))
    assert (round(best, 3), round(worst, 3)) == (0.127, 2.127)
    scaled_up = quality_alignment(positive, negative, scale=100)
    torch.testing.assert_close(scaled_up, quality_alignment(100 * positive, 100 * negative))
    assert torch.isfinite(scaled_up).all()


def test_alignment_looks_at_one_decoded_image_of_each_sample():
    shown, captions = [], torch.rand(8, 2, 5)

    def alignment(images: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        shown.append(images)
        assert quality is captions
        return 0.1 * torch.arange(len(images)).double(), torch.zeros(len(images)).double()

    method = Flowsr(networks(decode=lambda latent: latent + 100, alignment=alignment))
    [(_, values)] = method(replace(batch(8), quality=captions))
    expected = (1 + (-0.1 * torch.arange(8).double()).exp()).log().mean().item()
    torch.testing.assert_close(values["alignment"].item(), 0.1 * expected)
    assert shown[0].shape == (8, 3, 4, 4)
    assert shown[0].min() > 50
    without = Flowsr(networks(alignment=alignment), FlowsrConfig(alignment=0))
    assert "alignment" not in dict(without(batch(8)))["student"]


def test_a_batch_of_one_is_shared_out_over_time():
    """Half of the batches are the flow's and half a leader's, as all that ask in one call agree."""
    method, generator, seen = Flowsr(networks()), torch.Generator().manual_seed(0), []
    for _ in range(40):
        [(_, values)] = method(replace(batch(1), generator=generator))
        seen.append(set(values))
    assert all(found in ({"flow"}, set(SECOND)) for found in seen)
    assert 10 < seen.count({"flow"}) < 30


def test_batches_of_one_ask_for_what_a_large_batch_asks():
    """The weights of the terms do not depend on how many samples are in memory at once."""
    generator, sums = torch.Generator().manual_seed(1), dict.fromkeys(("flow", *SECOND), 0.0)
    method = Flowsr(networks(FLOW.wrong), FlowsrConfig(flow_share=0.25))
    for seed in range(1000):
        [(_, values)] = method(replace(batch(1, seed), generator=generator))
        for name, value in values.items():
            sums[name] += float(value) / 1000
    whole = losses(FLOW.wrong, n=4000, flow_share=0.25)
    assert sums == pytest.approx({name: float(value) for name, value in whole.items()}, rel=0.2)


def test_an_empty_loss_is_refused():
    """By the config where nobody could learn, by the method where its critic would be all there is."""
    nothing = {"consistency": 0, "regularisation": 0}
    for share in (0.0, 0.5):
        with pytest.raises(ValidationError, match="must be above 0"):
            FlowsrConfig(**nothing, adversarial=0, flow_share=share)
    FlowsrConfig(**nothing, adversarial=0, flow_share=1)
    with pytest.raises(ConfigError, match="critic"):
        Flowsr(networks(), FlowsrConfig(**nothing))
    values = [
        set(values) for _, values in play(FLOW.wrong, mean_critic(parameter()), **nothing, flow_share=0)
    ]
    assert values == [{"adversarial"}, {"hinge"}]


@pytest.mark.parametrize(
    "values", [{"n_fast": 1000}, {"flow_share": 1.5}, {"scheduler": "fast"}, {"ema": 0.9}, {"heads": "batch"}]
)
def test_impossible_values_are_refused(values):
    with pytest.raises(ValidationError):
        FlowsrConfig(**values)


def test_a_fast_grid_alone_may_have_any_number_of_steps():
    assert FlowsrConfig(scheduler="intervals", n_fast=2000).n_fast == 2000
