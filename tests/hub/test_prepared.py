"""Training from shards: the same batches as from the photos, and nothing in memory but what trains."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from leapsr.data.crops import EVERY, Sample
from leapsr.data.latents import joined
from leapsr.data.photos import open_photos
from leapsr.data.shard_encoders import encoders
from leapsr.data.shard_reader import Shards
from leapsr.data.shard_writer import ShardOptions, ShardWriter, plan, prepare
from leapsr.errors import DataError
from leapsr.frozen import Clip, QualityCaptions, VisionLanguage, autoencoder, describe, load_book
from leapsr.frozen.fingerprint import fingerprint
from leapsr.frozen.prompts import FLOWSR
from leapsr.networks import Quality
from leapsr.ops.filters import unsharp_mask
from leapsr.ops.upsample import bicubic_upsample
from leapsr.restorer import Restorer, located, space
from leapsr.train import batches, launch
from leapsr.train.callbacks import Callbacks
from leapsr.train.recipes.full_size import MIRRORED
from leapsr.train.shard_checks import NO_VALIDATION
from tests.conftest import picture_array
from tests.hub.test_recipes import resshift, tiny_run

CPU = torch.device("cpu")
CAPTIONS = {"0.png": "a roof and a chimney", "1.png": "a cat", "2.png": ""}


@pytest.fixture(scope="module")
def writer(models, tmp_path_factory):
    """Three photos with two crops each, captioned, for DiT4SR; two samples in a shard."""
    root = tmp_path_factory.mktemp("photos")
    for seed in range(3):
        Image.fromarray(picture_array(96, 96 + 8 * seed, seed)).save(root / f"{seed}.png")
    (root / "captions.json").write_text(json.dumps(CAPTIONS))
    photos = open_photos(root, 64)
    made_by = encoders(models("dit4sr_q"), CPU, "text", root / "captions.json")
    return ShardWriter(
        photos,
        plan(photos, ShardOptions(64, 2, megabytes=0.08, symmetries=MIRRORED), made_by),
        made_by,
        workers=1,
    )


@pytest.fixture(scope="module")
def folder(writer, tmp_path_factory):
    out = tmp_path_factory.mktemp("shards")
    assert prepare(writer, out) == writer.description.count > 1
    return out


@pytest.fixture
def config(models, tiny):
    return tiny_run("mfsr_sd35", models, tiny)


def test_a_batch_is_the_one_that_the_pixels_make(writer, folder, config, models):
    rows = range(6)
    clean, origins = writer.clean(rows)
    lr = writer.damage(clean.float() / 255, origins)
    make = batches.batch_maker(config, CPU, space(located(models("dit4sr_q"))))
    plain = make(Sample(clean, lr), make.generator(0, 5))
    found = Shards(folder)
    from_shards = make(found(0, 6), make.generator(0, 5))
    order = [_place(found, image) for image in found(0, 6).image]
    assert sorted(order) == list(rows)
    half = {"rtol": 2e-3, "atol": 2e-3}
    torch.testing.assert_close(from_shards.image, plain.image[order], **half)
    torch.testing.assert_close(from_shards.cond.lr, plain.cond.lr[order], **half)
    assert torch.equal(from_shards.source, plain.source)  # noise alone, from the same generator
    assert torch.equal(from_shards.cond.quality, plain.cond.quality)


def _place(shards, image):
    return next(row for row in range(6) if torch.equal(shards.one(row).image[0], image))


def test_each_sample_is_asked_for_with_its_caption(writer, folder, config, models):
    """In place of the good image's text; the null and the negative texts are the model's own."""
    model = located(models("dit4sr_q"))
    make, found = batches.batch_maker(config, CPU, space(model)), Shards(folder)
    cond = make(joined([found.one(row) for row in range(6)]), make.generator(0, 0)).cond
    texts = [describe(CAPTIONS[name]) for name in ("0.png", "0.png", "1.png", "1.png", "2.png", "2.png")]
    known = writer.encoders.texts.encode(texts)
    book = load_book(Path(model.prompts)).labels()
    for prompt in (cond.prompt, cond.labelled(Quality.GOOD).prompt):
        torch.testing.assert_close(prompt.tokens, known.tokens, rtol=1e-2, atol=1e-2)
    bad = cond.labelled(Quality.BAD).prompt
    assert torch.equal(bad.tokens, book[Quality.BAD].tokens.expand_as(bad.tokens))


@pytest.fixture
def no_encoders(monkeypatch):
    """Whoever reads an autoencoder fails."""

    def read(*arguments):
        raise AssertionError("an autoencoder was read")

    monkeypatch.setattr(autoencoder, "read_codec", read)


@pytest.mark.usefixtures("no_encoders")
def test_it_trains_resumes_and_reads_no_autoencoder(folder, config, models, tmp_path):
    notices = []
    told = Callbacks(notice=notices.append)
    teacher = models("dit4sr_q")
    launch.run(config, folder, tmp_path / "whole", teacher=teacher, cpu=True, callbacks=told)
    assert NO_VALIDATION in notices
    lines = (tmp_path / "whole" / "log.jsonl").read_text().splitlines()
    assert not any("psnr" in line for line in lines)
    asked = iter([False, True])
    stop = Callbacks(stop=lambda: next(asked, False))
    launch.run(config, folder, tmp_path / "cut", teacher=teacher, cpu=True, callbacks=stop)
    launch.run(config, folder, tmp_path / "cut", teacher=teacher, cpu=True, resume="auto")
    whole, cut = (load_file(tmp_path / run / "model" / "model.safetensors") for run in ("whole", "cut"))
    assert all(torch.equal(cut[name], whole[name]) for name in whole)


def test_the_model_restores(folder, config, models, tmp_path):
    launch.run(config, folder, tmp_path, teacher=models("dit4sr_q"), cpu=True)
    model = Restorer.from_pretrained(tmp_path / "model")
    noise = torch.randn(1, *model.space.state_shape(8, 8))
    assert model.restore(torch.rand(1, 3, 8, 8), noise).isfinite().all()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("crop", 32, "--set data.crop=64"),
        ("degradation", "bicubic", "--set data.degradation=realesrgan-heavy"),
        ("sharpen", True, "--set data.sharpen=false"),
        ("resize", 96, "--set data.resize=null"),
        ("drawing", "area", "--set data.drawing=photo"),
        ("symmetries", EVERY, r"--set data.symmetries.vertical=0\.0"),
        ("on_device", True, "--set data.on_device=false"),
    ],
)
def test_shards_of_another_recipe_are_refused(field, value, said, folder, config, tmp_path, models):
    wrong = config.model_copy(update={"data": config.data.model_copy(update={field: value})})
    with pytest.raises(DataError, match=said):
        launch.run(wrong, folder, tmp_path, teacher=models("dit4sr_q"), cpu=True)


def test_shards_of_another_scale_or_model_are_refused(folder, config, models, tiny, tmp_path):
    with pytest.raises(DataError, match="scale=4 and the recipe has 2"):
        batches.split_photos(folder, config.model_copy(update={"scale": 2}))
    other = tiny_run("flowsr_sd21", models, tiny)
    with pytest.raises(DataError, match="of another autoencoder"):
        launch.run(other, folder, tmp_path, start=models("sd21"), cpu=True)


def test_texts_of_other_encoders_are_refused(folder, models, writer, monkeypatch):
    from leapsr.train import shard_checks

    shards, model = Shards(folder), located(models("dit4sr_q"))
    shard_checks.check_model(shards, model)
    changed = shards.description.texts.model_copy(update={"encoders": "CLIP-L, CLIP-G, 77 zeros for T5-XXL"})
    shards.description = shards.description.model_copy(update={"texts": changed})
    with pytest.raises(DataError, match=r"77 zeros.*T5-XXL of 256 tokens"):
        shard_checks.check_model(shards, model)


def test_a_fingerprint_is_of_the_weights_not_of_the_place(tiny, tmp_path):
    import shutil

    shutil.copytree(tiny("sd35") / "vae", tmp_path / "elsewhere")
    assert fingerprint(tmp_path / "elsewhere") == fingerprint(tiny("sd35"))
    assert fingerprint(tiny("sd21")) != fingerprint(tiny("sd35"))


@pytest.fixture(scope="module")
def of_another(models, tiny, writer, tmp_path_factory):
    """of_another("flowsr_sd21") -> the model that it begins with, and shards for it without captions."""

    def made(name):
        root = tmp_path_factory.mktemp(name)
        model = models("sd21") if name == "flowsr_sd21" else resshift(root / "model", tiny)
        own = encoders(model, CPU)
        description = plan(
            writer.photos, ShardOptions(64, 1, photo=name == "flowsr_sd21", symmetries=MIRRORED), own
        )
        prepare(ShardWriter(writer.photos, description, own, 1), root / "shards")
        return model, root / "shards", ShardWriter(writer.photos, description, own, 1)

    return made


@pytest.fixture(scope="module")
def judged(models, tiny, writer, tmp_path_factory):
    """Shards for FlowSR with captions of quality, and their writer."""
    out = tmp_path_factory.mktemp("judged")
    own = encoders(models("sd21"), CPU, quality=tiny("qwen2_vl"))
    options = ShardOptions(64, 1, photo=True, symmetries=MIRRORED)
    made = ShardWriter(writer.photos, plan(writer.photos, options, own), own, 1)
    prepare(made, out)
    return out, made


def test_the_quality_of_each_sample_is_captioned(judged, tiny):
    """FlowSR's section 4.3: c_pos of the clean crop, c_neg of its damaged counterpart."""
    folder, writer = judged
    clean, origins = writer.clean(range(3))
    lr = writer.damage(clean.float() / 255, origins)
    asked = VisionLanguage(tiny("qwen2_vl"))
    expected = asked.quality(list(clean / 127.5 - 1), list(lr / 127.5 - 1))
    found = Shards(folder)
    assert found.description.quality == tiny("qwen2_vl").name
    assert [found.one(row).quality for row in range(3)] == [[pair] for pair in expected]
    record = json.loads((folder / f"{found.description.stem(0)}.json").read_text())
    assert [tuple(at["quality"]) for at in record["samples"]] == expected


