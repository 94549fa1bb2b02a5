"""Photos at both ends of the dial: pixels at r = 1, likeness beside them towards r = 0."""

import pytest
import torch

from leapsr.errors import ConfigError
from leapsr.methods import Batch, Dial, DialConfig, Networks
from leapsr.methods.dial import SHIFTS, _view, grey
from leapsr.metrics.fidelity import ssim
from leapsr.networks import Condition
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
