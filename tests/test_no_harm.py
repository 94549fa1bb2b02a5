"""The parts of benchmarks/no_harm.py that need no model."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def harm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import harm.clean
    import harm.drawn
    import harm.graphics
    import harm.noise
    import harm.screens

    return harm


@pytest.fixture
def source() -> np.ndarray:
    return np.random.default_rng(0).integers(40, 200, (20, 27, 3)).astype(np.uint8)


def enlarged(source: np.ndarray) -> np.ndarray:
    return source.repeat(4, 0).repeat(4, 1)


def test_pixels_made_larger_have_not_moved(harm: ModuleType, source: np.ndarray) -> None:
    moved = harm.graphics.worst_block(source, enlarged(source))
    assert (moved.mean, moved.absolute) == (0, 0)


def test_the_worst_block_is_found_in_its_channel(harm: ModuleType, source: np.ndarray) -> None:
    result = enlarged(source)
    result[4 * 8 : 4 * 16, 4 * 16 : 4 * 24, 1] += 20
    moved = harm.graphics.worst_block(source, result)
    assert moved.mean == pytest.approx(20)
    assert moved.absolute == pytest.approx(20)
    assert moved.place == (8, 16)


def test_a_pattern_that_cancels_out_moves_pixels_only(harm: ModuleType, source: np.ndarray) -> None:
    sign = np.indices(source.shape[:2]).sum(0) % 2 * 20 - 10
    moved = harm.graphics.worst_block(source, enlarged((source + sign[..., None]).astype(np.uint8)))
    assert moved.mean == pytest.approx(0)
    assert moved.absolute == pytest.approx(10)


def test_pixels_that_fill_no_block_do_not_count(harm: ModuleType, source: np.ndarray) -> None:
    result = enlarged(source)
    result[4 * 16 :] = 0
    result[:, 4 * 24 :] = 0
    assert harm.graphics.worst_block(source, result).mean == 0


def test_what_bicubic_does_too_is_no_harm(harm: ModuleType) -> None:
    def harmed(own: float, plain: float) -> bool:
        moved = [harm.graphics.Moved(levels, levels, (0, 0)) for levels in (own, plain)]
        return harm.graphics.Judged("any", *moved, None, []).harmed

    assert [harmed(12, 0), harmed(13, 0), harmed(13, 13), harmed(14, 13)] == [False, True, False, True]


def test_spread_is_that_of_the_most_coloured_pixel(harm: ModuleType) -> None:
    image = np.full((3, 3, 3), 100, np.uint8)
    assert harm.graphics.spread(image) == 0
    image[1, 2] = 90, 100, 130
    assert harm.graphics.spread(image) == 40


def test_drawn_pictures_are_the_same_every_time(harm: ModuleType) -> None:
    counts = {}
    for kind, draw in harm.drawn.DRAWN.items():
        first, second = dict(draw()), dict(draw())
        counts[kind] = len(first)
        assert first.keys() == second.keys()
        assert all(first[name].tobytes() == second[name].tobytes() for name in first)
        assert {image.mode for image in first.values()} == {"RGB"}
    assert counts == {
        "flat": 216,
        "neighbours": 432,
        "random pairs": 432,
        "gradients": 40,
        "text": 105,
        "patterns": 192,
        "scans": 12,
        "saturated": 8,
    }


def test_stripes_are_as_wide_as_they_say(harm: ModuleType) -> None:
    stripes = np.asarray(dict(harm.drawn.patterns())["upright stripes 3 px, grey 255"])[0, :, 0]
    assert stripes[:9].tolist() == [0, 0, 0, 255, 255, 255, 0, 0, 0]


def test_scans_and_black_text_have_no_colour(harm: ModuleType) -> None:
    pictures = dict(harm.drawn.scans()) | dict(harm.drawn.text())
    grey = [name for name, image in pictures.items() if harm.graphics.spread(np.asarray(image)) == 0]
    assert len(grey) == 12 + 70


def test_twenty_pages_of_ten_kinds(harm: ModuleType) -> None:
    pages = harm.screens.pages()
    assert len(set(pages.values())) == 20
    assert {name.split(",")[0] for name in pages} == set(harm.screens.PAGES)


def test_no_better_than_bicubic_is_a_failure_of_lpips_only(harm: ModuleType) -> None:
    scores = harm.clean.Scores(30, 0.2, 40, 38)
    equal, better = harm.clean.Score("equal", scores, scores), harm.clean.Scores(31, 0.1, 41, 39)
    assert harm.clean.failures([equal, harm.clean.Score("better", better, scores)]) == ([], [equal], [], [])


def test_noise_has_its_strength(harm: ModuleType) -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    noisy = harm.noise.with_noise(grey, 8)
    assert harm.noise.rms(noisy, grey) == pytest.approx(8, rel=0.03)
    assert np.array_equal(noisy, harm.noise.with_noise(grey, 8))