def test_flowsrs_alignment_compares_with_the_captions_of_each_picture(judged, models, tiny):
    config, clip = tiny_run("flowsr_sd21_consistent", models, tiny), Clip(tiny("clip"))
    make = batches.batch_maker(config, CPU, space(located(models("sd21"))), clip=clip)
    pairs = [QualityCaptions("good, sharp", "poor"), QualityCaptions("good", "poor, with noise")]
    sample = joined([Shards(judged[0]).one(row) for row in range(2)])._replace(quality=pairs)
    quality = make(sample, make.generator(0, 0)).quality
    images = torch.rand(2, 3, 40, 40) * 2 - 1
    good, bad = launch._alignment(clip)(images, quality)
    for row, pair in enumerate(pairs):
        own = clip.similarity(images[row : row + 1], pair)[0]
        torch.testing.assert_close(torch.stack([good[row], bad[row]]), own)


def test_flowsr_trains_with_captions_of_quality(judged, models, tiny, tmp_path):
    first = models("sd21")
    launch.run(
        tiny_run("flowsr_sd21_consistent", models, tiny),
        judged[0],
        tmp_path,
        teacher=first,
        start=first,
        cpu=True,
    )
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert all(line["student/alignment"] > 0 for line in lines)


def test_shards_without_captions_of_quality_are_refused(of_another, models, tiny, tmp_path):
    model, folder, _ = of_another("flowsr_sd21")
    asked = tiny_run("flowsr_sd21_consistent", models, tiny)
    with pytest.raises(DataError, match=r"--quality, or use --set method\.captions=fixed"):
        launch.run(asked, folder, tmp_path, teacher=model, start=model, cpu=True)


