from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from leapsr.data.encoded import Encoding, pack_within
from leapsr.data.photos import open_photos
from leapsr.errors import DataError, OutputError
from tests.conftest import picture_array

SIZES = [(300, 400), (260, 200), (150, 150), (500, 200)]
WHOLE = 10.0  # megabytes, in which all of them fit


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed, size in enumerate(SIZES):
        Image.fromarray(picture_array(*size, seed)).save(folder / f"{seed}.png")
    return folder


def test_what_fits_stays_whole_and_looks_the_same(folder: Path, tmp_path: Path) -> None:
    packed = pack_within(folder, tmp_path / "a.safetensors", WHOLE)
    assert (packed.photos, packed.window) == (4, None)
    photos, loose = open_photos(tmp_path / "a.safetensors", 32), open_photos(folder, 32)
    assert photos.names == loose.names
    assert photos.sizes == loose.sizes
    for index in range(4):
        error = photos.whole(index).float() - loose.whole(index).float()
        assert error.square().mean().sqrt() < 6  # the texture is noise, which a codec keeps badly
        assert torch.equal(photos.crop(index, 5, 7, 32), photos.whole(index)[:, 5:37, 7:39])


def test_what_does_not_fit_is_cut_to_windows_of_the_photos(folder: Path, tmp_path: Path) -> None:
    pack_within(folder, tmp_path / "whole.safetensors", WHOLE)
    room = (tmp_path / "whole.safetensors").stat().st_size / 1e6 * 0.6
    packed = pack_within(folder, tmp_path / "a.safetensors", room)
    assert (tmp_path / "a.safetensors").stat().st_size <= room * 1e6
    assert packed.window is not None
    assert packed.megapixels[0] < packed.megapixels[1] == pytest.approx(0.2945)
    photos, loose = open_photos(tmp_path / "a.safetensors", 32), open_photos(folder, 32)
    assert photos.sizes == [tuple(min(side, packed.window) for side in size) for size in SIZES]
    cut, original = (
        photos.whole(3).float(),
        loose.whole(3).float(),
    )  # as wide as before, so cut in height only
    height = cut.shape[1]
    errors = [(original[:, y : y + height] - cut).square().mean().sqrt() for y in range(501 - height)]
    assert min(errors) < 6
    assert sorted(errors)[1] > 1.4 * min(errors)  # and only one place is right


def test_the_same_seed_gives_the_same_archive(folder: Path, tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        pack_within(folder, tmp_path / f"{name}.safetensors", 0.04, Encoding(seed=seed))
        contents.append((tmp_path / f"{name}.safetensors").read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_photos_can_be_shrunk_first(folder: Path, tmp_path: Path) -> None:
    pack_within(folder, tmp_path / "a.safetensors", WHOLE, Encoding(shrink=2))
    assert open_photos(tmp_path / "a.safetensors", 32).sizes == [(h // 2, w // 2) for h, w in SIZES]


def test_too_little_room_is_refused_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lower the quality"):
        pack_within(folder, tmp_path / "a.safetensors", 0.02)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        pack_within(folder, tmp_path / "absent" / "a.safetensors", WHOLE)


def test_an_encoded_photo_that_is_damaged_is_named(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "a.safetensors"
    pack_within(folder, archive, WHOLE)
    content = np.frombuffer(archive.read_bytes(), np.uint8).copy()
    content[-2000:] = 0
    content[int(content[:8].view(np.uint64)[0]) + 8 :] = 0
    archive.write_bytes(content.tobytes())
    with pytest.raises(DataError, match=r"0\.png in .*a\.safetensors cannot be read"):
        open_photos(archive, 32).whole(0)


def test_from_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from leapsr.cli.pack import pack

    pack(folder, tmp_path / "a.safetensors", max_megabytes=0.04)
    said = " ".join(capsys.readouterr().err.split())
    assert "4 photos, 0 MB, WebP of quality 90, 0 of 0 megapixels, windows of at most" in said
