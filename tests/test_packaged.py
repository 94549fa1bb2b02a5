"""The models inside the package: whole, documented, exact in tiles, and better than bicubic."""

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import leapsr
from leapsr import Upscaler, catalog
from leapsr.cli.main import app
from leapsr.metrics.fidelity import psnr
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
    """A guard against packaging something broken; the whole table is docs/log.md's."""
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
