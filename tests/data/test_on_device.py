"""Photos on a device: crops that are reproducible, follow the law of the others and cost no waiting."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from leapsr.data import on_device
from leapsr.data.crops import GRID, PhotoCrops, turn
from leapsr.data.on_device import DeviceCrops, DevicePhotos
from leapsr.data.photos import Photos, open_photos
from leapsr.errors import DataError

CPU = torch.device("cpu")
SIDE = 16
SIZES = [(40, 60), (80, 50), (SIDE, SIDE), (33, 90)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    """Every pixel of all photos has a colour of its own."""
    folder = tmp_path_factory.mktemp("photos")
    first = 0
    for index, (height, width) in enumerate(SIZES):
        number = np.arange(first, first + height * width, dtype=np.uint32).reshape(height, width)
        pixels = np.stack([number & 255, number >> 8, np.full_like(number, index)], -1).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        first += height * width
    return open_photos(folder, 8)


@pytest.fixture(scope="module")
def crops(photos: Photos) -> DeviceCrops:
    return DeviceCrops(on_device.load(photos, [0, 1, 2, 3], CPU), SIDE, seed=5)


def test_all_pixels_lie_one_after_another(photos: Photos) -> None:
    loaded = on_device.load(photos, [3, 1], CPU)
    expected = [photos.whole(index).permute(1, 2, 0).reshape(-1, 3) for index in (3, 1)]
    assert torch.equal(loaded.pixels, torch.cat(expected))
    assert loaded.firsts.tolist() == [0, 33 * 90]


def test_a_sample_depends_on_its_number_alone(crops: DeviceCrops) -> None:
    together = crops(1020, 8).to(CPU).image  # over the end of a block of draws
    assert together.shape == (8, 3, SIDE, SIDE)
    assert together.dtype == torch.uint8
    for n in range(8):
        assert torch.equal(crops(1020 + n, 1).to(CPU).image[0], together[n])
    again = DeviceCrops(crops.photos, SIDE, seed=5)(1020, 8).to(CPU).image
    other = DeviceCrops(crops.photos, SIDE, seed=6)(1020, 8).to(CPU).image
    assert torch.equal(together, again)
    assert not torch.equal(together, other)


def place(photos: Photos, crop: torch.Tensor) -> tuple[int, int, int, int]:
    """(photo, top, left, symmetry) of a crop of pixels that are all different. Fails when it is none."""
    index = int(crop[2, 0, 0])
    whole = photos.whole(index).int()
    for symmetry in range(8):
        turned = turn(crop.int(), symmetry)
        found = (whole == turned[:, :1, :1]).all(0).nonzero()
        for top, left in found.tolist():
            if torch.equal(whole[:, top : top + SIDE, left : left + SIDE], turned):
                return index, top, left, symmetry
    raise AssertionError("no crop of the photo")


def test_every_sample_is_a_turned_crop_of_a_photo_and_all_turns_come(
    photos: Photos, crops: DeviceCrops
) -> None:
    places = [place(photos, crop) for crop in crops(0, 200).to(CPU).image]
    assert {symmetry for *_, symmetry in places} == set(range(8))
    assert {index for index, *_ in places} == {0, 1, 2, 3}


def test_the_law_is_that_of_crops_read_from_the_host(photos: Photos, crops: DeviceCrops) -> None:
    """How often each photo comes, and how far its crops lie down and to the right: means and corners."""
    host = PhotoCrops(photos, [0, 1, 2, 3], SIDE, seed=1)
    count = 3000
    seen = [place(photos, crop)[:3] for n in range(0, count, 500) for crop in crops(n, 500).to(CPU).image]
    expected = [place(photos, crop)[:3] for crop in host(0, count).image]
    for index, (height, width) in enumerate(SIZES):
        ours, theirs = (
            np.array([(top, left) for i, top, left in found if i == index]) for found in (seen, expected)
        )
        assert len(ours) == pytest.approx(len(theirs), abs=5 * len(theirs) ** 0.5)
        lengths = np.array([height - SIDE, width - SIDE]) // GRID * GRID  # the last place on the grid
        spread = 5 * (lengths + GRID) / (12 * len(ours)) ** 0.5  # five times that of a uniform law's mean
        assert (np.abs(ours.mean(0) - lengths / 2) <= spread).all()
        assert (ours.max(0) <= lengths).all()
    first = np.array([(top, left) for i, top, left in seen if i == 0])
    assert (first.min(0) == 0).all()  # both borders are reached
    assert (first.max(0) == np.array([40 - SIDE, 60 - SIDE]) // GRID * GRID).all()


def test_turns_are_those_of_turn(photos: Photos) -> None:
    loaded = on_device.load(photos, [1], CPU)
    crop = photos.crop(0 + 1, 3, 7, SIDE)
    corner, width, symmetry = np.full(8, 3 * 50 + 7), np.full(8, 50), np.arange(8)
    cut = loaded.cut(torch.from_numpy(on_device._turned(corner, width, symmetry, SIDE)), SIDE)
    for number in range(8):
        assert torch.equal(cut[number], turn(crop, number))


def test_photos_that_do_not_fit_are_refused_in_words(photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_device, "available", lambda device: 30_000)
    with pytest.raises(DataError, match=r"data\.on_device=false"):
        on_device.load(photos, [0, 1, 2, 3], CPU)


def test_a_device_that_refuses_the_room_is_named(photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*size: int, **options: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "empty", refuse)
    with pytest.raises(DataError, match=r"cpu has not: take fewer"):
        on_device.load(photos, [0], CPU)


def test_a_photo_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "a.png")
    found = open_photos(tmp_path, 8)
    (tmp_path / "a.png").write_bytes(b"gone")
    with pytest.raises(DataError, match=r"a\.png"):
        on_device.load(found, [0], CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
def test_on_a_gpu_the_same_crops_are_cut_without_waiting(photos: Photos, crops: DeviceCrops) -> None:
    device = torch.device("cuda")
    there = DeviceCrops(on_device.load(photos, [0, 1, 2, 3], device), SIDE, seed=5)
    there(0, 4).pinned(device).to(device)
    torch.cuda.set_sync_debug_mode("error")
    try:
        image = there(7, 32).pinned(device).to(device).image
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert isinstance(there.photos, DevicePhotos)
    assert torch.equal(image.cpu(), crops(7, 32).to(CPU).image)
