"""The real spandrel opens exported files, and says what the model says."""

import pytest
import torch

pytest.importorskip("spandrel", reason="needs spandrel: pip install 'leapsr[zoo]'")

import spandrel

import leapsr.spandrel
from leapsr.errors import UsageError
from leapsr.export import spandrel_file
from leapsr.export.model import Exported


@pytest.mark.parametrize(("name", "fidelity"), [("leap-small", 0.6), ("leap-small-x2", 1.0)])
def test_an_exported_file_is_an_upscaler_of_spandrel(tmp_path, photo_tensor, name, fidelity):
    model = Exported.load(name, fidelity, denoise=0.5)
    path = tmp_path / "model.safetensors"
    assert spandrel_file.write(model, path).max < 1e-4
    leapsr.spandrel.install()
    leapsr.spandrel.install()
    found = spandrel.ModelLoader().load_from_file(path)
    assert (found.architecture.id, found.scale, found.purpose) == ("leapsr", model.restorer.scale, "SR")
    image = photo_tensor[..., :37, :50]
    with torch.inference_mode():
        torch.testing.assert_close(found(image), model.restore(image).clamp(0, 1), rtol=0, atol=1e-4)


def test_a_file_in_fp32_that_is_not_exact_is_not_written(tmp_path, tiny_model):
    class Off(Exported):
        def restore(self, image, **options):
            return super().restore(image, **options) + 3e-4

    with pytest.raises(UsageError, match="differ too much"):
        spandrel_file.write(Off.load(tiny_model), tmp_path / "a.safetensors")
    assert not list(tmp_path.glob("a.*"))


def test_a_file_in_half_precision_is_half_as_large(tmp_path):
    model = Exported.load("leap-small")
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    spandrel_file.write(model, whole)
    assert spandrel_file.write(model, half, torch.float16).psnr > 50
    assert half.stat().st_size < 0.51 * whole.stat().st_size


def test_other_models_are_still_known(tmp_path):
    from tests import zoo

    leapsr.spandrel.install()
    assert spandrel.ModelLoader().load_from_file(zoo.save(tmp_path, "compact")).architecture.id == "Compact"
