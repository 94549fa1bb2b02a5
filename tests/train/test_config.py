import json
import re

import pytest
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.errors import ConfigError, UnknownName
from leapsr.hub.published import OFTSR_FILES
from leapsr.train import config, recipes


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipe_survives_its_own_json(name, tmp_path):
    recipe = recipes.get(name)
    assert recipe.recipe == name
    if name == "smfsr_sd35_refine":  # which is refused without the folder of its critic
        recipe = recipe.model_copy(update={"dino": tmp_path})
    if name == "flowsr_sd21_consistent":  # and those of its critic and of CLIP
        recipe = recipe.model_copy(update={"clip": tmp_path, "diffusion": tmp_path})
    path = tmp_path / "config.json"
    path.write_text(recipe.model_dump_json())
    assert config.read(path) == recipe


@pytest.mark.parametrize(
    "student",
    [
        name
        for name in recipes.RECIPES
        if name not in recipes.FULL_SIZE and recipes.get(name).method.needs_teacher
    ],
)
def test_a_student_fits_its_teacher(student):
    teacher = recipes.get(f"teacher_{student.split('_')[1]}")
    assert recipes.get(student).network == teacher.network
    assert recipes.get(student).data.degradation == teacher.data.degradation
    assert not recipes.get(student).data.bad  # students make good images only
    assert recipes.get(student).source == teacher.source


@pytest.mark.parametrize("verb", ["train", "distill"])
def test_a_verb_lists_its_recipes_with_what_they_are_for(verb):
    done = CliRunner().invoke(app, [verb, "--list"])
    assert done.exit_code == 0
    listed = dict(line.split(maxsplit=1) for line in done.output.splitlines())
    methods = {name: recipes.get(name).method for name in recipes.RECIPES}
    distils = {name for name, method in methods.items() if method.needs_teacher}
    either = {
        name for name, method in methods.items() if method.takes_answers
    }  # of photos, or of an upscaler
    assert listed.keys() == (distils | either if verb == "distill" else recipes.RECIPES.keys() - distils)
    assert all(listed.values())


def test_settings_change_nested_fields():
    changed = config.override(
        recipes.get("teacher_tiny"),
        [
            "steps=7",
            "optimizer.learning_rate=1e-5",
            "network.widths=[8,8]",
            "method.norm=l1",
            "precision=fp32",
        ],
    )
    assert (changed.steps, changed.optimizer.learning_rate, changed.method.norm) == (7, 1e-5, "l1")
    assert changed.network.widths == (8, 8)
    assert changed.data == recipes.get("teacher_tiny").data


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("stpes=7", "no field 'stpes'"),
        ("optimizer.lr=1", "known here: kind, learning_rate"),
        ("optimizer.learning_rate=fast", "optimizer.learning_rate"),
        ("steps", "path.to.field=value"),
        ("steps.more=1", "no field 'steps.more'"),
        ("data.crop=66", "multiple of the scale"),
        ("batch=0", "batch"),
        ("source.sigma=3", "source.sigma"),
        ("guidance=2", "network.quality=true"),
    ],
)
def test_impossible_settings_are_refused_in_one_sentence(setting, message):
    with pytest.raises(ConfigError) as caught:
        config.override(recipes.get("teacher_tiny"), [setting])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("recipe", "setting", "remedy"),
    [
        ("flowsr_sd21", "method.kind=oftsr", "network.reads=both"),
        ("flowsr_sd21", "method.kind=smfsr", "network.reads=both"),
        ("flowsr_sd21", "network.reads=r", "network.reads=both"),
        ("oftsr_div2k", "network.reads=t", "network.reads=both"),
        ("oftsr_div2k", "method.kind=smfsr", "network.reads=both"),
        ("mfsr_sd35", "network.time_conditioning=single", "network.time_conditioning=add_r"),
        ("oftsr_dit4sr", "network.time_conditioning=single", "network.time_conditioning=add_r"),
    ],
)
def test_a_student_that_is_not_told_its_times_is_refused(recipe, setting, remedy):
    with pytest.raises(ConfigError, match=re.escape(f"--set {remedy}")):
        config.override(recipes.get(recipe), [setting])


def test_a_student_that_is_told_its_times():
    for recipe, *more in (("flowsr_sd21", "method.kind=smfsr"), ("oftsr_div2k",), ("oftsr_div2k_teacher",)):
        assert config.override(recipes.get(recipe), ["network.reads=both", *more]).network.reads == "both"


@pytest.mark.parametrize(
    ("recipe", "setting", "remedy"),
    [
        ("teacher_small", 'adapters={"rank":8}', "adapters=null"),
        ("oftsr_div2k", 'adapters={"rank":8}', "adapters=null"),
        ("teacher_small", "autoencoder=SD35", "autoencoder=null"),
        ("teacher_small", "prompts=FILE", "prompts=null"),
        ("teacher_small", "negative=negative_mfsr", "negative=negative"),
        ("oftsr_small", "clip=FOLDER", "clip=null"),
        ("mfsr_sd35", "clip=FOLDER", "clip=null"),
        ("mfsr_sd35", "guidance=2", "method.guidance"),
    ],
)
def test_what_a_run_would_not_read_is_refused(recipe, setting, remedy):
    with pytest.raises(ConfigError, match=remedy):
        config.override(recipes.get(recipe), [setting])


