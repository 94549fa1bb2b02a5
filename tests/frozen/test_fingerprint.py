import shutil

import pytest

from leapsr.errors import WeightsError
from leapsr.frozen.fingerprint import fingerprint


def test_a_folder_without_weights_has_none(tiny, tmp_path):
    shutil.copytree(tiny("sd35") / "vae", tmp_path / "vae")
    assert fingerprint(tmp_path) == fingerprint(tiny("sd35"))
    for file in (tmp_path / "vae").glob("*.safetensors"):
        file.unlink()
    with pytest.raises(WeightsError, match=r"lacks diffusion_pytorch_model\.safetensors: hf download"):
        fingerprint(tmp_path)
    (tmp_path / "vae" / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"lacks config\.json"):
        fingerprint(tmp_path)
