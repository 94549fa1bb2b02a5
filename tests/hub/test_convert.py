"""Published folders become models that restore any size, by teacher and by student."""

import pytest
import torch

from leapsr.errors import UnknownName, UsageError, WeightsError
from leapsr.frozen import load_book
from leapsr.frozen.prompts import FLOWSR, MFSR_NEGATIVE, NEGATIVE, POSITIVE
from leapsr.hub import catalog
from leapsr.hub.convert import convert
from leapsr.hub.published import PUBLISHED
from leapsr.networks import Quality
from leapsr.restorer import Restorer

SIZES = [(8, 8), (5, 11)]


def restored(model: Restorer, height: int, width: int, **settings: object) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    lr = torch.rand(2, 3, height, width, generator=generator)
    noise = torch.randn(2, *model.space.state_shape(height, width), generator=generator)
    return model.restore(lr, noise, **settings)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("name", ["dit4sr_q", "dit4sr_r1", "smfsr_f", "sd35", "sd21"])
def test_a_published_folder_restores_any_size(name, height, width, models):
    model = Restorer.from_pretrained(models(name))
    image = restored(model, height, width, steps=2)
    assert image.shape == (2, 3, 4 * height, 4 * width)
    assert image.isfinite().all()


def test_a_base_model_that_is_none_or_not_needed(models, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError):
        convert("sd21", models("sd21"), tmp_path / "out", base=tmp_path / "empty")
    with pytest.raises(UsageError, match="needs no base model"):
        convert("oftsr_ffhq", tmp_path, tmp_path / "out", base=tmp_path / "empty")


def test_saved_and_loaded_it_is_the_same(models, tmp_path):
    model = Restorer.from_pretrained(models("smfsr_f"))
    model.save_pretrained(tmp_path, torch.float32)
    again = Restorer.from_pretrained(tmp_path)
    torch.testing.assert_close(restored(again, 6, 8), restored(model, 6, 8), rtol=0, atol=0)
    assert (tmp_path / "prompts.safetensors").is_file()


def test_a_teacher_is_guided_by_its_prompts(models):
    """The prompts of the three labels are in the folder; guidance is linear in its scale for one step."""
    model = Restorer.from_pretrained(models("dit4sr_q"))
    assert model.labels == {Quality.NONE, Quality.GOOD, Quality.BAD}
    assert model.config.guidance == 8
    model.space = model.space.__class__(
        model.space.scale,
        _Linear(),
        model.space.state_multiple,
        model.space.condition_input,
        model.space.prompts,
    )
    plain, twice, thrice = (restored(model, 8, 8, steps=1, guidance=scale) for scale in (1.0, 2.0, 3.0))
    assert (twice - plain).abs().max() > 1e-4
    torch.testing.assert_close(thrice - twice, twice - plain, atol=1e-4, rtol=1e-3)


class _Linear:
    """An autoencoder without a network, so that what the flow does is seen in the picture."""

    factor = 8
    channels = 16

    def encode(self, image):
        means = torch.nn.functional.avg_pool2d(image, 8)
        return means.repeat(1, 6, 1, 1)[:, :16]

    def decode(self, latents, size=None):
        image = latents[:, :3].repeat_interleave(8, 2).repeat_interleave(8, 3)
        return image if size is None else image[..., : size[0], : size[1]]


def test_the_folder_says_what_it_is(models):
    folder = models("dit4sr_q")
    assert "Pi-Lab" in (folder / catalog.CARD).read_text()
    assert "Pi-Lab" in Restorer.from_pretrained(folder).config.licence
    assert set(catalog.verify(folder)) >= {catalog.CONFIG, catalog.WEIGHTS}


def test_each_family_is_asked_with_its_own_texts(models):
    """The teachers that MFSR may distil have its negative text beside their own, which --guidance reads."""
    supir = {"null": "", "default": POSITIVE, "negative": NEGATIVE}
    flowsr = {"null": "", "default": FLOWSR.suffix, "negative": FLOWSR.negative}
    teacher = supir | {"negative_mfsr": MFSR_NEGATIVE}
    for name, texts in {"dit4sr_q": teacher, "sd35": teacher, "smfsr_f": supir, "sd21": flowsr}.items():
        assert load_book(models(name) / catalog.PROMPTS).texts == texts
    assert PUBLISHED["flowsr"].texts == flowsr


def test_what_is_missing_is_said(tmp_path, tiny):
    with pytest.raises(UnknownName, match="dit4sr_q"):
        convert("dit4sr", tmp_path, tmp_path / "out")
    with pytest.raises(WeightsError, match="hf download"):
        convert("dit4sr_q", tmp_path, tmp_path / "out")


def test_every_entry_makes_a_config():
    """What is said of each beside its network is known to ModelConfig."""
    from leapsr.networks import PRESETS
    from leapsr.restorer import ModelConfig

    for known in PUBLISHED.values():
        fields = {key: value for key, value in known.model.items() if key != "scale"}
        assert ModelConfig(network=PRESETS["tiny"], licence=known.licence, **fields).licence
