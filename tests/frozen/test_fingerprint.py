import shutil

import pytest
from safetensors.torch import save_file
from torch import ones

from leapsr.errors import WeightsError
from leapsr.frozen.fingerprint import fingerprint
from leapsr.frozen.taef2 import PAIR, SINGLE_FILE


def test_two_taef2_in_two_files_each_are_not_the_same(tmp_path):
    found = []
    for place, halves in enumerate(("ab", "ab", "aa", "bb", "ba")):
        folder = tmp_path / str(place)
        folder.mkdir()
        for name, content in zip(PAIR.values(), halves, strict=True):
            (folder / name).write_text(content)
        found.append(fingerprint(folder))
    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_of_taef2s_single_file_nothing_beside_it_counts(tmp_path):
    save_file({"x": ones(1)}, tmp_path / SINGLE_FILE)
    found = fingerprint(tmp_path)
    for name in ("other.safetensors", *PAIR.values()):
        (tmp_path / name).write_bytes(b"")
    assert fingerprint(tmp_path) == found


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
