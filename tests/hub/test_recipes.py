"""Every recipe of the papers on tiny networks of the same kinds: three steps, saved, loaded, used."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from leapsr.data.crops import Sample
from leapsr.errors import ConfigError, DataError, TrainingError
from leapsr.frozen import Clip, load_book, save_book
from leapsr.hub.catalog import PROMPTS
from leapsr.networks import Quality, registry
from leapsr.networks.adm import guided_unet, swin_unet
from leapsr.networks.registry import NetworkConfig
from leapsr.restorer import ModelConfig, Restorer, located, space
from leapsr.train import batches, config, launch, networks, recipes
from leapsr.train.callbacks import Callbacks
from tests.conftest import picture_array

Models = Callable[[str], Path]

BEGINNINGS = {  # recipe: (what it distils, what it begins with), None is itself
    "dit4sr_sd35": (None, "sd35"),
    "mfsr_sd35": ("dit4sr_q", None),
    "smfsr_sd35": ("dit4sr_sd35", None),
    "smfsr_sd35_refine": ("dit4sr_sd35", "smfsr_sd35"),
    "oftsr_ffhq_teacher": (None, None),
    "oftsr_ffhq": ("oftsr_ffhq_teacher", None),
    "oftsr_ffhq_noisy_teacher": (None, None),
    "oftsr_ffhq_noisy": ("oftsr_ffhq_noisy_teacher", None),
    "oftsr_div2k_teacher": (None, None),
    "oftsr_div2k": ("oftsr_div2k_teacher", None),
    "oftsr_imagenet_teacher": (None, None),
    "oftsr_imagenet": ("oftsr_imagenet_teacher", None),
    "oftsr_resshift_flow_teacher": (None, None),
    "oftsr_resshift_flow": ("oftsr_resshift_flow_teacher", None),
    "oftsr_resshift": ("resshift", None),
    "oftsr_dit4sr": ("dit4sr_q", None),
    "flowsr_sd21": (None, "sd21"),
    "flowsr_sd21_consistent": ("flowsr_sd21", "flowsr_sd21"),
}
SWITCHES = {"lr_keys", "lr_mlp_scale", "time_conditioning", "time_scale", "reads", "trained"}
SWITCHES |= {"prediction", "gradient_checkpointing", "conditioned", "upsampling"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(3):
        Image.fromarray(picture_array(96, 96, seed)).save(folder / f"{seed}.png")
    return folder


def tiny_network(full: NetworkConfig, models: Models) -> NetworkConfig:
    """The sizes of the tiny weights with the recipe's switches."""
    sizes: NetworkConfig
    match full.kind:
        case "mmdit":
            sizes = Restorer.from_pretrained(models("dit4sr_q")).config.network
        case "sd21":
            sizes = Restorer.from_pretrained(models("sd21")).config.network
        case "guided_unet":
            sizes = guided_unet.PRESETS["tiny"]
        case _:
            sizes = swin_unet.PRESETS["tiny"]
    return sizes.model_copy(update={name: getattr(full, name) for name in SWITCHES & full.model_fields_set})


def tiny_run(name: str, models: Models, tiny: Models) -> config.TrainConfig:
    recipe = recipes.get(name)
    adapters = recipe.adapters and recipe.adapters.model_copy(
        update={"rank": recipe.adapters.rank and 2, "alpha": None}
    )
    fields = {
        "network": tiny_network(recipe.network, models),
        "steps": 3,
        "batch": 2,
        "adapters": adapters,
        "perceptual": "none",
        "data": recipe.data.model_copy(
            update={"crop": 64, "held_out": 1, "group": 1, "resize": recipe.data.resize and 64}
        ),
        "precision": "fp32",
        "log_every": 1,
        "validate_every": 3,
    }
    if name == "oftsr_resshift_flow_teacher":
        fields["autoencoder"] = tiny("vq")
    if name == "smfsr_sd35_refine":
        fields["dino"] = tiny("dino")
    if name == "flowsr_sd21_consistent":
        fields |= {"clip": tiny("clip"), "diffusion": models("sd21")}
    return config.TrainConfig.model_validate(recipe.model_dump() | fields)


@pytest.fixture(scope="module")
def runs(models, tiny, photos, tmp_path_factory):
    """runs("mfsr_sd35") -> the folder of a run of three steps, with all that it begins with."""
    root = tmp_path_factory.mktemp("runs")

    def model_of(name: str | None) -> Path | None:
        if name is None:
            return None
        if name == "resshift":
            return resshift(root / name, tiny)
        return run(name) / "model" if name in recipes.FULL_SIZE else models(name)

    def run(name: str) -> Path:
        out = root / name
        if not out.exists():
            teacher, start = (model_of(other) for other in BEGINNINGS[name])
            asked = tiny_run(name, models, tiny)
            if asked.clip is not None:  # photos have no captions of quality, see test_prepared.py
                asked = config.override(asked, ["method.captions=fixed"])
            launch.run(asked, photos, out, teacher=teacher, start=start, cpu=True)
        return out

    return run


