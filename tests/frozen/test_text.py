import shutil

import pytest
import torch

from leapsr.errors import MissingExtra, WeightsError
from leapsr.frozen import Sd3Text, Sd21Text, text_encoder
from leapsr.hub.repositories import SD35

TEXTS = ["a photo of the sharp thing, and of 3 more!", "", "blurring " * 120]
"""One that fits, nothing, and one that is too long for every encoder."""


@pytest.fixture(scope="module")
def pipeline(tiny):
    from diffusers import StableDiffusion3Pipeline

    return StableDiffusion3Pipeline.from_pretrained(tiny("sd35"))


@pytest.mark.parametrize("length", [256, 77])
def test_sd35s_prompts_are_the_pipelines(tiny, pipeline, length):
    with torch.no_grad():
        tokens, _, pooled, _ = pipeline.encode_prompt(
            TEXTS, None, None, do_classifier_free_guidance=False, max_sequence_length=length
        )
    prompt = Sd3Text(tiny("sd35"), length=length).encode(TEXTS)
    assert prompt.tokens.shape == (3, 77 + length, 48)
    assert prompt.pooled.shape == (3, 40)
    assert torch.equal(prompt.tokens, tokens)
    assert torch.equal(prompt.pooled, pooled)
    assert not prompt.tokens.requires_grad


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_with_less_precise_weights_too(tiny, dtype):
    from diffusers import StableDiffusion3Pipeline

    pipeline = StableDiffusion3Pipeline.from_pretrained(tiny("sd35"), dtype=dtype)
    with torch.no_grad():
        tokens, _, pooled, _ = pipeline.encode_prompt(
            TEXTS[:1], None, None, do_classifier_free_guidance=False, max_sequence_length=16
        )
    prompt = Sd3Text(tiny("sd35"), length=16, dtype=dtype).encode(TEXTS[:1])
    assert prompt.tokens.dtype == prompt.pooled.dtype == dtype
    assert torch.equal(prompt.tokens, tokens)
    assert torch.equal(prompt.pooled, pooled)


def test_without_t5_its_tokens_are_zeros_as_in_the_pipeline(tiny, tmp_path):
    """In a folder that has no T5, and where nobody asks for the one that is there."""
    from diffusers import StableDiffusion3Pipeline

    pipeline = StableDiffusion3Pipeline.from_pretrained(tiny("sd35"), text_encoder_3=None, tokenizer_3=None)
    with torch.no_grad():
        tokens, _, pooled, _ = pipeline.encode_prompt(TEXTS, None, None, do_classifier_free_guidance=False)
    shutil.copytree(tiny("sd35"), tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "text_encoder_3")
    for folder in (tmp_path, tiny("sd35")):
        prompt = Sd3Text(folder, t5=False).encode(TEXTS)
        assert torch.equal(prompt.tokens, tokens)
        assert torch.equal(prompt.pooled, pooled)
    assert not tokens[:, 77:].any()
    with pytest.raises(WeightsError, match=rf"lacks text_encoder_3, T5-XXL.*hf download {SD35.name}"):
        Sd3Text(tmp_path).encode(TEXTS)


def test_sd21s_prompts_are_the_pipelines(tiny):
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(
        tiny("sd21"), safety_checker=None, requires_safety_checker=False
    )
    with torch.no_grad():
        tokens, _ = pipeline.encode_prompt(TEXTS, "cpu", 1, do_classifier_free_guidance=False)
    prompt = Sd21Text(tiny("sd21")).encode(TEXTS)
    assert torch.equal(prompt.tokens, tokens)
    assert prompt.pooled is None


def test_a_texts_tokens_do_not_depend_on_its_batch(tiny):
    encoder = Sd3Text(tiny("sd35"), length=32)
    together, alone = encoder.encode(TEXTS), encoder.encode(TEXTS[1:2])
    torch.testing.assert_close(together.take(slice(1, 2)).tokens, alone.tokens)


def test_tokenizers_as_the_hub_has_them(tiny, tmp_path):
    """CLIP's of the hub are a vocabulary and merges, without tokenizer.json."""
    shutil.copytree(tiny("sd35"), tmp_path, dirs_exist_ok=True)
    from transformers import CLIPTokenizer

    for part in ("tokenizer", "tokenizer_2"):
        CLIPTokenizer.from_pretrained(tmp_path / part).backend_tokenizer.model.save(str(tmp_path / part))
        (tmp_path / part / "tokenizer.json").unlink()
    old, new = (Sd3Text(folder, t5=False, length=8).encode(TEXTS) for folder in (tmp_path, tiny("sd35")))
    assert torch.equal(old.tokens, new.tokens)


def test_the_folder_says_which_encoder_it_has(tiny, tmp_path):
    sd35, sd21 = text_encoder(tiny("sd35"), length=77), text_encoder(tiny("sd21"))
    assert (sd35.kind, sd35.encoders) == ("sd3.5", "CLIP-L, CLIP-G, T5-XXL of 77 tokens")
    assert text_encoder(tiny("sd35"), t5=False).encoders == "CLIP-L, CLIP-G, 256 zeros for T5-XXL"
    assert (sd21.kind, sd21.encoders) == ("sd2.1", "CLIP-H")
    (tmp_path / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    with pytest.raises(WeightsError, match="holds a FluxPipeline"):
        text_encoder(tmp_path)


@pytest.mark.parametrize("after", ["stay", "release"])
def test_encoders_that_are_given_up_are_read_again(tiny, after):
    encoder = Sd3Text(tiny("sd35"), length=8, after=after)
    first = encoder.encode(TEXTS[:1])
    parts = [*encoder.clips, encoder.t5]
    assert {part.is_loaded for part in parts} == {after == "stay"}
    assert torch.equal(encoder.encode(TEXTS[:1]).tokens, first.tokens)
    encoder.release()
    assert not any(part.is_loaded for part in parts)


def test_never_more_than_one_encoder_at_a_time(tiny):
    """With "release": counted in the middle of each encoder's work."""
    encoder = Sd3Text(tiny("sd35"), length=8, after="release")
    parts = [*encoder.clips, encoder.t5]
    loaded = []
    for part in parts:
        read = part.read

        def watched(read=read):
            network = read()
            network.register_forward_hook(lambda *_: loaded.append(sum(part.is_loaded for part in parts)))
            return network

        part.read = watched
    encoder.encode(TEXTS[:1])
    assert loaded == [1, 1, 1]


@pytest.mark.parametrize(
    "lost", ["text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "tokenizer_3"]
)
def test_a_part_that_is_missing(tiny, tmp_path, lost):
    shutil.copytree(tiny("sd35"), tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / lost)
    with pytest.raises(
        WeightsError, match=f"lacks {lost}.*hf download {SD35.name} --local-dir {tmp_path} .*page"
    ):
        Sd3Text(tmp_path, length=8).encode(TEXTS[:1])


def test_an_empty_folder(tmp_path):
    with pytest.raises(WeightsError, match=f"hf download {SD35.name}") as caught:
        text_encoder(tmp_path)
    assert caught.value.exit_code == 3


def test_the_extra_is_named_where_the_library_is_missing(monkeypatch, tiny):
    folder = tiny("sd21")
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"leapsr\[frozen\]"):
        Sd21Text(folder).encode(TEXTS)
