import shutil

import pytest
import torch

from leapsr.errors import MissingExtra, WeightsError
from leapsr.frozen import FixedCaption, VisionLanguage, remove_focus_sentences
from leapsr.frozen.vision_language import ASK_BAD, ASK_GOOD, LONGEST_QUALITY, QUESTION
from leapsr.hub.repositories import LLAVA, QWEN2_VL

BOTH = pytest.mark.parametrize("kind", ["llava", "qwen2_vl"])


def image(seed: int = 1, size: tuple[int, int] = (48, 64)) -> torch.Tensor:
    return torch.rand(3, *size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_a_fixed_text_or_none():
    assert FixedCaption("a cat").caption(image()) == "a cat"
    assert FixedCaption().caption(image()) == ""


@pytest.mark.parametrize(
    ("caption", "kept"),
    [
        ("A cat sits. The background is blurred.", "A cat sits."),
        ("The Focus is soft! A dog of 3.5 kg runs? It is densely furred.", "A dog of 3.5 kg runs?"),
        ("A black and white photo.", ""),
        ("A cat, without a full stop", "A cat, without a full stop"),
        ("  A cat.\n\nA dog. ", "A cat. A dog."),
        ("", ""),
    ],
)
def test_sentences_on_focus_are_removed(caption, kept):
    assert remove_focus_sentences(caption) == kept


def test_dit4srs_question():
    assert QUESTION.startswith("Please describe the actual objects in the image in a very detailed manner.")
    assert QUESTION.endswith("like the background is blurred.")


@BOTH
def test_the_answer_is_the_models_likeliest_words(tiny, kind):
    """Token by token, without generate(): the likeliest next word of the whole text so far."""
    captioner = VisionLanguage(tiny(kind), temperature=0, longest=4)
    caption = captioner.caption(image())
    network, processor = captioner.model.read(), captioner.processor
    asked = captioner._asked([image()], QUESTION)
    answer = []
    for _ in range(4):
        with torch.no_grad():
            answer.append(int(network(**asked).logits[0, -1].argmax()))
        word = torch.tensor([answer[-1:]])
        asked["input_ids"] = torch.cat([asked["input_ids"], word], dim=1)
        asked["attention_mask"] = torch.ones_like(asked["input_ids"])
        if "mm_token_type_ids" in asked:
            kinds = asked["mm_token_type_ids"]
            asked["mm_token_type_ids"] = torch.cat([kinds, torch.zeros_like(word)], dim=1)
    assert caption == remove_focus_sentences(processor.tokenizer.decode(answer, skip_special_tokens=True))


@BOTH
def test_the_model_is_shown_the_picture_and_asked_the_question(tiny, kind):
    captioner = VisionLanguage(tiny(kind))
    processor = captioner.processor
    asked = captioner._asked([image()], QUESTION)
    # The tiny tokenizers know letters only, and no word of several.
    text = processor.tokenizer.decode(asked["input_ids"][0], skip_special_tokens=True)
    assert "describetheactualobjects" in text.replace(" ", "").replace("▁", "")
    places = int((asked["input_ids"] == processor.image_token_id).sum())
    assert places == {"llava": (32 // 8) ** 2, "qwen2_vl": (48 // 16) * (64 // 16)}[kind]
    other = captioner._asked([image(2)], QUESTION)
    assert not torch.equal(asked["pixel_values"], other["pixel_values"])


def test_colours_are_where_the_processor_expects_them(tiny):
    """White, black and red of [-1, 1] become CLIP's normalised colours."""
    captioner = VisionLanguage(tiny("llava"))
    picture = torch.tensor([1.0, -1, -1])[:, None, None].expand(3, 32, 32)
    seen = captioner._asked([picture], QUESTION)["pixel_values"][0, :, 5, 5]
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])
    deviation = torch.tensor([0.26862954, 0.26130258, 0.27577711])
    torch.testing.assert_close(seen, (torch.tensor([1.0, 0, 0]) - mean) / deviation, atol=1e-4, rtol=1e-4)


@BOTH
def test_drawn_words_are_those_of_the_seed(tiny, kind):
    """And nothing else in the program notices that words were drawn."""
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second, other = (
        VisionLanguage(tiny(kind), temperature=3.0, top_p=1.0, longest=12, seed=seed).caption(image())
        for seed in (0, 0, 1)
    )
    assert torch.equal(torch.rand(3), expected)
    assert first == second
    assert first != other


SIZES = [(48, 64), (64, 32), (48, 48)]


@BOTH
def test_several_pictures_at_once_have_the_captions_that_each_has_alone(tiny, kind):
    captioner = VisionLanguage(tiny(kind), temperature=0, longest=6)
    pictures = [image(seed, size) for seed, size in enumerate(SIZES)]
    assert captioner.captions(pictures) == [captioner.caption(picture) for picture in pictures]
    network = captioner.model.read()
    with torch.no_grad():
        together = network(**captioner._asked(pictures, QUESTION)).logits[:, -1]
        alone = [network(**captioner._asked([picture], QUESTION)).logits[0, -1] for picture in pictures]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-4, atol=1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-3


def test_captions_of_quality_are_of_the_clean_picture_and_of_the_small_one(tiny):
    """The likeliest words, whatever the captioner draws otherwise; sentences on blur stay."""
    captioner = VisionLanguage(tiny("qwen2_vl"), temperature=3.0)
    clean, small = [image(seed) for seed in (1, 2)], [image(seed, (24, 32)) for seed in (1, 2)]
    found = captioner.quality(clean, small)
    for row, pair in enumerate(found):
        assert [pair.good] == captioner.answers([clean[row]], ASK_GOOD, LONGEST_QUALITY, 0)
        assert [pair.bad] == captioner.answers([small[row]], ASK_BAD, LONGEST_QUALITY, 0)
        assert pair.good != pair.bad


def test_questions_of_quality_ask_for_what_the_paper_prints():
    """FlowSR, section 4.3: "image quality is good, with ...", "image quality is poor, ..."."""
    assert "'image quality is good, with'" in ASK_GOOD
    assert "'image quality is poor,'" in ASK_BAD


def test_a_llava_without_a_template_is_asked_in_its_own_form(tiny, tmp_path):
    shutil.copytree(tiny("llava"), tmp_path, dirs_exist_ok=True)
    (tmp_path / "chat_template.jinja").unlink()
    with_template, without = VisionLanguage(tiny("llava")), VisionLanguage(tmp_path)
    assert without.processor.chat_template is None
    ids = [captioner._asked([image()], QUESTION)["input_ids"] for captioner in (with_template, without)]
    assert torch.equal(*ids)


def test_the_model_can_be_given_up_after_each_caption(tiny):
    captioner = VisionLanguage(tiny("llava"), longest=2, after="release")
    captioner.caption(image())
    assert not captioner.model.is_loaded


def test_folders_that_will_not_do(tiny, tmp_path):
    for repository in (LLAVA, QWEN2_VL):
        with pytest.raises(WeightsError, match=f"hf download {repository.name}"):
            VisionLanguage(tmp_path, repository).caption(image())
    with pytest.raises(WeightsError, match="holds a clip and not a llava or qwen2_vl"):
        VisionLanguage(tiny("clip")).caption(image())
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(tiny("llava") / name, tmp_path / name)
    with pytest.raises(WeightsError, match=f"processor in .*hf download {LLAVA.name}"):
        VisionLanguage(tmp_path).caption(image())


def test_the_extra_is_named_where_a_library_is_missing(monkeypatch, tiny):
    folder = tiny("llava")
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"leapsr\[frozen\]"):
        VisionLanguage(folder).caption(image())
