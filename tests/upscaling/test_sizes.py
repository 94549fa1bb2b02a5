import re

import pytest

from leapsr.errors import UsageError
from leapsr.upscaling.sizes import LABEL, Target


@pytest.mark.parametrize(
    ("target", "size"),
    [
        (Target(), (400, 800)),
        (Target(scale=4), (400, 800)),
        (Target(scale=2.5), (250, 500)),
        (Target(scale=1), (100, 200)),
        (Target(width=333), (167, 333)),
        (Target(height=333), (333, 666)),
        (Target(width=1000, height=10), (10, 1000)),
        (Target(long_side=1000), (500, 1000)),
        (Target(short_side=1000), (1000, 2000)),
        (Target(megapixels=2), (1000, 2000)),
    ],
)
def test_size_of_a_picture_of_200_x_100(target, size):
    assert target.size(100, 200, 4) == size


@pytest.mark.parametrize("side", [1, 7, 13, 999])
@pytest.mark.parametrize("wanted", [1, 2, 1001])
def test_a_given_side_is_exact(side, wanted):
    assert Target(width=wanted).size(17, side, 4)[1] == wanted
    assert Target(height=wanted).size(side, 17, 4)[0] == wanted
    assert max(Target(long_side=wanted).size(17, side, 4)) == wanted
    assert min(Target(short_side=wanted).size(17, side, 4)) == wanted


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        (Target(scale=1), True),
        (Target(width=100), True),
        (Target(width=200), True),
        (Target(width=201), False),
        (Target(width=100, height=300), False),
        (Target(), False),
    ],
)
def test_reached_by_a_picture_of_200_x_100(target, reached):
    assert target.reached_by(100, 200, 4) is reached


@pytest.mark.parametrize(
    "given",
    [
        {"scale": 4, "width": 100},
        {"long_side": 1, "short_side": 1},
        {"width": 1, "height": 1, "scale": 2},
        {"scale": 0},
        {"scale": -1},
        {"scale": 0.5},
        {"scale": float("nan")},
        {"scale": float("inf")},
        {"scale": 1e160},
        {"megapixels": 1e303},
        {"width": 0},
        {"width": 0.5},
        {"long_side": 900.5},
        {"megapixels": -2},
    ],
)
def test_impossible_targets_are_refused(given):
    with pytest.raises(UsageError):
        Target(**given)


@pytest.mark.parametrize(
    ("target", "label"),
    [
        (Target(), "x4"),
        (Target(scale=2.5), "x2.5"),
        (Target(width=1920), "1920w"),
        (Target(width=1920, height=1080), "1920wx1080h"),
        (Target(long_side=3000), "3000long"),
        (Target(short_side=1080), "1080short"),
        (Target(megapixels=12), "12mp"),
    ],
)
def test_labels_are_recognised(target, label):
    assert target.label(4) == label
    assert re.fullmatch(LABEL, label)