def resshift(folder: Path, tiny: Models) -> Path:
    """ResShift's network with an autoencoder of its factor."""
    if not folder.exists():
        network = swin_unet.SwinUNet(swin_unet.PRESETS["tiny"])
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.05)
        model = ModelConfig(
            method="teacher",
            network=network.config,
            source=recipes.get("oftsr_resshift").source,
            autoencoder=str(tiny("vq")),
        )
        Restorer(model, network).save_pretrained(folder, torch.float32)
    return folder


def test_every_recipe_is_tried():
    assert BEGINNINGS.keys() == set(recipes.FULL_SIZE)


@pytest.mark.parametrize("name", BEGINNINGS)
def test_three_steps_saved_loaded_and_used(name, runs):
    out = runs(name)
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    losses = [value for line in lines for key, value in line.items() if "/" in key]
    assert losses
    assert np.isfinite(losses).all()
    first, again = (Restorer.from_pretrained(out / "model") for _ in range(2))
    lr = torch.rand(1, 3, 6, 9, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(1, *first.space.state_shape(6, 9), generator=torch.Generator().manual_seed(1))
    image = first.restore(lr, noise, steps=1)
    assert image.shape == (1, 3, 24, 36)
    assert image.isfinite().all()
    assert torch.equal(image, again.restore(lr, noise, steps=1))


SAVED = {  # recipe: fidelity, guidance
    "dit4sr_sd35": (0, 8),
    "mfsr_sd35": (0, 1),
    "smfsr_sd35": (0, 1),
    "oftsr_dit4sr": (0, 1),
    "oftsr_ffhq_teacher": (0, 1),
    "oftsr_ffhq": (0.5, 1),
    "flowsr_sd21": (0, 1),
}


@pytest.mark.parametrize("name", SAVED)
def test_what_is_saved_is_used_where_it_was_trained(name, runs):
    """A student that starts from noise learnt u(x, 1, 0); its folder says so, in the card too."""
    folder = runs(name) / "model"
    saved = Restorer.from_pretrained(folder).config
    assert (saved.fidelity, saved.guidance) == SAVED[name]
    card = (folder / "README.md").read_text()
    assert f"fidelity {saved.fidelity:g}, steps 1" in card
    assert (f"solver euler, guidance {saved.guidance:g}" in card) is (saved.method == "teacher")


@pytest.mark.parametrize(("name", "origin"), [("mfsr_sd35", "dit4sr_q"), ("flowsr_sd21", "sd21")])
def test_training_moves_what_it_should(name, origin, runs, models):
    """Adapters, merged into the weights; never their own names in the folder."""
    weights = load_file(runs(name) / "model" / "model.safetensors")
    assert not any("lora" in key for key in weights)
    before = load_file(models(origin) / "model.safetensors")
    adapted = [key for key in before if key.endswith(("to_q.weight", "to_out.0.weight"))]
    frozen = [key for key in before if key.endswith(("proj_out.bias", "context_embedder.weight"))]
    assert any(not torch.equal(weights[key].float(), before[key].half().float()) for key in adapted)
    assert all(torch.equal(weights[key].float(), before[key].half().float()) for key in frozen)


def test_training_from_nothing_moves_first_and_last_layers(runs, models, tiny):
    """And those that began at zero, behind which the others have no gradient in the first steps.

    Against the random weights of the run's seed, in the state of the run: a model is in half precision, in
    which three steps of a warm-up do not show.
    """
    asked = tiny_run("oftsr_ffhq_teacher", models, tiny)
    torch.manual_seed(asked.seed)
    before = registry.build(asked.network).state_dict()
    last = sorted((runs("oftsr_ffhq_teacher") / "checkpoints").glob("step-*"))[-1]
    after = load_file(last / "model.safetensors")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    began_at_zero = {name for name in before if name.endswith("weight") and not before[name].any()}
    assert after.keys() == before.keys()
    assert began_at_zero | {"trunk.head.weight", "trunk.tail.weight"} <= moved
    assert all((before[name] - after[name]).abs().max() < 1e-4 for name in before)


@pytest.mark.parametrize("old", [False, True])
def test_mfsr_leads_away_from_its_own_text(old, models, tiny, photos, tmp_path, monkeypatch):
    """A teacher that was converted before its file held that text goes on working; the run says so."""
    teacher, asked = models("dit4sr_q"), tiny_run("mfsr_sd35", models, tiny)
    book = load_book(teacher / PROMPTS)
    if old:
        teacher = shutil.copytree(teacher, tmp_path / "teacher")
        kept = [name for name in book.texts if name != "negative_mfsr"]
        texts, prompts = ({name: known[name] for name in kept} for known in (book.texts, book.prompts))
        save_book(replace(book, texts=texts, prompts=prompts), teacher / PROMPTS)
    spaces, notices, prepare = [], [], batches.batch_maker
    monkeypatch.setattr(batches, "batch_maker", lambda *given: spaces.append(given[2]) or prepare(*given))
    one = asked.model_copy(update={"steps": 1})
    told = Callbacks(notice=notices.append)
    launch.run(one, photos, tmp_path / "run", teacher=teacher, cpu=True, callbacks=told)
    name = "negative" if old else "negative_mfsr"
    assert torch.equal(spaces[0].prompts[Quality.BAD].tokens, book.prompts[name].tokens)
    assert config.read(tmp_path / "run" / "config.json").negative == name
    assert any("hold no 'negative_mfsr'" in notice for notice in notices) is old


def test_fixed_captions_of_quality_are_flowsrs_own_examples(models, tiny):
    asked = config.override(tiny_run("flowsr_sd21_consistent", models, tiny), ["method.captions=fixed"])
    clip, cpu = Clip(tiny("clip")), torch.device("cpu")
    make = batches.batch_maker(asked, cpu, space(located(models("sd21"))), clip=clip)
    clean = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
    batch = make(Sample(clean, clean[..., ::4, ::4].contiguous()), make.generator(0, 0))
    texts = [
        "image quality is good, with clear details and vibrant colors",
        "image quality is poor, blurry, and noisy",
    ]
    images = torch.rand(2, 3, 40, 40) * 2 - 1
    good, bad = launch._alignment(clip)(images, batch.quality)
    torch.testing.assert_close(torch.stack([good, bad], dim=1), clip.similarity(images, texts))


def test_photos_have_no_captions_of_quality(models, tiny, photos, tmp_path):
    asked, first = tiny_run("flowsr_sd21_consistent", models, tiny), models("sd21")
    with pytest.raises(DataError, match=r"--quality, or use --set method\.captions=fixed"):
        launch.run(asked, photos, tmp_path, teacher=first, start=first, cpu=True)


def test_the_scale_of_what_a_run_begins_with(models, tiny, tmp_path):
    """Asked for, it may be another; unasked, damage at x4 and upsampling at x2 would not be one problem."""
    asked = tiny_run("flowsr_sd21", models, tiny)
    twice, cpu = asked.model_copy(update={"scale": 2}), torch.device("cpu")
    begun = networks.build_networks(twice, None, models("sd21"), cpu, print)
    assert begun.space.scale == begun.model.factor == 2
    found = Restorer.from_pretrained(models("sd21"))
    config_x2 = found.config.model_copy(update={"scale": 2})
    Restorer(config_x2, found.network, found.space).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="--set scale=2"):
        networks.build_networks(asked, None, tmp_path, cpu, print)
    assert networks.build_networks(twice, None, tmp_path, cpu, print).space.scale == 2


