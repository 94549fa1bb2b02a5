from pathlib import Path

import numpy as np
import pytest
import torch

from leapsr.errors import DataError, WeightsError
from leapsr.metrics.naturalness import HALVING_TAPS, Pristine, niqe, read_pristine
from leapsr.ops.upsample import keys_cubic

from . import golden

REFERENCES = ("basicsr.calculate_niqe.y", "basicsr.niqe_core_float64.y", "pyiqa.niqe.ycbcr")

AT_A_STEP_OF_THE_GRID = {("china", "original", 0): 5e-3}
"""Shapes are read from a grid of step 0.001. Here one shape, of a block of sky, lies 2 % of a step from the
middle between two values. Rounding decides: the other value, which a half scale computed in float32 gives,
moves the score by the 0.0043 that separates it from the references."""


@pytest.fixture(scope="module")
def pristine(shared: Path) -> Pristine:
    return read_pristine(shared / "weights/niqe/niqe_pris_params.npz")


@pytest.mark.parametrize("original", golden.ORIGINALS)
@pytest.mark.parametrize("damage", ["original", *golden.DAMAGES])
@pytest.mark.parametrize("border", [0, 4])
def test_the_reference_programs_scores(
    shared: Path, pristine: Pristine, original: str, damage: str, border: int
) -> None:
    """The references differ among themselves by `roundoff_spread`; equal to any of them is equal."""
    scores = golden.scores(shared, original)
    expected = scores["niqe_of_original"] if damage == "original" else scores[damage]["niqe"]
    name = original if damage == "original" else f"{original}_{damage}"
    tolerance = max(1e-3, 2 * expected[f"roundoff_spread.border{border}"])
    tolerance = AT_A_STEP_OF_THE_GRID.get((original, damage, border), tolerance)
    score = niqe(golden.picture(shared, name), pristine, border=border).item()
    assert min(abs(score - expected[f"{key}.border{border}"]) for key in REFERENCES) <= tolerance


def test_a_batch_is_its_pictures(shared: Path, pristine: Pristine) -> None:
    both = torch.cat([golden.picture(shared, name) for name in ("flower", "china")])
    each = torch.cat([niqe(one[None], pristine) for one in both])
    torch.testing.assert_close(niqe(both, pristine), each)


def test_incomplete_blocks_do_not_count(shared: Path, pristine: Pristine) -> None:
    picture = golden.picture(shared, "flower")
    assert niqe(picture, pristine).item() == niqe(picture[..., :288, :288], pristine).item()


def test_a_natural_photo_is_more_natural_than_noise(shared: Path, pristine: Pristine) -> None:
    photo = golden.picture(shared, "flower")
    noise = torch.rand(photo.shape, generator=torch.Generator().manual_seed(0))
    assert niqe(photo, pristine).item() < niqe(noise, pristine).item()


def test_the_halving_filter_is_the_stretched_cubic() -> None:
    distances = (torch.arange(8, dtype=torch.float64) - 3.5) / 2
    torch.testing.assert_close(torch.tensor(HALVING_TAPS, dtype=torch.float64), keys_cubic(distances) / 2)


@pytest.mark.parametrize(
    ("picture", "complaint"),
    [(torch.rand(1, 3, 96, 191), "96 by 192"), (torch.full((1, 3, 192, 192), 0.5), "not flat")],
)
def test_pictures_without_blocks_are_refused(picture: torch.Tensor, complaint: str) -> None:
    unit = Pristine(torch.zeros(36, dtype=torch.float64), torch.eye(36, dtype=torch.float64))
    with pytest.raises(DataError, match=complaint):
        niqe(picture, unit)


def test_a_wrong_parameter_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", mean=np.zeros(36))
    (tmp_path / "text.npz").write_text("not numbers")
    (tmp_path / "empty.npz").touch()
    (tmp_path / "cut.npz").write_bytes((tmp_path / "other.npz").read_bytes()[:100])
    for name in ("other.npz", "text.npz", "empty.npz", "cut.npz", "absent.npz"):
        with pytest.raises(WeightsError, match=name):
            read_pristine(tmp_path / name)