@pytest.mark.parametrize(
    ("recipe", "setting", "remedy"),
    [
        ("flowsr_sd21_consistent", "diffusion=SD21", "clip=FOLDER"),
        ("flowsr_sd21_consistent", "clip=CLIP", "diffusion=FOLDER"),
        ("flowsr_sd21", 'source={"kind":"noise"}', "network.sees_lr=true"),
    ],
)
def test_what_flowsr_cannot_do_without_is_said(recipe, setting, remedy):
    """A loss never vanishes silently, and no network is asked to restore what it does not see."""
    with pytest.raises(ConfigError, match=remedy):
        config.override(recipes.get(recipe), [setting])


@pytest.mark.parametrize("recipe", ["oftsr_resshift", "flowsr_sd21"])
def test_a_critic_of_pixels_needs_the_picture_alone(recipe):
    """ResShift's network is told the picture and its latents, as channels one after the other."""
    flowsr = {"kind": "flowsr", "alignment": 0}
    refined = {"kind": "refine", "student": flowsr if recipe == "flowsr_sd21" else {"kind": "oftsr"}}
    with pytest.raises(ConfigError, match=r"method\.critic_input=dino"):
        config.override(recipes.get(recipe), [f"method={json.dumps(refined)}"])
    without = {**refined, "adversarial": 0}
    assert config.override(recipes.get(recipe), [f"method={json.dumps(without)}"]).method.adversarial == 0


@pytest.mark.parametrize("data", OFTSR_FILES)
def test_oftsrs_rates_are_the_printed_ones_and_the_released_ones_are_said(data):
    """1e-4 for both stages, in the paper; the names of the files tell the others."""
    found = re.search(r"-lr([\de.-]+?)-(?=distil|FFHQ|DIV2K|ImageNet)", OFTSR_FILES[data])
    assert recipes.get(f"oftsr_{data}").optimizer.learning_rate == 1e-4
    said = re.search(
        r"released file: --set optimizer\.learning_rate=([\de-]+)", recipes.describe(f"oftsr_{data}")
    )
    assert float(said[1] if said else "1e-4") == float(found[1])


def test_mfsr_leads_away_from_the_text_of_its_paper():
    assert recipes.get("mfsr_sd35").negative == "negative_mfsr"
    assert recipes.get("oftsr_dit4sr").negative == recipes.get("smfsr_sd35").negative == "negative"


def test_a_pool_must_hold_the_crop():
    with pytest.raises(ConfigError, match="pool_crop"):
        config.override(recipes.get("teacher_small"), ["data.crop=288"])


def test_a_pool_and_photos_on_the_device_exclude_each_other():
    with pytest.raises(ConfigError, match=r"data\.pool=0"):
        config.override(recipes.get("teacher_small"), ["data.on_device=true"])
    config.override(recipes.get("teacher_small"), ["data.on_device=true", "data.pool=0"])


def test_a_configuration_written_before_a_field_was_there_still_reads(tmp_path):
    values = recipes.get("teacher_small").model_dump(mode="json")
    del values["minutes"], values["data"]["on_device"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert config.read(tmp_path / "config.json") == recipes.get("teacher_small")


def test_a_misspelt_key_in_a_file_is_an_error(tmp_path):
    values = recipes.get("teacher_tiny").model_dump(mode="json")
    values["optimizer"]["warmpu"] = 3
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(ConfigError, match=r"optimizer\.warmpu: there is no such field"):
        config.read(tmp_path / "config.json")


@pytest.mark.parametrize("content", ["{", "[]", ""])
def test_a_file_that_is_no_configuration(content, tmp_path):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ConfigError):
        config.read(tmp_path / "config.json")


def test_an_unknown_recipe_lists_the_known():
    with pytest.raises(UnknownName, match="Did you mean 'teacher_tiny'"):
        recipes.get("teacher_tinny")


@pytest.mark.parametrize("kind", ["oftsr", "mfsr", "smfsr", "flowsr", "dial"])
def test_a_refinement_takes_any_student(kind):
    """A new kind brings fields of its own, which can be set at once; the old one's are unknown to it."""
    settings = ["network.quality=true", f"method.student.kind={kind}", "method.student.norm=l1"]
    if kind == "flowsr":
        settings.append("method.student.alignment=0")
    changed = config.override(recipes.get("refine_tiny"), settings).method.student_method
    assert (changed.kind, changed.norm) == (kind, "l1")


def test_rates_by_network():
    changed = config.override(recipes.get("refine_tiny"), ["optimizer.rate_factors.score=2"])
    assert changed.optimizer.rate_factors == {"score": 2}
    with pytest.raises(UnknownName, match="scoer"):
        config.override(recipes.get("refine_tiny"), ["optimizer.rate_factors.scoer=2"])


@pytest.mark.parametrize(
    ("settings", "reader"),
    [
        (["data.crop=16", "method.critic.scales=4"], "the critic"),
        (["data.crop=32", "perceptual=alex"], "LPIPS with alex"),
    ],
)
def test_patches_that_would_vanish_are_refused(settings, reader):
    with pytest.raises(ConfigError, match=reader):
        config.override(recipes.get("refine_tiny"), settings)


def test_guidance_by_the_student_itself_needs_samples_without_a_label():
    settings = ["method.velocity=meanflow_cfg", "network.quality=true"]
    with pytest.raises(ConfigError, match=r"data\.unlabelled"):
        config.override(recipes.get("mfsr_tiny"), settings)
    config.override(recipes.get("mfsr_tiny"), [*settings, "data.unlabelled=0.1"])