def test_a_checkpoint_holds_what_trains(runs):
    """The frozen billions stay out of the states, and a run goes on from one as if nothing had happened."""
    checkpoints = sorted((runs("mfsr_sd35") / "checkpoints").glob("step-*"))
    saved = load_file(checkpoints[-1] / "model.safetensors")
    assert any("lora_A" in name for name in saved)
    assert any("control" in name for name in saved)
    assert not any(name.endswith("base_layer.weight") for name in saved)


def test_interrupted_and_resumed_equals_uninterrupted(runs, models, tiny, photos, tmp_path):
    whole = load_file(runs("mfsr_sd35") / "model" / "model.safetensors")
    asked = iter([False, True])
    stop = Callbacks(stop=lambda: next(asked, False))
    arguments = (tiny_run("mfsr_sd35", models, tiny), photos, tmp_path)
    launch.run(*arguments, teacher=models("dit4sr_q"), cpu=True, callbacks=stop)
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2
    launch.run(*arguments, teacher=models("dit4sr_q"), cpu=True, resume="auto")
    resumed = load_file(tmp_path / "model" / "model.safetensors")
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[key], whole[key]) for key in whole)


def test_images_that_are_decoded_one_at_a_time_give_the_same_gradients(runs, models, tiny, photos, tmp_path):
    """FlowSR's second stage decodes, aligns and regularises."""
    name = "flowsr_sd21_consistent"
    asked = config.override(tiny_run(name, models, tiny), ["method.captions=fixed"])
    one = asked.model_copy(update={"images_at_once": None if asked.images_at_once else 1})
    teacher, start = (runs(other) / "model" for other in BEGINNINGS[name])
    launch.run(one, photos, tmp_path, teacher=teacher, start=start, cpu=True)
    found, wanted = (
        torch.load(sorted((run / "checkpoints").glob("step-*"))[-1] / "optimizer.bin")["state"]
        for run in (tmp_path, runs(name))
    )
    slopes, known = (
        torch.cat([state["exp_avg"].flatten() for state in each.values()]) for each in (found, wanted)
    )  # AdamW's means of the gradients
    assert (slopes - known).norm() < 1e-4 * known.norm()


