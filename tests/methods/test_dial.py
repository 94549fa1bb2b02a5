"""Photos at both ends of the dial: pixels at r = 1, likeness beside them towards r = 0."""

import math

import pytest
import torch

from leapsr.errors import ConfigError
from leapsr.methods import Batch, Dial, DialConfig, Networks
from leapsr.methods.dial import SHIFTS, _view, certainty, grey, pair_loss
from leapsr.metrics.fidelity import ssim
from leapsr.networks import Condition
from leapsr.networks.pixel.critic import PRESETS, Critic
from tests.gaussian import example

FLOW = example()
N = 4096


def batch(n: int = N) -> Batch:
    generator = torch.Generator().manual_seed(0)
    image, source = FLOW.draw(n, generator)
    return Batch(image, source, Condition(torch.zeros(n, 3, 1, 1).double()), generator)


def squares(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a - b).square().flatten(1).mean(1)


PLAIN = {"structure": 0, "coarse": 0}
"""Of what needs more than the one pixel of the closed form."""


def losses(student, config: DialConfig, perceptual=squares, n: int = N) -> dict[str, torch.Tensor]:
    [(name, found)] = Dial(Networks(student, student, perceptual=perceptual), config)(batch(n))
    assert name == "student"
    return found


def test_the_posterior_mean_is_the_best_faithful_end():
    """The closed form: at r = 1 with l2, nothing beats u(source, 1, 1) = v(source, 1)."""
    config = DialConfig(norm="l2", faithful=1, real=0, **PLAIN)
    best = losses(lambda x, t, r, c: FLOW.v(x, t), config)["pixels"]
    for scale, shift in ((0.97, 0), (1.03, 0), (1, 0.05), (1, -0.05)):
        worse = losses(lambda x, t, r, c, a=scale, b=shift: a * FLOW.v(x, t) + b, config)["pixels"]
        assert worse > best


def test_a_student_that_knows_the_photo_pays_nothing():
    known = batch()
    found = losses(lambda x, t, r, c: known.source - known.image, DialConfig(**PLAIN))
    assert all(value.item() < 1e-12 for value in found.values())
    assert all(value > 1e-3 for value in losses(lambda x, t, r, c: x * 0, DialConfig(**PLAIN)).values())


@pytest.mark.parametrize("fall", [1.0, 2.0])
def test_likeness_weighs_as_much_as_the_dial_is_turned(fall):
    """With a perceptual distance of 1 everywhere, what is paid is weight times the mean of (1 - r)^fall."""
    seen: list[torch.Tensor] = []

    def student(x, t, r, cond):
        assert (t == 1).all()
        seen.append(r)
        return x

    def one(a, b):
        return torch.ones(len(a), dtype=a.dtype)

    found = losses(student, DialConfig(perceptual=3.0, fall=fall, faithful=0.25, real=0.5, **PLAIN), one)
    [r] = seen
    assert torch.isclose(found["perceptual"], 3 * (1 - r).pow(fall).mean())
    assert (r == 1).sum() == N // 4
    assert (r == 0).sum() == N // 2


def test_likeness_is_not_asked_where_it_weighs_nothing():
    def never(a, b):
        raise AssertionError

    assert losses(lambda x, t, r, c: x, DialConfig(faithful=1, real=0, **PLAIN), never).keys() == {"pixels"}
    assert losses(lambda x, t, r, c: x, DialConfig(perceptual=0, **PLAIN), None).keys() == {"pixels"}


def test_likeness_without_a_network_is_refused():
    with pytest.raises(ConfigError, match="perceptual=squeeze"):
        Dial(Networks(lambda x, t, r, c: x, lambda x, t, r, c: x))


def test_shares_must_fit_into_one_batch():
    with pytest.raises(ValueError, match="shares of one batch"):
        DialConfig(faithful=0.7, real=0.6)


def test_likeness_is_looked_at_from_everywhere():
    """The same window of both, at every shift in turn: no pattern keeps its place under LPIPS's strides."""
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(20), torch.arange(30), indexing="ij")
    places = torch.stack([y, x])[None].double()
    corners = set()
    for _ in range(600):
        rows, columns = _view(places, generator)
        image = places[..., rows, columns]
        assert image.shape == (1, 2, 21 - SHIFTS, 31 - SHIFTS)
        corners.add(tuple(image[0, :, 0, 0].int().tolist()))
    assert len(corners) == SHIFTS**2


