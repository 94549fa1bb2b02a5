import time

import numpy as np
import pytest
import torch
from PIL import Image

from leapsr.data import pool
from leapsr.data.crops import EVERY, PhotoCrops, Symmetries, shares, turn
from leapsr.data.photos import open_photos, pack
from leapsr.data.prefetch import Prefetch
from leapsr.data.reading import decode
from leapsr.errors import DataError


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    for name, (height, width) in {
        "a.png": (70, 90),
        "deep/b.webp": (120, 80),
        "c.jpg": (64, 64),
        "tiny.png": (9, 9),
    }.items():
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / name)
    (tmp_path / "photos" / "notes.txt").write_text("not a photo")
    return tmp_path / "photos"


def test_a_folder_leaves_out_what_is_too_small(folder):
    photos = open_photos(folder, smallest=32)
    assert photos.names == ["a.png", "c.jpg", "deep/b.webp"]
    assert photos.sizes == [(70, 90), (64, 64), (120, 80)]


def test_an_archive_holds_the_same_pixels(folder, tmp_path):
    archive = tmp_path / "photos.safetensors"
    assert pack(folder, archive) == 4
    packed, loose = open_photos(archive, 32), open_photos(folder, 32)
    assert packed.names == loose.names
    assert packed.sizes == loose.sizes
    for index in range(len(loose.names)):
        assert torch.equal(packed.whole(index), loose.whole(index))
        assert torch.equal(packed.crop(index, 5, 7, 32), loose.crop(index, 5, 7, 32))