@pytest.mark.parametrize("again", [True, False])
def test_what_a_critic_looks_through_is_checkpointed_as_the_network_is(again, runs, models, tiny):
    """A converted folder is not, and its activations would all be kept for the gradient on the images."""
    asked, teacher = tiny_run("flowsr_sd21_consistent", models, tiny), runs("flowsr_sd21") / "model"
    network = asked.network.model_copy(update={"gradient_checkpointing": again})
    run = asked.model_copy(update={"network": network})
    built = networks.build_networks(run, teacher, teacher, torch.device("cpu"), print)
    assert built.diffusion.unet.is_gradient_checkpointing is again
    assert not any(parameter.requires_grad for parameter in built.diffusion.parameters())


@pytest.mark.parametrize("name", ["mfsr_sd35", "flowsr_sd21"])
def test_looking_at_pictures_leaves_half_precision_as_it_is(
    name, models, tiny, photos, tmp_path, monkeypatch
):
    """The weights of the run are shared with what is looked at: made float32 there, they would be here."""
    built, build = [], networks.build_networks
    monkeypatch.setattr(networks, "build_networks", lambda *given: built.append(build(*given)) or built[0])
    asked = tiny_run(name, models, tiny).model_copy(update={"precision": "bf16", "validate_every": 1})
    teacher, start = (other and models(other) for other in BEGINNINGS[name])
    launch.run(asked, photos, tmp_path, teacher=teacher, start=start, cpu=True)
    whole = built[0].student.full_precision  # the embedding of time
    frozen = [(name, p) for name, p in built[0].student.named_parameters() if not p.requires_grad]
    assert {p.dtype for name, p in frozen if not name.startswith(whole)} == {torch.bfloat16}
    assert {p.dtype for name, p in frozen if name.startswith(whole)} <= {torch.float32}


@pytest.mark.parametrize("name", ["smfsr_sd35_refine", "flowsr_sd21"])
def test_what_a_run_must_begin_with(name, runs, models, tiny, photos, tmp_path):
    teacher = runs("dit4sr_sd35") / "model" if name == "smfsr_sd35_refine" else None
    with pytest.raises(ConfigError, match="--from"):
        launch.run(tiny_run(name, models, tiny), photos, tmp_path, teacher=teacher, cpu=True)


def test_what_adapters_began_with_is_asked_for_again(runs, models, tiny, photos, tmp_path):
    asked, start = tiny_run("mfsr_sd35", models, tiny), runs("mfsr_sd35") / "model"
    one = asked.model_copy(update={"steps": 1})
    launch.run(one, photos, tmp_path, teacher=models("dit4sr_q"), start=start, cpu=True)
    with pytest.raises(ConfigError, match="began --from"):
        launch.run(asked, photos, tmp_path, teacher=models("dit4sr_q"), cpu=True, resume="auto")


def test_a_critic_of_pixels_beside_latents_is_refused():
    with pytest.raises(ConfigError, match=r"method\.critic_input=dino"):
        config.override(recipes.get("smfsr_sd35_refine"), ["method.critic_input=pixels"])


def test_a_state_without_a_weight_that_trains_is_refused(runs, models, tiny, photos, tmp_path):
    """Those that are frozen are never in it, so that accelerate loads what there is."""
    shutil.copytree(runs("mfsr_sd35"), tmp_path / "run")
    file = sorted((tmp_path / "run" / "checkpoints").glob("step-*"))[-1] / "model.safetensors"
    weights = load_file(file)
    lost = next(name for name in weights if "lora_A" in name)
    save_file({name: tensor for name, tensor in weights.items() if name != lost}, file, {"format": "pt"})
    arguments = (tiny_run("mfsr_sd35", models, tiny), photos, tmp_path / "run")
    with pytest.raises(TrainingError, match=re.escape(f"model.safetensors has no {lost}")):
        launch.run(*arguments, teacher=models("dit4sr_q"), cpu=True, resume="auto")


def test_what_does_not_fit_is_said(models, tiny, photos, tmp_path):
    with pytest.raises(ConfigError, match="dino=FOLDER"):
        config.override(recipes.get("smfsr_sd35_refine"), [])
    wrong = tiny_run("mfsr_sd35", models, tiny)
    wider = wrong.network.model_copy(update={"num_attention_heads": 8})
    wrong = wrong.model_copy(update={"network": wider})
    with pytest.raises(ConfigError, match="cannot begin"):
        launch.run(wrong, photos, tmp_path, teacher=models("dit4sr_q"), cpu=True)