@pytest.mark.parametrize("suffix", [None, "", "A drawing."])
def test_what_follows_a_caption(suffix, writer, models):
    """The words of the model's family, nothing, or others; shards of others are others."""
    source = writer.photos.folder / "captions.json"
    own = encoders(models("sd21"), CPU, "text", source, suffix=suffix)
    made = ShardWriter(writer.photos, plan(writer.photos, ShardOptions(64), own), own, 1)
    _, origins = made.encode(*made.clean(range(1)))
    prompt, _ = made.prompts(origins)
    words = FLOWSR.suffix if suffix is None else suffix
    expected = own.texts.encode([f"{CAPTIONS['0.png']} {words}".strip()])
    assert torch.equal(prompt.tokens, expected.tokens)
    assert ("followed by" in made.description.captions) is (suffix is not None)


@pytest.mark.parametrize("shown", ["hr", "lr"])
def test_the_captioner_sees_the_clean_crop_or_what_became_of_it(shown, writer, models, tiny):
    own = encoders(models("sd21"), CPU, "llava", tiny("llava"), shown=shown)
    made = ShardWriter(writer.photos, plan(writer.photos, ShardOptions(64), own), own, 1)
    clean, origins = made.clean(range(2))
    _, captioned = made.encode(clean, origins)
    seen = clean if shown == "hr" else made.damage(clean.float() / 255, origins)
    expected = VisionLanguage(tiny("llava")).captions(list(seen / 127.5 - 1))
    assert [at.caption for at in captioned] == expected
    assert len(set(expected)) == 2
    assert ("small picture" in made.description.captions) is (shown == "lr")


