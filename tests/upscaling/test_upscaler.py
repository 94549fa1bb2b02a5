import logging

import numpy as np
import pytest
import torch
from PIL import Image

from leapsr import memory
from leapsr.errors import ImageError, UnknownName, UsageError, WeightsError
from leapsr.networks import PRESETS, UNet
from leapsr.pictures.picture import Picture
from leapsr.restorer import ModelConfig, Restorer
from leapsr.upscaling.sizes import Target
from leapsr.upscaling.upscaler import Settings, Upscaler


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (3, 400), (31, 29)])
def test_the_result_is_exactly_four_times_as_large(upscaler, size):
    result = upscaler(torch.rand(3, *size))
    assert result.shape == (3, 4 * size[0], 4 * size[1])
    assert result.min() >= 0
    assert result.max() <= 1


def test_what_is_large_enough_is_a_copy(upscaler):
    for given in (np.zeros((20, 30, 3), np.uint8), torch.zeros(3, 20, 30)):
        result = upscaler(given, width=10, fit="at_least")
        result[:] = 1
        assert given.max() == 0


def test_no_picture_in_a_batch(upscaler):
    with pytest.raises(ImageError, match="no picture"):
        upscaler(torch.zeros(0, 3, 4, 4))


def test_whole_numbers_may_be_floats(upscaler):
    assert upscaler(np.zeros((4, 6, 3), np.uint8), width=15.0, height=9.0).shape == (9, 15, 3)


@pytest.mark.parametrize("tile", [1, 8, 10, 33, "auto"])
@pytest.mark.parametrize("steps", [1, 2])
def test_tiles_do_not_show(upscaler, photo_tensor, tile, steps):
    whole = upscaler(photo_tensor[0], tile=0, fidelity=0.0, steps=steps)
    tiled = upscaler(photo_tensor[0], tile=tile, fidelity=0.0, steps=steps)
    assert (whole - tiled).abs().max() < 1e-5


@pytest.mark.usefixtures("no_guard")
def test_the_halo_is_needed(upscaler, fake_restorer, photo_tensor):
    whole = upscaler(photo_tensor[0], tile=0)
    fake_restorer.halo = lambda _: 0
    assert (whole - upscaler(photo_tensor[0], tile=8)).abs().max() > 1e-3


@pytest.mark.usefixtures("no_guard")
def test_the_network_sees_tiles_only(upscaler, fake_restorer, photo_tensor):
    upscaler(photo_tensor[0], tile=16)
    assert len(fake_restorer.calls) == 3 * 4
    assert max(max(call) for call in fake_restorer.calls) <= 16 + 2 * 4


def test_the_seed_decides(upscaler, photo_tensor):
    first, again, other = (upscaler(photo_tensor[0], seed=seed) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_what_is_given_is_returned(upscaler, photo, tmp_path):
    photo.save(tmp_path / "a.png")
    array = np.asarray(photo)
    results = [
        upscaler(photo),
        upscaler(tmp_path / "a.png"),
        upscaler(str(tmp_path / "a.png")),
        upscaler((tmp_path / "a.png").read_bytes()),
    ]
    assert all(isinstance(result, Picture) for result in results[1:])
    results = [results[0], *(result.pil() for result in results[1:])]
    for result in results:
        assert isinstance(result, Image.Image)
        assert result.size == (148, 96)
        assert result.tobytes() == results[0].tobytes()
    from_array = upscaler(array)
    assert isinstance(from_array, np.ndarray)
    assert from_array.dtype == np.uint8
    assert np.array_equal(from_array, np.asarray(results[0]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
def test_tensors_keep_their_kind(upscaler, photo_tensor, dtype):
    batch = photo_tensor.expand(2, -1, -1, -1).to(dtype)
    result = upscaler(batch)
    assert result.shape == (2, 3, 192, 256)
    assert result.dtype == dtype
    assert torch.equal(result[1], upscaler(batch[1]))


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"scale": 2.5}, (60, 93)),
        ({"scale": 6}, (144, 222)),
        ({"width": 100}, (65, 100)),
        ({"long_side": 37}, (24, 37)),
    ],
)
def test_any_size(upscaler, photo, options, size):
    assert upscaler(photo, **options).size[::-1] == size


def test_a_large_enough_picture_is_left_alone(upscaler, fake_restorer, photo, caplog):
    result = upscaler(photo, width=30, fit="at_least")
    assert np.array_equal(np.asarray(result), np.asarray(photo))
    assert not fake_restorer.calls
    assert "37 x 24" in caplog.text


