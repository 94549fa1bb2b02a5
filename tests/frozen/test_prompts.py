import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from leapsr.errors import OutputError, WeightsError
from leapsr.frozen import Sd3Text, describe, load_book, save_book, standard_texts, text_encoder, write_book
from leapsr.frozen.prompts import FLOWSR, MFSR_NEGATIVE, NEGATIVE, POSITIVE, PromptBook
from leapsr.networks import Prompt, Quality


@pytest.fixture(scope="module")
def book(tiny):
    return write_book(Sd3Text(tiny("sd35"), length=8), standard_texts("A cat."))


@pytest.fixture
def file(book, tmp_path):
    save_book(book, tmp_path / "deep" / "prompts.safetensors")
    return tmp_path / "deep" / "prompts.safetensors"


def rewrite(file, metadata=None, tensors=None):
    """The file again, with some of its metadata and tensors replaced; None takes away."""
    with safe_open(file, "pt") as opened:
        record = opened.metadata() | (metadata or {})
    weights = load_file(file) | (tensors or {})
    save_file({name: value for name, value in weights.items() if value is not None}, file, record)


def test_texts():
    assert standard_texts("A cat.") == {"null": "", "default": f"A cat. {POSITIVE}", "negative": NEGATIVE}
    assert describe() == POSITIVE
    assert POSITIVE.startswith("Cinematic, hyper sharpness")
    assert NEGATIVE.endswith("lowres, chaotic")


def test_texts_of_other_families():
    assert describe("", FLOWSR.suffix).startswith("A high-resolution, 8K, ultra-realistic image")
    assert describe("A cat.", FLOWSR.suffix) == f"A cat. {FLOWSR.suffix}"
    assert standard_texts(standard=FLOWSR)["negative"] == FLOWSR.negative
    assert MFSR_NEGATIVE == (
        "oil painting, cartoon, blur, dirty, messy, low quality, deformation, low resolution, oversmooth."
    )


def test_each_text_has_the_prompt_it_has_alone(tiny, book):
    encoder = Sd3Text(tiny("sd35"), length=8)
    for name, text in book.texts.items():
        torch.testing.assert_close(book.prompts[name].tokens, encoder.encode([text]).tokens)
        torch.testing.assert_close(book.prompts[name].pooled, encoder.encode([text]).pooled)


def test_labels_for_a_condition(book):
    labels = book.labels()
    assert labels.keys() == set(Quality)
    assert labels[Quality.BAD] is book.prompts["negative"]
    assert labels[Quality.GOOD] is book.prompts["default"]
    assert labels[Quality.NONE] is book.prompts["null"]
    assert PromptBook("sd3.5", "", {}, {"cat.png": labels[Quality.BAD]}).labels() == {}


def test_what_was_saved_comes_back(book, file):
    back = load_book(file, "sd3.5")
    assert (back.kind, back.encoders, back.texts) == (book.kind, book.encoders, dict(book.texts))
    for name, prompt in book.prompts.items():
        assert torch.equal(back.prompts[name].tokens, prompt.tokens)
        assert torch.equal(back.prompts[name].pooled, prompt.pooled)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_prompts_with_nothing_pooled(tiny, tmp_path):
    book = write_book(text_encoder(tiny("sd21")), {"null": ""})
    save_book(book, tmp_path / "p.safetensors")
    assert load_book(tmp_path / "p.safetensors", "sd2.1").prompts["null"].pooled is None


def test_a_file_says_what_is_in_it(file):
    with safe_open(file, "pt") as opened:
        record = opened.metadata()
    assert record["kind"] == "sd3.5"
    assert record["encoders"] == "CLIP-L, CLIP-G, T5-XXL of 8 tokens"
    assert json.loads(record["texts"])["negative"] == NEGATIVE
    assert json.loads(record["lengths"]) == {"null": 85, "default": 85, "negative": 85}


def test_files_that_will_not_do(file, tmp_path):
    with pytest.raises(WeightsError, match=r"no prompts .*leapsr models embed"):
        load_book(tmp_path / "absent.safetensors")
    with pytest.raises(
        WeightsError, match=r"are of the text encoders 'sd3\.5' and the network reads 'sd2\.1'"
    ):
        load_book(file, "sd2.1")
    save_file({"weight": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match="holds no prompts"):
        load_book(tmp_path / "model.safetensors")
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(WeightsError, match="cannot be read"):
        load_book(file)


@pytest.mark.parametrize(
    ("metadata", "tensors"),
    [
        ({}, {"null.tokens": None}),
        ({}, {"null.pooled": None}),
        ({}, {"null.tokens": torch.zeros(1, 84, 48)}),
        ({}, {"null.tokens": torch.zeros(1, 85, 47)}),
        ({}, {"null.tokens": torch.zeros(85, 48)}),
        ({}, {"null.tokens": torch.full((1, 85, 48), torch.nan)}),
        ({}, {"null.tokens": torch.zeros(1, 85, 48, dtype=torch.int64)}),
        ({}, {"other.tokens": torch.zeros(1, 85, 48)}),
        ({"texts": "["}, {}),
        ({"texts": '["null"]'}, {}),
        ({"texts": '{"cat": ""}'}, {}),
        ({"texts": "{}"}, {}),
        ({"lengths": "3"}, {}),
    ],
)
def test_files_that_do_not_fit_their_record(file, metadata, tensors):
    rewrite(file, metadata, tensors)
    with pytest.raises(WeightsError, match="do not fit their own record"):
        load_book(file)


def test_a_file_of_a_later_version(file):
    rewrite(file, {"version": "2"})
    with pytest.raises(WeightsError, match="holds no prompts"):
        load_book(file)


def test_nothing_is_left_where_nothing_can_be_written(book, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save_book(book, tmp_path / "taken" / "p.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        save_book(book, tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "taken"]


def test_prompts_that_share_memory_can_be_saved(tmp_path):
    """safetensors refuses tensors that are views of one."""
    both = torch.rand(2, 3, 4)
    prompts = {"a": Prompt(both[:1]), "b": Prompt(both[1:]), "c": Prompt(both[:1])}
    book = PromptBook("sd2.1", "CLIP-H", dict.fromkeys(prompts, ""), prompts)
    save_book(book, tmp_path / "p.safetensors")
    assert torch.equal(load_book(tmp_path / "p.safetensors").prompts["b"].tokens, both[1:])