@pytest.mark.parametrize("name", ["flowsr_sd21", "oftsr_resshift"])
def test_without_captions_it_is_the_batch_of_the_photos(name, of_another, models, tiny):
    """ResShift's network sees the low-resolution pixels beside the latents."""
    model, folder, writer = of_another(name)
    config = tiny_run(name, models, tiny)
    clean, origins = writer.clean(range(3))
    lr = writer.damage(clean.float() / 255, origins)
    make, found = batches.batch_maker(config, CPU, space(located(model))), Shards(folder)
    plain = make(Sample(clean, lr), make.generator(0, 0))
    prepared = make(joined([found.one(row) for row in range(3)]), make.generator(0, 0))
    for left, right in (
        (prepared.image, plain.image),
        (prepared.source, plain.source),
        (prepared.cond.lr, plain.cond.lr),
    ):
        torch.testing.assert_close(left, right, rtol=2e-3, atol=2e-3)
    assert prepared.cond.prompts.keys() == plain.cond.prompts.keys()
    if name == "flowsr_sd21":  # its losses look at the photo
        assert torch.equal(plain.photo, clean.float() / 255 * 2 - 1)
        assert torch.equal(prepared.photo, plain.photo)
    else:
        assert plain.photo is prepared.photo is None


def test_shards_without_photos_are_refused_where_a_loss_sees_them(models, tiny, tmp_path):
    own = encoders(models("sd21"), CPU)
    Image.fromarray(picture_array(96, 96)).save(tmp_path / "0.png")
    photos = open_photos(tmp_path, 64)
    writer = ShardWriter(photos, plan(photos, ShardOptions(64, symmetries=MIRRORED), own), own, 1)
    prepare(writer, tmp_path / "shards")
    with pytest.raises(DataError, match="prepare them with --pixels"):
        run = tiny_run("flowsr_sd21", models, tiny)
        launch.run(run, tmp_path / "shards", tmp_path / "run", start=models("sd21"), cpu=True)


def test_damaged_targets_are_damaged_pixels_too(models, tiny):
    config = tiny_run("flowsr_sd21", models, tiny)
    config = config.model_copy(update={"data": config.data.model_copy(update={"bad": 1.0})})
    make = batches.batch_maker(config, CPU, space(located(models("sd21"))))
    clean = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
    found = make(Sample(clean, clean[..., ::4, ::4].contiguous()), make.generator(0, 0))
    soft = bicubic_upsample(clean[..., ::4, ::4] / 127.5 - 1, 4)
    torch.testing.assert_close(found.photo, soft, rtol=0, atol=1e-5)


def test_sharpened_targets_come_from_shards_too(models, tiny, tmp_path):
    """Real-ESRGAN's USM: of the image that is learnt, and of what is damaged."""
    config = tiny_run("flowsr_sd21", models, tiny)
    config = config.model_copy(update={"data": config.data.model_copy(update={"sharpen": True})})
    Image.fromarray(picture_array(64, 64)).save(tmp_path / "0.png")
    own, photos = encoders(models("sd21"), CPU), open_photos(tmp_path, 64)
    options = ShardOptions(64, photo=True, sharpen=True, symmetries=MIRRORED)
    writer = ShardWriter(photos, plan(photos, options, own), own, 1)
    prepare(writer, tmp_path / "shards")
    split = batches.split_photos(tmp_path / "shards", config)
    make = batches.batch_maker(config, CPU, space(located(models("sd21"))))
    [photo] = make(split(0, 1), make.generator(0, 0)).photo
    clean = writer.clean(range(1))[0].float() / 255
    assert (photo / 2 + 0.5 - unsharp_mask(clean)).abs().max() < 1.1 / 255
    assert (photo / 2 + 0.5 - clean).abs().max() > 0.02


def test_a_loss_of_images_decodes(of_another, models, tiny, tmp_path):
    model, folder, _ = of_another("flowsr_sd21")
    launch.run(tiny_run("flowsr_sd21", models, tiny), folder, tmp_path, start=model, cpu=True)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert all(line["student/flow"] > 0 for line in lines)
