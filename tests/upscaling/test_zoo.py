"""Upscalers of other projects: their own results, in our tiles, depths, formats and batches."""

import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import leapsr
from leapsr.errors import MissingExtra, UsageError, WeightsError
from leapsr.hub import catalog
from leapsr.networks import zoo
from leapsr.restorer import Restorer, read_config
from leapsr.upscaling import windows
from leapsr.upscaling.settings import Settings
from leapsr.upscaling.tiles import Extent
from leapsr.upscaling.upscaler import Upscaler
from tests import zoo as tiny
from tests.conftest import picture_array

SCALES = {
    "compact": 4,
    "esrgan": 2,
    "unshuffled": 2,
    "span": 2,
    "swinir": 2,
    "drunet": 1,
    "dncnn": 1,
    "grey": 3,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    return {name: tiny.save(folder, name) for name in tiny.MAKERS}


def photo(height: int, width: int) -> torch.Tensor:
    return torch.from_numpy(picture_array(height, width)).permute(2, 0, 1)[None].float() / 255


def own_call(path, lr: torch.Tensor) -> torch.Tensor:
    from spandrel import ModelLoader

    with warnings.catch_warnings(action="ignore"):
        return ModelLoader().load_from_file(path)(lr)


def restored(restorer: Restorer, lr: torch.Tensor, **options) -> torch.Tensor:
    noise = torch.zeros(len(lr), 3, *(restorer.scale * side for side in lr.shape[2:]))
    return restorer.restore(lr, noise, **options)


@pytest.mark.parametrize("name", sorted(SCALES.keys() - {"dncnn", "grey"}))
@pytest.mark.parametrize("size", [(24, 31), (3, 5)])
def test_the_result_is_the_upscalers_own(files, name, size):
    """Also of pictures smaller than it takes, or of sizes that it does not take."""
    restorer = Restorer.from_pretrained(files[name])
    assert restorer.scale == SCALES[name]
    lr = torch.cat([photo(*size), photo(*size).flip(3)])
    expected = torch.cat([own_call(files[name], each[None]) for each in lr])
    torch.testing.assert_close(restored(restorer, lr), expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", ["dncnn", "grey"])
def test_a_grey_upscaler_takes_the_luma_and_leaves_the_colours(files, name):
    restorer = Restorer.from_pretrained(files[name])
    grey = photo(24, 31).mean(1, keepdim=True)
    expected = own_call(files[name], grey).expand(-1, 3, -1, -1)
    torch.testing.assert_close(restored(restorer, grey.expand(-1, 3, -1, -1)), expected, atol=2e-6, rtol=0)
    tint = torch.tensor([0.1, 0.0, 0.0]).view(3, 1, 1)
    reddish = restored(restorer, grey + tint)
    torch.testing.assert_close(
        reddish[:, 0] - reddish[:, 1], torch.full_like(reddish[:, 0], 0.1), atol=2e-6, rtol=0
    )


@pytest.mark.parametrize("name", ["compact", "esrgan", "span", "grey"])
def test_tiles_equal_the_whole_where_the_field_is_bounded(files, name):
    upscaler = leapsr.load(files[name])
    halo = upscaler.restorer.halo()
    assert halo is not None
    picture = photo(2 * halo + 37, 2 * halo + 60)[0]
    whole = upscaler(picture, tile=0)
    torch.testing.assert_close(upscaler(picture, tile=24), whole, atol=2e-5, rtol=0)
    assert whole.std() > 0.02


@pytest.mark.parametrize("name", ["compact", "esrgan", "span"])
def test_the_halo_holds_all_that_is_seen(files, name):
    """What is not a number spreads exactly as far as an upscaler looks."""
    restorer = Restorer.from_pretrained(files[name])
    side = 2 * restorer.halo() + 24
    lr = photo(side, side)
    lr[..., side // 2 :] = float("nan")
    seen = restored(restorer, lr).isnan().any(dim=(0, 1, 2))
    first = int(seen.nonzero()[0]) // restorer.scale
    assert side // 2 - restorer.halo() <= first < side // 2


@pytest.mark.parametrize("name", ["swinir", "unshuffled"])
def test_other_windows_are_blended_without_a_seam(files, no_guard, name):
    upscaler = leapsr.load(files[name])
    assert upscaler.restorer.halo() is None
    picture = photo(90, 130)[0]
    whole, blended = (upscaler(picture, tile=tile) for tile in (0, 48))
    assert not torch.equal(whole, blended)
    assert (whole - blended).abs().max() < 1e-3


def test_small_windows_share_less_than_they_are(files):
    """The smallest tile that is asked for is one step of SwinIR, which would be shared whole."""
    restorer = Restorer.from_pretrained(files["swinir"])
    asked = windows.check_size(restorer, restorer.alignment, Extent(200, 200))
    for side in (asked, windows.smallest_size(restorer)):
        assert windows.overlap(restorer, side) < side


def test_windows_far_apart_do_not_know_each_other(files):
    """A bounded field that is wider than pays: RRDBNet of 23 blocks sees 351 pixels."""
    from spandrel import architectures

    deep = Restorer.from_pretrained(files["esrgan"]).network
    many = architectures.ESRGAN.ESRGAN(in_nc=3, out_nc=3, num_filters=8, num_blocks=23, scale=4)
    network = zoo.Zoo(
        deep.config, SimpleNamespace(model=many, size_requirements=deep._upscaler.size_requirements)
    )
    assert deep.radius == 20
    assert network.radius is None


@pytest.mark.parametrize(("dtype", "works"), [("fp32", True), ("bf16", True), ("fp16", False)])
def test_precision(files, dtype, works):
    """SwinIR overflows in float16."""
    if not works:
        with pytest.raises(UsageError, match="does not work in float16"):
            leapsr.load(files["swinir"], dtype=dtype)
        return
    upscaler = leapsr.load(files["swinir"], dtype=dtype)
    exact = leapsr.load(files["swinir"])(photo(20, 20)[0])
    assert (upscaler(photo(20, 20)[0]) - exact).abs().max() < 0.05
    assert read_config(files["swinir"]).preferred_half == torch.bfloat16
    assert read_config(files["compact"]).preferred_half == torch.float16


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": 2}, "one step and no dial"),
        ({"fidelity": 0.5}, "one step and no dial"),
        ({"guidance": 2.0}, "is for teachers"),
        ({"denoise": 0.5}, "no control over noise"),
        ({"caption": "a cat"}, "reads no text"),
    ],
)
def test_what_it_has_not_is_refused(files, options, said):
    with pytest.raises(UsageError, match=said):
        leapsr.load(files["compact"])(photo(8, 8)[0], **options)
    leapsr.load(files["compact"])(photo(8, 8)[0], fidelity=0.0, guidance=1.0)


def test_one_that_draws_draws_the_same_in_every_window(files):
    """And no number of anybody else's."""
    known = Restorer.from_pretrained(files["compact"])
    known.network._upscaler = lambda lr: torch.rand(len(lr), 3, *(4 * side for side in lr.shape[2:]))
    torch.manual_seed(7)
    first = restored(known, photo(8, 8))
    drawn = torch.rand(3)
    assert torch.equal(first, restored(known, photo(8, 8)))
    torch.manual_seed(7)
    assert torch.equal(drawn, torch.rand(3))


def test_one_that_does_not_enlarge_restores_and_may_change_the_light(files):
    upscaler = leapsr.load(files["dncnn"])
    picture = photo(20, 30)[0]
    grey = picture.mean(0, keepdim=True)
    result = upscaler(grey.expand(3, -1, -1))
    assert result.shape == (3, 20, 30)
    torch.testing.assert_close(result[:1], own_call(files["dncnn"], grey[None])[0], atol=2e-6, rtol=0)
    assert upscaler(picture, scale=2).shape == (3, 40, 60)


def test_transparency_and_depth_stay(files):
    rgba = np.dstack([picture_array(12, 15), np.tile(np.linspace(0, 255, 15), (12, 1)).astype(np.uint8)])
    result = leapsr.upscale(Image.fromarray(rgba), model=files["compact"], device="cpu")
    assert (result.mode, result.size) == ("RGBA", (60, 48))
    deep = leapsr.upscale(picture_array(12, 15).astype(np.uint16) * 257, model=files["compact"], device="cpu")
    assert (deep.dtype, deep.shape) == (np.uint16, (48, 60, 3))


def test_seeds_change_nothing_and_are_said_to(files, caplog):
    from leapsr.pictures.picture import Picture
    from leapsr.upscaling.samples import samples

    made = list(samples(leapsr.load(files["compact"]), Picture(photo(9, 9)[0]), 3, settings=Settings(seed=4)))
    assert len(made) == 1
    assert "look the same for every seed" in caplog.text


def test_a_pickle_is_read_and_never_run(tmp_path):
    path = tiny.save(tmp_path, "compact", ".pth")
    lr = photo(8, 9)
    torch.testing.assert_close(
        restored(Restorer.from_pretrained(path), lr), own_call(path, lr), atol=2e-6, rtol=0
    )

    class Trap:
        def __reduce__(self):
            return (tmp_path / "run").touch, ()

    trap = tmp_path / "trap.pth"
    torch.save({"params": Trap()}, trap)
    with pytest.raises(WeightsError, match="pickles can run programs"):
        Restorer.from_pretrained(trap)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_files_that_are_no_models_are_said(tmp_path, suffix):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(WeightsError, match=r"cannot be read|holds more than weights, or none"):
        leapsr.load(path)
    with pytest.raises(WeightsError, match="There is no file"):
        leapsr.load(tmp_path / f"absent{suffix}")
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(WeightsError, match="is no model"):
        leapsr.load(tmp_path / "photo.jpg")


def test_weights_of_something_else_are_said(tmp_path, tiny_model):
    path = tmp_path / "else.pth"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(WeightsError, match="no architecture that spandrel knows"):
        leapsr.load(path)
    torch.save(tiny.compact().state_dict() | {"body.2.weight": torch.zeros(1, 1, 3, 3)}, path)
    with pytest.raises(WeightsError, match="damaged, or no upscaler"):
        leapsr.load(path)
    assert catalog.find(tiny_model / catalog.WEIGHTS) == tiny_model


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"purpose": "Inpainting"}, "fills holes"),
        ({"purpose": "FaceSR"}, "restores faces only"),
        ({"output_channels": 1}, "1 channels of 3"),
        ({"scale": 16}, "16 times"),
    ],
)
def test_other_kinds_of_models_are_refused(files, monkeypatch, found, said):
    import spandrel

    kinds = {"purpose": "SR", "input_channels": 3, "output_channels": 3, "scale": 4} | found
    monkeypatch.setattr(spandrel.ModelLoader, "load_from_state_dict", lambda *a: SimpleNamespace(**kinds))
    with pytest.raises(WeightsError, match=said):
        zoo.read(files["compact"])


def test_the_extra_is_named(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(MissingExtra, match=r"pip install 'leapsr\[zoo\]'"):
        zoo.read(files["compact"])


def test_real_esrgan_itself(shared):
    """Whole, as spandrel does it; and in windows, near it where windows meet."""
    path = shared / "weights" / "realesrgan-x4plus.safetensors"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    upscaler = Upscaler(Restorer.from_pretrained(path))
    lr = photo(20, 24)
    torch.testing.assert_close(restored(upscaler.restorer, lr), own_call(path, lr), atol=1e-5, rtol=0)