def test_orientation_is_applied(tmp_path):
    pixels = np.zeros((40, 60, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif)
    assert decode(tmp_path / "turned.jpg").shape == (3, 60, 40)
    assert open_photos(tmp_path, 8).sizes == [(60, 40)]


@pytest.mark.parametrize("content", [None, b"text", b""])
def test_unusable_photos_are_named(content, tmp_path):
    if content is not None:
        (tmp_path / "x.jpg").write_bytes(content)
    with pytest.raises(DataError, match="no images" if content is None else r"x\.jpg"):
        open_photos(tmp_path, 8)


def test_a_missing_folder(tmp_path):
    with pytest.raises(DataError, match="neither a folder"):
        open_photos(tmp_path / "nowhere", 8)


def test_a_sample_depends_on_its_number_alone(folder):
    crops = PhotoCrops(open_photos(folder, 32), [0, 1, 2], side=32, seed=3)
    together = crops(10, 6).image
    assert together.shape == (6, 3, 32, 32)
    assert torch.equal(together[4:], crops(14, 2).image)
    assert not torch.equal(together[0], together[1])


def test_the_eight_turns_are_the_symmetries_of_the_square():
    square = torch.arange(9).reshape(3, 3)
    turned = {tuple(turn(square, symmetry).flatten().tolist()) for symmetry in range(8)}
    assert len(turned) == 8
    assert all(turn(square, symmetry)[1, 1] == 4 for symmetry in range(8))


def test_photos_lie_on_their_sides_only_where_that_is_asked_for():
    """The papers mirror: Real-ESRGAN left to right, OFTSR 50 % and 6 %."""
    rng = np.random.default_rng(0)
    upright = Symmetries(horizontal=0.5, vertical=0, transposed=0)
    assert {upright.draw(rng) for _ in range(200)} == {0, 1}
    oftsr = Symmetries(horizontal=0.5, vertical=0.06, transposed=0)
    drawn = oftsr.of(rng.random(100_000))
    found = [(drawn & bit > 0).mean() for bit in (1, 2, 4)]
    assert found == pytest.approx([0.5, 0.06, 0], abs=0.005)
    assert ((drawn & 3) == 3).mean() == pytest.approx(0.03, abs=0.003)  # independent of each other
    chance = rng.random(1000)
    assert (EVERY.of(chance) == (chance * 8).astype(int)).all()


@pytest.mark.parametrize(("drawing", "largest"), [("area", 8 / 11), ("photo", 1 / 3)])
def test_which_photo_is_drawn_is_a_setting(drawing, largest):
    chances = np.diff(shares([(10, 10), (20, 10), (40, 20)], drawing), prepend=0)
    assert chances[2] == pytest.approx(largest)
    assert chances.sum() == pytest.approx(1)


def test_a_draw_among_a_million_photos_takes_no_longer():
    """39 ms a sample before: the distribution was summed up anew for each."""

    class Many:
        names, too_small = ["x"], 0
        sizes = [(500, 400)] * 1_000_000

        def crop(self, index, top, left, side):
            return torch.zeros(3, side, side, dtype=torch.uint8)

    many = PhotoCrops(Many(), range(1_000_000), side=32, seed=0)
    began = time.process_time()
    many(0, 200)
    assert time.process_time() - began < 0.5


def test_squares_of_a_side_are_cut_from_the_middle(tmp_path):
    """OFTSR's faces and ImageNet: resized to 256 pixels, with a centre crop."""
    pixels = np.zeros((80, 160, 3), np.uint8)
    pixels[:, 40:120] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    Image.fromarray(pixels[:20, :16]).save(tmp_path / "tiny.png")
    photos = open_photos(tmp_path, 32, 32)
    assert photos.sizes == [(32, 32), (32, 32)]
    assert (photos.whole(1)[:, :, 2:-2] == 200).all()
    assert photos.whole(0).shape == (3, 32, 32)
    assert torch.equal(photos.crop(1, 4, 8, 16), photos.whole(1)[:, 4:20, 8:24])


@pytest.fixture
def built(folder, tmp_path):
    photos = open_photos(folder, 64)
    spec = pool.PoolSpec(str(folder), photos.names, photos.sizes, "average", 1, False, 4, 64, 10, 0)
    done = []
    pool.build(tmp_path / "pool", spec, photos, [0, 1, 2], lambda n, total: done.append(n))
    assert done[-1] == 10
    return tmp_path / "pool", spec, photos


def test_pool_pairs_are_aligned_through_crops_and_turns(built):
    """The lr of a pair is the average of the very same pixels, but for its noise."""
    sample = pool.Pool(built[0], crop=32, seed=1)(0, 20)
    small = torch.nn.functional.avg_pool2d(sample.image.float(), 4)
    error = (sample.lr.float() - small).square().mean((1, 2, 3)).sqrt()
    spread = (sample.lr.float() - small.roll(1, 0)).square().mean((1, 2, 3)).sqrt()
    assert error.max() < 10 < spread.min()


def test_every_crop_of_the_pool_comes_once_an_epoch(built):
    reader = pool.Pool(built[0], crop=32, seed=1)
    orders = [[reader.order(n) for n in range(start, start + 10)] for start in (0, 10)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    assert orders[0] != orders[1]


def test_a_pool_is_made_once_and_again_when_it_differs(built):
    folder, spec, photos = built
    before = (folder / "image.npy").stat().st_mtime_ns
    pool.build(folder, spec, photos, [0, 1, 2])
    assert (folder / "image.npy").stat().st_mtime_ns == before
    pool.build(folder, spec._replace(seed=1), photos, [0, 1, 2])
    assert (folder / "image.npy").stat().st_mtime_ns > before


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY"])
def test_a_pool_without_its_pixels_is_made_again(built, content):
    folder, spec, photos = built
    before = np.load(folder / "image.npy").copy()
    (folder / "image.npy").unlink()
    if content is not None:
        (folder / "image.npy").write_bytes(content)
    pool.build(folder, spec, photos, list(range(len(photos.names))))
    assert np.array_equal(np.load(folder / "image.npy"), before)


def test_a_pool_that_does_not_fit_the_disk_is_refused(built, tmp_path):
    with pytest.raises(DataError, match=r"data\.pool"):
        pool.check_space(tmp_path, built[1]._replace(crops=10**12))


def test_a_photo_that_cannot_be_read_stops_the_pool_at_once(built, folder, tmp_path):
    photos, spec = built[2], built[1]
    (folder / "a.png").write_bytes(b"gone")
    with pytest.raises(DataError, match=r"a\.png"):
        pool.build(tmp_path / "other", spec, photos, [0, 1, 2])
    assert not (tmp_path / "other" / "pool.json").exists()


def test_a_pool_can_be_interrupted(built, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        pool.build(tmp_path / "other", built[1], built[2], [0, 1, 2], stop=lambda: True)
    assert not (tmp_path / "other" / "pool.json").exists()


def test_larger_photos_fill_more_of_the_pool(built):
    rows = {index: len(span) for index, span in pool.allot(built[2], [0, 1, 2], 100)}
    assert sum(rows.values()) == 100
    assert rows[2] > rows[0] > rows[1]


def test_prefetch_keeps_the_order_and_loses_nothing():
    assert list(Prefetch(lambda step: step * 2, range(3, 50), workers=3)) == list(range(6, 100, 2))


def test_prefetch_passes_errors_on():
    def fail(step):
        raise DataError(f"photo {step}")

    with pytest.raises(DataError, match="photo 0"):
        list(Prefetch(fail, range(5), workers=2))
