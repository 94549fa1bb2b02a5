"""The models inside the package: whole, documented, exact in tiles, and better than bicubic."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from typer.testing import CliRunner

import leapsr
from leapsr import Upscaler
from leapsr.cli.main import app
from leapsr.hub import catalog
from leapsr.metrics.fidelity import psnr
from leapsr.ops.jpeg import jpeg
from leapsr.ops.upsample import bicubic_upsample
from leapsr.restorer import Restorer
from tests.conftest import picture_array

NAMES = sorted(path.parent.name for path in catalog.PACKAGED.glob("*/config.json"))
WITH_DIAL = [name for name in NAMES if Restorer.from_pretrained(catalog.find(name)).most_faithful]
POSITIONS = [
    (name, fidelity) for name in NAMES for fidelity in (0.0, 0.5, 1.0) if not fidelity or name in WITH_DIAL
]


def picture(height: int, width: int) -> torch.Tensor:
    return torch.from_numpy(picture_array(height, width)).permute(2, 0, 1).float() / 255


def test_there_is_a_default_model():
    assert catalog.default_name() == catalog.DEFAULT
    assert catalog.DEFAULT in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_what_one_wants_to_know(name):
    card = (catalog.find(name) / catalog.CARD).read_text(encoding="utf-8").lower()
    for word in ("licence", "leapsr train", "leapsr distill", "seed", "hours", "psnr", "limits"):
        assert word in card  # one that needs no teacher says that it needs no `leapsr distill`
    assert catalog.CARD in catalog.verify(name)


def test_there_is_one_of_each_method():
    methods = {Restorer.from_pretrained(catalog.find(name)).config.method for name in NAMES}
    assert methods == {"oftsr", "mfsr", "smfsr", "flowsr", "dial"}


@pytest.mark.parametrize("name", NAMES)
def test_the_command_reaches_each_by_its_name(name, tmp_path):
    Image.fromarray((picture(20, 30).permute(1, 2, 0) * 255).byte().numpy()).save(tmp_path / "in.png")
    result = CliRunner().invoke(
        app, ["upscale", str(tmp_path / "in.png"), "-n", name, "-o", str(tmp_path / "out.png")]
    )
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "out.png") as image:
        scale = Restorer.from_pretrained(catalog.find(name)).scale
        assert image.size == (30 * scale, 20 * scale)


def test_twice_as_large_is_made_by_the_model_for_that(tmp_path):
    small = Image.fromarray((picture(20, 30).permute(1, 2, 0) * 255).byte().numpy())
    small.save(tmp_path / "in.png")
    wanted = Upscaler.from_pretrained(catalog.DEFAULT_X2, device="cpu")(small)
    assert leapsr.upscale(small, scale=2, device="cpu").tobytes() == wanted.tobytes()
    options = ["-s", "2", "--device", "cpu", "-o", str(tmp_path / "out.png")]
    assert CliRunner().invoke(app, ["upscale", str(tmp_path / "in.png"), *options]).exit_code == 0
    with Image.open(tmp_path / "out.png") as image:
        assert image.tobytes() == wanted.tobytes()


@pytest.mark.parametrize(("name", "fidelity"), POSITIONS)
@pytest.mark.parametrize(("height", "width"), [(131, 197), (64, 211), (150, 97)])
def test_tiled_equals_untiled(name, height, width, fidelity):
    """Odd and prime sizes, so that the last tile is cut anywhere; in float32, one call against many."""
    upscaler = Upscaler.from_pretrained(name, device="cpu", dtype="fp32")
    lr = picture(height, width)
    whole = upscaler(lr, tile=0, seed=5, fidelity=fidelity)
    for tile in (64, 96, 128):
        assert (upscaler(lr, tile=tile, seed=5, fidelity=fidelity) - whole).abs().max() <= 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_small(name):
    assert (catalog.find(name) / catalog.WEIGHTS).stat().st_size < 16 << 20


@pytest.mark.parametrize("name", WITH_DIAL)
def test_faithful_beats_bicubic_on_damaged_photos(name, shared):
    """A guard against packaging something broken; the whole tables are in docs/lab and in the cards."""
    from leapsr import degrade

    restorer, gains = Restorer.from_pretrained(catalog.find(name)), []
    for index in (5, 19, 23):
        with Image.open(shared / "data" / "val" / "Kodak" / f"{index}.png") as file:
            hr = torch.tensor(np.asarray(file.crop((64, 64, 448, 448)).convert("RGB")))[None]
        hr = hr.permute(0, 3, 1, 2).float() / 255
        scale = restorer.scale
        lr = degrade.make("realesrgan-heavy", scale)(hr, torch.Generator().manual_seed(index))
        noise = torch.randn(hr.shape, generator=torch.Generator().manual_seed(index))
        restored = restorer.restore(lr, noise, fidelity=1).clamp(0, 1)
        faithful = psnr(restored, hr, channels="y", border=scale)
        simple = bicubic_upsample(lr, scale).clamp(0, 1)
        gains.append(faithful - psnr(simple, hr, channels="y", border=scale))
    assert torch.cat(gains).mean() > 0.2


FOR_PHOTOS = [name for name in NAMES if Restorer.from_pretrained(catalog.find(name)).reads_damage]
SATURATED = ((0, 0, 255), (20, 255, 20), (255, 0, 0), (255, 0, 255), (0, 255, 255), (255, 102, 0))


def drawing(ground: tuple[int, int, int]) -> torch.Tensor:
    """(3, 48, 64): a box, a frame and a word on a saturated ground."""
    image = Image.new("RGB", (64, 48), ground)
    draw = ImageDraw.Draw(image)
    draw.rectangle((6, 6, 25, 20), fill="white")
    draw.rectangle((34, 4, 58, 22), outline="black")
    draw.text((8, 28), "ACME AG", fill="white")
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def farthest_block(result: torch.Tensor, source: torch.Tensor) -> float:
    """Grey levels by which the mean of 8 x 8 source pixels moved, in the channel where it did most."""
    scale = result.shape[-1] // source.shape[-1]
    error = F.avg_pool2d(result, scale) - source
    return 255 * F.avg_pool2d(error, 8, 1).abs().max().item()


def test_some_models_are_for_photos():
    assert {"leap-small", "leap-small-x2", "leap-medium"} == {*FOR_PHOTOS}


@pytest.mark.usefixtures("no_guard")
@pytest.mark.parametrize("name", FOR_PHOTOS)
def test_drawings_do_not_run_away_by_what_the_network_says(name):
    upscaler = Upscaler.from_pretrained(name)
    for ground in SATURATED:
        source = drawing(ground)
        for fidelity in (0.0, 0.5, 1.0):
            assert farthest_block(upscaler(source, fidelity=fidelity), source) < 14


@pytest.mark.parametrize("name", NAMES)
def test_drawings_do_not_run_away(name):
    upscaler = Upscaler.from_pretrained(name)
    for ground in SATURATED[:3]:
        source = drawing(ground)
        assert farthest_block(upscaler(source), source) < 14


@pytest.mark.parametrize("name", FOR_PHOTOS)
def test_noise_goes_and_stays_where_it_is_told_to(name):
    upscaler, clean = Upscaler.from_pretrained(name), picture(64, 64)
    noise = 20 / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = (clean + noise).clamp(0, 1)
    plain = (bicubic_upsample((noisy - clean)[None], upscaler.restorer.scale)[0]).square().mean().sqrt()
    for fidelity in (0.5, 1.0):
        left = [
            (upscaler(noisy, fidelity=fidelity, denoise=denoise) - upscaler(clean, fidelity=fidelity))
            .square()
            .mean()
            .sqrt()
            for denoise in ("auto", 0)
        ]
        assert left[0] < 0.8 * plain
        assert 0.7 * plain < left[1] < 1.3 * plain


@pytest.mark.parametrize("name", ["leap-small", "leap-small-x2"])  # leap-medium takes them by itself
def test_more_of_jpegs_traces_goes_where_it_is_told_to(name):
    upscaler = Upscaler.from_pretrained(name)
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    slope = torch.stack([0.3 + (x + 2 * y) / 400, 0.5 + x / 300, 0.6 - y / 200])
    noise = 4 / 255 * torch.randn(slope.shape, generator=torch.Generator().manual_seed(0))
    stored = jpeg((slope + noise)[None].clamp(0, 1), torch.tensor([60.0]))[0]
    truth = bicubic_upsample(slope[None], upscaler.restorer.scale)[0]
    left = [(upscaler(stored, denoise=denoise) - truth).square().mean() for denoise in ("auto", 1, 2)]
    assert left[0] == left[1]
    assert left[2] < 0.97 * left[1]


@pytest.mark.parametrize("name", NAMES)
def test_grey_that_is_stored_in_colour_stays_grey(name):
    grey = picture(24, 32).mean(0, keepdim=True).mul(255).round().div(255).expand(3, -1, -1)
    result = Upscaler.from_pretrained(name)(grey.contiguous())
    assert (result - result.mean(0)).abs().max() < 1e-6
