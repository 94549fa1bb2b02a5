"""The files of a set of shards: what is written is read again, what is not whole does not count."""

import json

import pytest
import torch

from leapsr.data import shards
from leapsr.data.latents import Latents, joined
from leapsr.data.shard_reader import Shards
from leapsr.data.shards import Description, Origin, Texts
from leapsr.errors import DataError, OutputError
from leapsr.networks import Prompt

TEXTS = Texts(kind="sd3.5", encoders="some", tokens=(5, 8), pooled=6)
FIELDS = {
    "photos": 5,
    "names": "0" * 64,
    "crop": 32,
    "crops": 2,
    "seed": 0,
    "scale": 4,
    "degradation": "bicubic",
    "degradation_version": 1,
    "autoencoder": "1" * 64,
    "latents": (4, 3, 2),
    "lr": True,
    "captions": "text of captions.json",
    "texts": TEXTS,
    "each": 4,
}
DESCRIPTION = Description(**FIELDS)


def origin(index, caption="a roof"):
    return Origin(photo=f"{index}.png", top=0, left=0, symmetry=0, damage=1, caption=caption)


def sample(index):
    generator = torch.Generator().manual_seed(index)
    image, upsampled = torch.randn(2, 1, 4, 3, 2, generator=generator).half()
    lr = torch.randint(256, (1, 3, 8, 8), generator=generator, dtype=torch.uint8)
    return Latents(image, upsampled, lr)


def texts(seed):
    generator = torch.Generator().manual_seed(seed)
    return Prompt(torch.randn(2, 5, 8, generator=generator), torch.randn(2, 6, generator=generator))


def make(folder, number):
    """Samples have one of two texts, in turn."""
    rows = DESCRIPTION.rows(number)
    prompts = texts(number), [row % 2 for row in rows]
    batch = joined([sample(row) for row in rows])
    shards.write(folder, DESCRIPTION, number, batch, prompts, [origin(row) for row in rows])


@pytest.fixture
def folder(tmp_path):
    shards.begin(tmp_path, DESCRIPTION)
    for number in range(DESCRIPTION.count):
        make(tmp_path, number)
    return tmp_path


def test_the_last_shard_holds_what_is_left():
    assert DESCRIPTION.samples == 10
    assert [len(DESCRIPTION.rows(number)) for number in range(DESCRIPTION.count)] == [4, 4, 2]
    assert DESCRIPTION.stem(2) == "00002-of-00003"


def test_what_is_written_is_read(folder):
    found = Shards(folder)
    for row in range(10):
        one, known = found.one(row), sample(row)
        assert all(torch.equal(*pair) for pair in zip(one[:3], known[:3], strict=True))
        number, text = row // 4, slice(row % 2, row % 2 + 1)
        assert torch.equal(one.prompt.tokens, texts(number).tokens[text].bfloat16())
        assert torch.equal(one.prompt.pooled, texts(number).pooled[text].bfloat16())


def test_each_sample_once_an_epoch_and_again_the_same(folder):
    found = Shards(folder, seed=3)
    epoch = found(0, 10)
    assert not torch.equal(epoch.image, joined([sample(row) for row in range(10)]).image)
    assert sorted(epoch.image[:, 0, 0, 0].tolist()) == sorted(
        sample(row).image[0, 0, 0, 0].item() for row in range(10)
    )
    assert torch.equal(Shards(folder, seed=3)(4, 3).prompt.tokens, epoch.prompt.tokens[4:7])
    assert not torch.equal(found(10, 10).image, epoch.image)


def test_on_the_device_all_is_float(folder):
    batch = Shards(folder)(0, 3).pinned(torch.device("cpu")).to(torch.device("cpu"))
    assert {batch.image.dtype, batch.prompt.tokens.dtype, batch.prompt.pooled.dtype} == {torch.float32}
    assert batch.lr.dtype == torch.uint8


def test_the_record_says_where_samples_are_from(folder):
    record = json.loads((folder / "00001-of-00003.json").read_text())
    assert [at["photo"] for at in record["samples"]] == ["4.png", "5.png", "6.png", "7.png"]
    assert record["samples"][0]["caption"] == "a roof"


def test_a_shard_without_its_record_does_not_count(folder):
    (folder / "00001-of-00003.json").unlink()
    assert not shards.is_finished(folder, DESCRIPTION, 1)
    with pytest.raises(DataError, match=r"lacks 1 of its 3 shards.*00001-of-00003 first.*leapsr prepare"):
        Shards(folder)


def test_a_shard_cut_short_does_not_count(folder):
    place = folder / "00002-of-00003.safetensors"
    place.write_bytes(place.read_bytes()[:-1])
    with pytest.raises(DataError, match="00002-of-00003"):
        Shards(folder)


def test_a_changed_byte_is_found_by_the_checksum(folder):
    place = folder / "00002-of-00003.safetensors"
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(content)
    assert shards.is_finished(folder, DESCRIPTION, 2)
    assert not shards.is_finished(folder, DESCRIPTION, 2, thorough=True)
    assert shards.is_finished(folder, DESCRIPTION, 1, thorough=True)


def test_another_set_is_refused(folder):
    shards.begin(folder, DESCRIPTION)  # the same one is not
    with pytest.raises(DataError, match="other crop \\(32 instead of 64\\)"):
        shards.begin(folder, Description(**FIELDS | {"crop": 64}))


def test_a_damaged_description_is_said(folder):
    (folder / "shards.json").write_text("{")
    with pytest.raises(DataError, match=r"shards\.json"):
        Shards(folder)


def test_a_full_disk_is_one_sentence_and_leaves_no_shard(folder, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    before = sorted(folder.iterdir())
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match=r"No space left on device.*finished shards stay"):
        make(folder, 1)
    assert not shards.is_finished(folder, DESCRIPTION, 1)
    assert set(folder.iterdir()) <= set(before)