def pictures(side: int, n: int = 6) -> Batch:
    generator = torch.Generator().manual_seed(0)
    image, source = (torch.rand(n, 3, side, side, generator=generator) * 2 - 1 for _ in range(2))
    return Batch(image, source, Condition(torch.zeros(n, 3, 1, 1)), generator)


def test_structure_is_what_the_metric_says_of_the_grey_images():
    given = pictures(24)
    student = Networks(lambda x, t, r, c: x * 0.3, lambda x, t, r, c: x)
    config = DialConfig(perceptual=0, structure=2.5)
    [(_, found)] = Dial(student, config)(given)
    a, b = (grey(image).expand(-1, 3, -1, -1) for image in (0.7 * given.source, given.image))
    torch.testing.assert_close(found["structure"].double(), 2.5 * (1 - ssim(a, b).mean()), rtol=1e-5, atol=0)


@pytest.mark.parametrize(("coarse", "sides"), [(0, {25}), (1, {12}), (0.5, {25, 12})])
def test_likeness_sees_images_at_half_their_size_now_and_then(coarse, sides):
    seen = set()

    def look(a, b):
        assert a.shape == b.shape
        seen.add(a.shape[-1])
        return a.new_zeros(len(a))

    given = pictures(32)
    networks = Networks(lambda x, t, r, c: x, lambda x, t, r, c: x, perceptual=look)
    method = Dial(networks, DialConfig(coarse=coarse))
    for _ in range(20):
        list(method(given))
    assert seen == sides


def test_a_mesh_on_a_flat_surface_costs_structure():
    """What LPIPS may like: faint dots two pixels apart, on nothing."""
    flat = torch.zeros(1, 3, 32, 32)
    mesh = flat.clone()
    mesh[..., ::2, ::2] = 6 / 127.5
    given = Batch(flat, mesh, Condition(torch.zeros(1, 3, 1, 1)), torch.Generator().manual_seed(0))
    networks = Networks(lambda x, t, r, c: x * 0, lambda x, t, r, c: x)
    [(_, found)] = Dial(networks, DialConfig(perceptual=0, structure=1.0))(given)
    assert found["structure"] > 3 * found["pixels"]


def one_block(
    student, config: DialConfig, lr_side: int = 8, damage=None
) -> dict[str, dict[str, torch.Tensor]]:
    """The losses of six images of 32 pixels, four times as large as their condition, by network."""
    given = pictures(4 * lr_side)
    cond = Condition(torch.zeros(6, 3, lr_side, lr_side), damage=damage)
    given = Batch(given.image, given.source, cond, given.generator)
    critic = {"critic": lambda image, lr: image.mean((1, 2, 3), keepdim=True)}
    networks = Networks(
        lambda x, t, r, c: student(given, r), lambda x, t, r, c: student(given, r), None, None, critic, critic
    )
    return dict(Dial(networks, config)(given))


FINE = DialConfig(perceptual=0, structure=0, fine=0, faithful=0, real=1)


def added(what: torch.Tensor):
    """A student whose images are the photos and `what`."""
    return lambda given, r: given.source - given.image - what


def test_at_the_crisp_end_only_the_means_of_blocks_are_compared():
    detail = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(16, 16)
    assert one_block(added(detail), FINE)["student"]["pixels"] < 1e-6
    half = FINE.model_copy(update={"fine": 0.5})
    torch.testing.assert_close(one_block(added(detail), half)["student"]["pixels"], torch.tensor(0.5))
    faithful = FINE.model_copy(update={"faithful": 1.0, "real": 0.0})
    torch.testing.assert_close(one_block(added(detail), faithful)["student"]["pixels"], torch.tensor(1.0))
    shift = torch.full((32, 32), 0.25)
    torch.testing.assert_close(one_block(added(shift), FINE)["student"]["pixels"], torch.tensor(0.25))


def test_a_mesh_costs_what_it_weighs_and_grain_an_eighth_of_it():
    """64 blocks: the mean of as many independent differences is an eighth of one of them."""
    config = FINE.model_copy(update={"mesh": 1.0})
    mesh = torch.zeros(4, 4)
    mesh[0, 0], mesh[2, 2] = 1, -1
    torch.testing.assert_close(
        one_block(added(mesh.repeat(8, 8)), config)["student"]["pixels"], torch.tensor(2 / 16)
    )
    grain = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    means = torch.nn.functional.avg_pool2d(grain, 4)
    grain = grain - means.repeat_interleave(4, 2).repeat_interleave(4, 3)
    found = one_block(added(grain), config)["student"]["pixels"]
    torch.testing.assert_close(found, grain.abs().mean() / 8, rtol=0.1, atol=0)