def test_flat_pictures_stay_flat(upscaler):
    grey = torch.full((3, 40, 50), 0.5)
    assert torch.allclose(upscaler(grey, fidelity=1.0, tile=16), torch.tensor(0.5), atol=1e-6)


def test_transparency_is_upscaled_faithfully(upscaler, photo):
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    one, other = (np.asarray(upscaler(photo, seed=seed, fidelity=0.0)) for seed in (0, 1))
    assert one.shape == (96, 148, 4)
    assert np.array_equal(one[..., 3], other[..., 3])
    expected = np.asarray(photo.getchannel("A").resize((148, 96), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(one[..., 3] - expected).max() <= 2


@pytest.mark.parametrize("level", [0, 77, 255])
def test_constant_transparency_stays_constant(upscaler, fake_restorer, photo, level):
    photo.putalpha(level)
    result = upscaler(photo)
    assert result.mode == "RGBA"
    assert result.getchannel("A").getextrema() == (level, level)
    assert len(fake_restorer.calls) == 1


@pytest.mark.usefixtures("no_guard")
@pytest.mark.parametrize("fix", ["wavelet", "adain"])
def test_colours_are_those_of_the_source(upscaler, fake_restorer, photo_tensor, fix):
    restore = fake_restorer.restore
    fake_restorer.restore = lambda *args, **options: restore(*args, **options) * 0.8 + 0.1
    shifted, fixed = (upscaler(photo_tensor[0], color_fix=name, tile=16) for name in ("none", fix))
    mean = photo_tensor[0].mean((1, 2))
    assert (shifted.mean((1, 2)) - mean).abs().max() > 0.01
    assert (fixed.mean((1, 2)) - mean).abs().max() < 0.004


def test_auto_colour_is_the_models_wish(upscaler, fake_restorer, photo_tensor, monkeypatch):
    plain = upscaler(photo_tensor[0])
    assert torch.equal(plain, upscaler(photo_tensor[0], color_fix="none"))
    monkeypatch.setattr(fake_restorer.config, "color_fix", "adain")
    assert torch.equal(upscaler(photo_tensor[0]), upscaler(photo_tensor[0], color_fix="adain"))


def test_out_of_memory_halves_the_tile(upscaler, fake_restorer, photo_tensor, caplog):
    expected = upscaler(photo_tensor[0])
    restore = fake_restorer.restore

    def small_device(lr, noise, **options):
        if lr.shape[-1] > 50:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return restore(lr, noise, **options)

    fake_restorer.restore = small_device
    assert (upscaler(photo_tensor[0], tile=0) - expected).abs().max() < 1e-5
    assert "trying 32" in caplog.text


def test_overflow_in_half_precision_is_repeated_in_full(upscaler, fake_restorer, photo_tensor, caplog):
    expected = upscaler(photo_tensor[0])
    fake_restorer.dtype = torch.float16
    restore = fake_restorer.restore

    def overflowing(lr, noise, **options):
        result = restore(lr, noise, **options)
        return result / 0 if fake_restorer.dtype == torch.float16 else result

    fake_restorer.restore = overflowing
    assert torch.equal(upscaler(photo_tensor[0]), expected)
    assert fake_restorer.dtype == torch.float32
    assert "overflowed" in caplog.text


def test_overflow_in_full_precision_is_an_error(upscaler, fake_restorer):
    fake_restorer.restore = lambda _lr, noise, **_options: noise * torch.nan
    with pytest.raises(ImageError, match="not finite"):
        upscaler(torch.rand(3, 8, 8))


def test_progress_counts_the_tiles(upscaler, photo_tensor):
    seen = []
    upscaler(photo_tensor[0], tile=32, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_the_chosen_tile_is_told(upscaler, photo_tensor, caplog):
    with caplog.at_level(logging.DEBUG, "leapsr"):
        upscaler(photo_tensor[0])
    assert "Tiles of" in caplog.text


def test_too_little_memory_is_said_before_any_work(upscaler, fake_restorer, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda _: 1 << 20)
    with pytest.raises(ImageError, match="GiB"):
        upscaler(torch.rand(3, 200, 200))
    assert not fake_restorer.calls
    assert upscaler(torch.rand(3, 200, 200), width=200).shape == (3, 200, 200)


def test_the_profile_goes_along(upscaler):
    picture = upscaler.upscale(Picture(torch.rand(3, 4, 4), icc=b"profile"), Target(scale=2))
    assert (picture.icc, picture.size) == (b"profile", (8, 8))


@pytest.mark.parametrize(
    "options",
    [
        {"steps": 0},
        {"fidelity": 1.5},
        {"fidelity": -0.1},
        {"tile": -1},
        {"tile": "big"},
        {"color_fix": "lab"},
    ],
)
def test_impossible_settings(options):
    with pytest.raises(UsageError):
        Settings(**options)


def test_misspelt_options_are_errors(upscaler):
    with pytest.raises(TypeError):
        upscaler(torch.rand(3, 4, 4), scales=4)


def test_models_that_are_not_there(tmp_path):
    with pytest.raises(UnknownName, match="model 'none'"):
        Upscaler.from_pretrained("none")
    with pytest.raises(WeightsError, match="not a model folder"):
        Upscaler.from_pretrained(tmp_path)


@pytest.mark.parametrize("device", ["abacus", "cuda:99", "meta"])
def test_devices_that_are_not_there(tiny_model, device):
    with pytest.raises(UsageError, match=device):
        Upscaler.from_pretrained(tiny_model, device=device)


def test_precisions_that_are_not_there(tiny_model):
    with pytest.raises(UsageError, match="fp64"):
        Upscaler.from_pretrained(tiny_model, dtype="fp64")


@pytest.mark.parametrize("tile", [8, 20])
def test_a_real_network_in_tiles(tiny_model, photo_tensor, tile):
    upscaler = Upscaler.from_pretrained(tiny_model, device="cpu")
    whole = upscaler(photo_tensor[0], tile=0)
    assert whole.shape == (3, 192, 256)
    assert (upscaler(photo_tensor[0], tile=tile) - whole).abs().max() < 1e-5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize(("dtype", "tolerance"), [("fp32", 1e-4), ("auto", 0.02), ("bf16", 0.05)])
def test_cuda_agrees_with_the_processor(tiny_model, photo_tensor, dtype, tolerance):
    one, other = (
        Upscaler.from_pretrained(tiny_model, *where)(photo_tensor[0]) for where in (("cpu",), ("cuda", dtype))
    )
    assert (one - other).abs().max() < tolerance


def test_transparency_with_a_model_that_has_no_dial(photo):
    network = UNet(PRESETS["tiny"])
    model = Restorer(ModelConfig(method="flowsr", network=network.config, fidelity=0), network)
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    assert Upscaler(model)(photo).mode == "RGBA"


class TestDenoise:
    """Of a network that is told how damaged its picture is."""

    @pytest.fixture
    def told(self) -> Upscaler:
        torch.manual_seed(0)
        network = UNet(PRESETS["tiny"].model_copy(update={"damage": True}))
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape))
        return Upscaler(Restorer(ModelConfig(method="dial", network=network.config), network))

    def test_tiles_are_told_of_the_whole_picture(self, told):
        """One half is noisy, so that a tile by itself would measure something else."""
        picture = torch.full((3, 70, 150), 0.5)
        picture[..., 75:] += 0.1 * torch.randn(3, 70, 75)
        whole = told(picture, tile=0)
        for tile in (16, 40):
            assert (whole - told(picture, tile=tile)).abs().max() < 1e-5

    def test_it_changes_the_result_and_auto_is_all(self, told, photo_tensor):
        picture = photo_tensor[0]
        kept, half, gone, auto = (told(picture, denoise=value) for value in (0, 0.5, 1, "auto"))
        assert (auto == gone).all()
        assert (kept - gone).abs().max() > (half - gone).abs().max() > 0

    def test_others_refuse_it(self, upscaler):
        with pytest.raises(UsageError, match="denoise"):
            upscaler(torch.rand(3, 8, 8), denoise=0.0)

    @pytest.mark.parametrize("value", [-0.1, 3.1, float("nan")])
    def test_values_that_cannot_work(self, value):
        with pytest.raises(UsageError, match="denoise"):
            Settings(denoise=value)


@pytest.mark.parametrize(("steps", "color_fix"), [(1, "none"), (4, "none"), (1, "adain"), (4, "adain")])
def test_progress_counts_every_pass(upscaler, photo, steps, color_fix):
    """Alpha is a pass of its own, of one step; `adain` looks at the whole picture first."""
    photo.putalpha(photo.convert("L"))
    shares = []
    options = {"steps": steps, "color_fix": color_fix, "tile": 32}
    upscaler(photo, progress=lambda done, total: shares.append(done / total), **options)
    weights = [steps] * (2 if color_fix == "adain" else 1) + [1]
    tiles = len(shares) // len(weights)
    assert shares == pytest.approx(
        [
            (sum(weights[:index]) + weight * tile / tiles) / sum(weights)
            for index, weight in enumerate(weights)
            for tile in range(1, tiles + 1)
        ]
    )
    assert tiles == 2
