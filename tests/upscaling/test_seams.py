"""No tile shows: in flat and smooth pictures, which show it first, and where a texture meets itself."""

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from leapsr import Upscaler
from leapsr.cli.main import app
from leapsr.pictures.picture import Picture
from leapsr.upscaling import box_reader
from leapsr.upscaling.sizes import Target
from leapsr.upscaling.upscaler import Settings

SIDE, TILE, PITCH = 256, 32, 128
"""A result of 1024 x 1024 pixels in tiles of 128."""


def flat():
    return torch.full((3, SIDE, SIDE), 0.5)


def gradient():
    line = torch.linspace(0.2, 0.8, SIDE)
    return torch.stack((line.expand(SIDE, SIDE), line.expand(SIDE, SIDE).T, 1 - line.expand(SIDE, SIDE)))


def peak(image):
    """How much more of the detail lies at the frequencies of the tiles than at those beside them."""
    profile = image.double().mean((0, 1))
    line = torch.linspace(-1, 1, len(profile), dtype=torch.float64)
    profile = profile - profile.mean() - line * (line @ (profile - profile.mean())) / (line @ line)
    power = torch.fft.rfft(profile * torch.hann_window(len(profile), dtype=torch.float64)).abs().square()
    base = len(profile) // PITCH
    harmonics = range(base, 8 * base, base)  # beyond are the network's own: 4 pixels come from one
    beside = [power[k + i] for k in harmonics for i in (-4, -3, -2, 2, 3, 4)]
    return (torch.stack([power[k] for k in harmonics]).mean() / torch.stack(beside).mean()).item()


@pytest.fixture
def silence(monkeypatch):
    """No noise, in which a weak seam would be lost."""
    monkeypatch.setattr(
        box_reader,
        "position_noise",
        lambda seed, top, left, height, width, channels, device: torch.zeros(channels, height, width),
    )


@pytest.mark.usefixtures("no_guard")
@pytest.mark.parametrize("picture", [flat, gradient])
def test_no_peak_at_the_pitch_of_the_tiles(tiny_model, silence, picture):
    upscaler = Upscaler.from_pretrained(tiny_model, device="cpu")
    tiled, whole = (upscaler(picture(), tile=tile) for tile in (TILE, 0))
    assert (tiled - whole).abs().max() < 1e-5
    assert peak(tiled) < 2 * peak(whole) + 0.1
    upscaler.restorer.halo = lambda _: 0  # seams, for once
    assert peak(upscaler(picture(), tile=TILE)) > 20 * (peak(whole) + 0.1)


@pytest.mark.parametrize(("tile", "shift"), [(0, (3, -11)), (16, (5, 0)), (20, (3, -11))])
@pytest.mark.parametrize("fix", ["none", "wavelet", "adain"])
def test_a_rolled_texture_gives_the_rolled_result(upscaler, photo_tensor, tile, shift, fix):
    texture = photo_tensor[0]
    options = {"tile": tile, "color_fix": fix, "fidelity": 1.0}
    rolled = upscaler(texture.roll(shift, (1, 2)), seamless=True, **options)
    expected = upscaler(texture, seamless=True, **options).roll([4 * by for by in shift], (1, 2))
    assert (rolled - expected).abs().max() < 1e-5
    ending = upscaler(texture, **options).roll([4 * by for by in shift], (1, 2))
    assert (rolled - ending).abs().max() > 1e-3


@pytest.mark.parametrize("target", [Target(scale=2), Target(scale=8), Target(scale=3)])
def test_at_other_sizes_too(upscaler, photo_tensor, target):
    texture, settings = photo_tensor[0], Settings(fidelity=1.0, tile=16, seamless=True)
    rolled = upscaler.upscale(Picture(texture.roll((5, 9), (1, 2))), target, settings).pixels
    expected = upscaler.upscale(Picture(texture), target, settings).pixels
    by = [int(target.scale * shift) for shift in (5, 9)]
    assert (rolled - expected.roll(by, (1, 2))).abs().max() < 1e-5


@pytest.mark.parametrize("tile", [0, 16])
def test_the_noise_goes_on_with_itself(upscaler, photo_tensor, monkeypatch, tile):
    texture, field = photo_tensor[0], torch.randn(3, 192, 256)
    results = []
    for shift in (0, 4 * 7):
        rolled = field.roll((shift, shift), (1, 2))

        def cut(seed, top, left, height, width, channels, device, rolled=rolled):
            assert 0 <= top <= top + height <= 192
            return rolled[:, top : top + height, left : left + width]

        monkeypatch.setattr(box_reader, "position_noise", cut)
        image = upscaler(texture.roll((shift // 4,) * 2, (1, 2)), tile=tile, fidelity=0.0, seamless=True)
        results.append(image.roll((-shift, -shift), (1, 2)))
    assert (results[0] - results[1]).abs().max() < 1e-5


def test_a_real_network_and_a_texture(tiny_model, silence, photo_tensor):
    """Its levels of half the size are rolled along only by multiples of its alignment."""
    upscaler, texture = Upscaler.from_pretrained(tiny_model, device="cpu"), photo_tensor[0]
    shift = 3 * upscaler.restorer.alignment
    rolled, whole = (upscaler(image, seamless=True, tile=20) for image in (texture.roll(shift, 2), texture))
    assert (rolled - whole.roll(4 * shift, 2)).abs().max() < 1e-5
    assert rolled.shape == (3, 192, 256)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 13)])
def test_textures_smaller_than_what_the_network_sees(tiny_model, size):
    texture = torch.rand(3, *size)
    result = Upscaler.from_pretrained(tiny_model, device="cpu")(texture, seamless=True)
    assert result.shape == (3, 4 * size[0], 4 * size[1])
    assert result.isfinite().all()


def test_a_transparent_texture(upscaler, photo_tensor):
    alpha = torch.rand(1, 48, 64)
    texture = Picture(torch.cat((photo_tensor[0], alpha)))
    results = [upscaler.upscale(texture, settings=Settings(tile=tile, seamless=True)) for tile in (0, 16)]
    assert (results[0].pixels - results[1].pixels).abs().max() < 1e-5


def test_the_command_has_an_option_for_it(tiny_model, tmp_path, photo):
    photo.save(tmp_path / "a.png")
    arguments = ["upscale", str(tmp_path / "a.png"), "-n", str(tiny_model), "--device", "cpu"]
    for name, more in (("plain", []), ("seamless", ["--seamless"])):
        result = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / f"{name}.png"), *more])
        assert result.exit_code == 0, result.output
    expected = Upscaler.from_pretrained(tiny_model, device="cpu")(photo, seamless=True)
    with Image.open(tmp_path / "seamless.png") as image:
        assert image.tobytes() == expected.tobytes()
    assert (tmp_path / "plain.png").read_bytes() != (tmp_path / "seamless.png").read_bytes()