def test_the_middle_learns_the_straight_path_between_the_ends():
    config = DialConfig(perceptual=0, structure=0, middle="path", faithful=0.5, real=0)

    def straight(given, r):
        return r[:, None, None, None] * torch.ones(3, 32, 32)

    def bent(given, r):
        return r[:, None, None, None] ** 2 * torch.ones(3, 32, 32)

    assert one_block(straight, config)["student"]["path"] < 1e-7
    found = one_block(bent, config)["student"]
    assert 0.05 < found["path"] < 0.125  # |r - r^2| is at most a quarter, of half of the batch
    assert found["pixels"] > 0.1


def test_the_critic_sees_only_images_at_zero_whose_noise_is_all_removed():
    config = FINE.model_copy(update={"faithful": 0.5, "real": 0.5, "adversarial": 2.0})
    damage = torch.zeros(6, 6)
    damage[:, -1] = 1
    damage[3, -1] = 0.5  # the first of those at r = 0
    level = 2 - torch.arange(6.0)[:, None, None, None]

    def levels(given, r):
        assert (r == torch.tensor([1.0, 1, 1, 0, 0, 0])).all()
        return given.source - level.expand(6, 3, 32, 32)

    found = one_block(levels, config, damage=damage)
    assert list(found) == ["student", "critic"]
    # The critic's score is the mean level; the photos are noise around 0. Of the three at r = 0, at levels
    # -1, -2 and -3, the first keeps some noise and is not counted.
    less = torch.tensor([2.0, 3.0]) + pictures(32).image[4:].mean((1, 2, 3))
    lost = torch.log1p(torch.exp(-4 * less)) / 4
    near = {"rtol": 0.02, "atol": 1e-5}  # a view leaves some pixels out
    torch.testing.assert_close(found["student"]["adversarial"], 2 * (lost + less).sum() / 6, **near)
    torch.testing.assert_close(found["critic"]["pair"], lost.mean(), **near)


def test_a_critic_has_as_much_say_as_it_is_right():
    more = torch.tensor([[-1.0, -2, -3, -4], [-1, -1, -1, 1], [-5, -5, 1, 1], [1, 1, 1, 1]])
    torch.testing.assert_close(certainty(more), torch.tensor([1.0, 0.5, 0.0, 0.0]))
    config = FINE.model_copy(update={"adversarial": 2.0})
    brighter = torch.full((32, 32), 1.0)  # which this critic takes for the photo
    assert one_block(added(brighter), config)["student"]["adversarial"] == 0
    assert one_block(added(-brighter), config)["student"]["adversarial"] > 1


def test_a_pair_loss_is_the_logistic_of_the_difference():
    equal = pair_loss(torch.zeros(2, 3, 4, 4))
    torch.testing.assert_close(equal, torch.full((2,), math.log(2) / 4))
    torch.testing.assert_close(pair_loss(torch.full((1, 8), -30.0)), torch.tensor([30.0]))
    assert pair_loss(torch.full((1, 8), 30.0)) < 1e-6


def test_a_part_of_one_sample_keeps_the_shares():
    """A critic does not pull every small part of a batch to r = 0: it may see none."""
    config = FINE.model_copy(update={"faithful": 0.5, "real": 0.25, "adversarial": 1.0})
    players = {"critic": Critic(PRESETS["tiny"])}
    method = Dial(Networks(*[lambda x, t, r, c: x] * 2, None, None, players, players), config)
    given, counts, seen = pictures(64), [0, 0], 0
    cond = Condition(torch.zeros(1, 3, 16, 16))
    for _ in range(100):
        part = Batch(given.image[:1], given.source[:1], cond, given.generator)
        found = dict(method(part))
        seen += bool(found["critic"]["pair"])
        assert found["critic"]["pair"] or not found["student"]["adversarial"]
        _, faithful, real = method.positions(part)
        counts = [counts[0] + faithful, counts[1] + real]
    assert [*counts, seen] == pytest.approx([50, 25, 25], rel=0.4)


