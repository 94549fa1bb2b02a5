"""leapsr models embed, in a folder of tiny text encoders."""

import pytest

from leapsr.frozen import load_book
from leapsr.frozen.prompts import NEGATIVE, POSITIVE


@pytest.fixture(scope="module")
def sd35(tmp_path_factory):
    for library, extra in (("transformers", "frozen"), ("diffusers", "sd")):
        pytest.importorskip(library, reason=f"{library} is not installed: pip install 'leapsr[{extra}]'")
    from tests.frozen.tiny_folders import make_sd35_folder

    return make_sd35_folder(tmp_path_factory.mktemp("sd35"))


def test_embed(leapsr, sd35, tmp_path):
    code, out, _ = leapsr(
        "models", "embed", sd35, "-o", "p.safetensors", "--caption", "A cat.", "--length", 16
    )
    assert code == 0
    assert out.splitlines()[1:] == [
        "default: 93 tokens of CLIP-L, CLIP-G, T5-XXL of 16 tokens",
        "negative: 93 tokens of CLIP-L, CLIP-G, T5-XXL of 16 tokens",
        "p.safetensors",
    ]
    book = load_book(tmp_path / "p.safetensors", "sd3.5")
    assert book.texts == {"null": "", "default": f"A cat. {POSITIVE}", "negative": NEGATIVE}
    assert book.prompts["null"].tokens.shape == (1, 93, 48)


def test_without_t5(leapsr, sd35, tmp_path):
    code, out, _ = leapsr("models", "embed", sd35, "--no-t5", "--length", 8)
    assert code == 0
    assert "8 zeros for T5-XXL" in out
    assert not load_book(tmp_path / "prompts.safetensors").prompts["default"].tokens[:, 77:].any()


def test_no_encoders(leapsr, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, err = leapsr("models", "embed", "empty")
    assert code == 3
    assert "hf download stabilityai/stable-diffusion-3.5-medium --local-dir empty " in err
    assert "(Stability AI" in err
    assert not (tmp_path / "prompts.safetensors").exists()