def test_a_critic_that_is_asked_for_must_be_there():
    with pytest.raises(ConfigError, match="critic"):
        Dial(
            Networks(lambda x, t, r, c: x, lambda x, t, r, c: x), FINE.model_copy(update={"adversarial": 1.0})
        )
    with pytest.raises(ValueError, match="real must be above 0"):
        DialConfig(adversarial=1.0, real=0)
    critic = FINE.model_copy(update={"adversarial": 1.0})
    assert critic.auxiliary_networks(None).keys() == {"critic"}
    assert not critic.for_refinement().auxiliary_networks(None)


def taught(n: int = 6) -> Batch:
    """Photos of 0, answers of 1, sources of 0."""
    zero = torch.zeros(n, 3, 16, 16)
    cond, generator = Condition(torch.zeros(n, 3, 4, 4)), torch.Generator().manual_seed(0)
    return Batch(zero, zero, cond, generator, answer=zero + 1)


def losses_of(level, target: str, given: Batch, likeness=None, **fields) -> dict[str, torch.Tensor]:
    """Of a student that says level(r) everywhere."""
    networks = Networks(
        lambda x, t, r, c: x - level(r)[:, None, None, None].expand_as(x),
        lambda x, t, r, c: x,
        perceptual=likeness,
    )
    config = DialConfig(target=target, **{"perceptual": 0, "structure": 0} | fields)
    [(_, found)] = Dial(networks, config)(given)
    return found


def test_the_target_goes_over_from_the_photo_to_the_answer():
    """Nothing is paid by a student whose image(r) is r photo + (1 - r) answer."""
    assert losses_of(lambda r: 1 - r, "answer", taught())["pixels"] < 1e-12
    assert losses_of(lambda r: 0 * r, "photo", taught())["pixels"] == 0
    ends = {"faithful": 0.5, "real": 0.5}
    assert losses_of(lambda r: 0 * r, "answer", taught(), **ends)["pixels"] == 0.5
    unasked = Batch(*(getattr(taught(), name) for name in ("image", "source", "cond", "generator")))
    assert losses_of(lambda r: 0 * r, "answer", unasked)["pixels"] == 0


def test_likeness_and_structure_compare_with_the_answer_too():
    fields = {"faithful": 0, "real": 1, "perceptual": 1.0, "structure": 1.0, "coarse": 0}
    found = losses_of(lambda r: 0 * r + 1, "answer", taught(), squares, **fields)
    assert all(value < 1e-6 for value in found.values())
    found = losses_of(lambda r: 0 * r, "answer", taught(), squares, **fields)
    assert found["perceptual"] == 1


def test_the_photo_is_the_target_where_it_is_nearer_to_what_the_student_makes():
    level = torch.tensor([0.2, 0.4, 0.6, 0.8, 0.0, 1.0])
    found = losses_of(lambda r: level, "nearer", taught(), squares, faithful=0, real=1)
    torch.testing.assert_close(found["pixels"], torch.tensor([0.2, 0.4, 0.4, 0.2, 0, 0]).mean())


def test_the_nearer_target_needs_a_distance():
    with pytest.raises(ConfigError, match="perceptual=squeeze"):
        losses_of(lambda r: r, "nearer", taught())


def test_it_takes_an_upscalers_answers_unless_the_photo_is_its_target():
    assert DialConfig().takes_answers
    assert not DialConfig().needs_teacher
    assert not DialConfig(target="photo").takes_answers


def test_an_anchored_end_keeps_the_light_of_the_photo_and_takes_the_answers_detail():
    fields = {"faithful": 0, "real": 1, "fine": 0, "anchored": True}
    assert losses_of(lambda r: 0 * r, "answer", taught(), **fields)["pixels"] == 0
    assert losses_of(lambda r: 0 * r + 1, "answer", taught(), **fields)["pixels"] == 1
    part = fields | {"fine": 0.25}  # a quarter asks for the answer's pixels
    assert losses_of(lambda r: 0 * r, "answer", taught(), **part)["pixels"] == 0.25


def test_truth_is_the_share_of_likeness_to_the_photo():
    fields = {"faithful": 0, "real": 1, "perceptual": 1.0, "coarse": 0}
    for truth in (0.0, 0.25, 1.0):
        at_photo = losses_of(lambda r: 0 * r, "answer", taught(), squares, truth=truth, **fields)
        assert at_photo["perceptual"].item() == pytest.approx(1 - truth)


def test_an_anchor_without_a_weight_is_refused():
    with pytest.raises(ValueError, match="fine is below 1"):
        DialConfig(anchored=True)
