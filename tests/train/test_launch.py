import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file

from leapsr.data.crops import Sample
from leapsr.data.photos import pack
from leapsr.data.pool import Pool
from leapsr.errors import ConfigError, DataError, TrainingError, UnknownName, UsageError, WeightsError
from leapsr.frozen.space import Space
from leapsr.metrics import Metric
from leapsr.networks import Condition
from leapsr.networks.pixel.rescaling import rescaled
from leapsr.ops.damage import measure
from leapsr.ops.resize import downsample
from leapsr.restorer import Restorer
from leapsr.train import batches, checkpoints, config, launch, recipes, validation
from leapsr.train.callbacks import Callbacks
from leapsr.train.config import TrainConfig
from tests.train.conftest import QUICK, relabelled


def train(recipe, photos, out, *settings, **options):
    resolved = config.override(recipes.get(recipe), [*QUICK, *settings])
    launch.run(resolved, photos, out, cpu=True, **options)


def log(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def teacher(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "teacher"
    train("teacher_tiny", photos, out, "steps=20")
    return out


def test_a_run_leaves_all_that_is_promised(teacher):
    assert Restorer.from_pretrained(teacher / "model").config.method == "teacher"
    assert config.read(teacher / "config.json").steps == 20
    assert (teacher / "samples" / "step-00000020.png").stat().st_size > 1000
    assert list((teacher / "tensorboard").glob("events*"))
    values = {name for line in log(teacher) for name in line}
    assert {"student/flow", "samples_per_s", "waiting", "psnr_fidelity_1"} <= values


def test_the_best_model_is_kept_beside_the_newest(photos, tmp_path, monkeypatch):
    """OFTSR selects by metrics. LPIPS decides where it is measured; a worse validation changes nothing."""
    seen = iter([{"psnr_fidelity_0": 30.0, "lpips_alex_fidelity_0": score} for score in (0.5, 0.3, 0.4)])
    kept = []

    def validator(*given):
        def validate(network, step):
            kept.append([p.clone() for p in network.parameters()])
            return next(seen)

        return validate

    monkeypatch.setattr(launch, "validator", validator)
    train("teacher_tiny", photos, tmp_path, "steps=3", "validate_every=1")
    best, newest = (Restorer.from_pretrained(tmp_path / name).network for name in ("best", "model"))
    assert all(torch.equal(a.half().float(), b) for a, b in zip(kept[1], best.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(best.parameters(), newest.parameters(), strict=True))
    progress = json.loads((checkpoints.complete(tmp_path / "checkpoints")[-1] / "progress.json").read_text())
    assert (progress["best"]["step"], progress["best"]["metric"]) == (2, "lpips_alex_fidelity_0")


def test_validation_scores_lpips_where_it_can(photos, tmp_path, monkeypatch):
    asked = []

    def function(restored, target, border):
        asked.append((restored.shape, target.shape))
        return torch.full((len(restored),), 0.25)

    metric = Metric("lpips_alex", "lower", "hr", function)
    monkeypatch.setattr(validation, "available", lambda: {"lpips_vgg": None, "lpips_alex": metric})
    train("teacher_tiny", photos, tmp_path, "steps=1", "validate_every=1")
    scores = {name: value for line in log(tmp_path) for name, value in line.items() if "fidelity" in name}
    assert scores["lpips_alex_fidelity_0"] == scores["lpips_alex_fidelity_1"] == 0.25
    assert "psnr_fidelity_0" in scores
    assert all(one == other for one, other in asked)
    assert (tmp_path / "best" / "config.json").is_file()


def test_gradients_of_the_parts_of_a_batch_add_up(photos, tmp_path):
    """Two halves move the weights as the whole batch does: the mean of means of as many samples."""
    settings = ["steps=2", "data.degradation=bicubic", "batch=4", "precision=fp32", "source.kind=lr"]
    settings += ["method.at_source=1"]  # nothing else is drawn than which crops
    notices = []
    train("teacher_tiny", photos, tmp_path / "whole", *settings)
    told = Callbacks(notice=notices.append)
    train("teacher_tiny", photos, tmp_path / "parts", *settings, "at_once=2", callbacks=told)
    whole, parts = (
        load_file(checkpoints.complete(tmp_path / name / "checkpoints")[-1] / "model.safetensors")
        for name in ("whole", "parts")
    )
    assert all(torch.allclose(whole[name], parts[name], rtol=0, atol=1e-5) for name in whole)
    progress = checkpoints.complete(tmp_path / "parts" / "checkpoints")[-1] / "progress.json"
    assert json.loads(progress.read_text())["samples"] == 8
    assert any("4 samples a step: each of 1 processes takes 4, 2 at a time" in notice for notice in notices)


@pytest.mark.parametrize(
    ("batch", "at_once", "processes", "parts"),
    [
        (16, None, 1, 1),
        (16, 4, 1, 4),
        (80, 10, 8, 1),
        (80, 10, 1, 8),
        (80, 10, 16, 1),
        (6, 4, 1, 2),
        (7, 4, 1, 7),
    ],
)
def test_a_batch_is_shared_and_cut_equally(batch, at_once, processes, parts):
    run = config.override(recipes.get("teacher_tiny"), {"batch": batch, "at_once": at_once})
    assert run.parts(processes) == parts


def test_processes_that_cannot_share_a_batch_are_refused():
    run = config.override(recipes.get("teacher_tiny"), ["batch=10"])
    with pytest.raises(ConfigError, match="--set batch=8 or batch=12"):
        run.parts(4)
    with pytest.raises(ConfigError, match="--set batch=16"):
        run.parts(16)


def test_training_learns(photos, tmp_path):
    """The untrained network predicts 0; two hundred steps on four pictures must do much better."""
    train("teacher_tiny", photos, tmp_path, "steps=200", "log_every=20", "validate_every=200", "batch=4")
    losses = [line["student/flow"] for line in log(tmp_path) if "student/flow" in line]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("given", [False, True])
def test_a_student_begins_as_its_teacher_without_what_that_never_learnt(given, photos, teacher, tmp_path):
    """Also where the teacher is given as --from: what it would say for r < t is anything."""
    start = teacher / "model" if given else None
    settings = ["steps=1", "optimizer.learning_rate=1e-12"]
    train("oftsr_tiny", photos, tmp_path, *settings, teacher=teacher / "model", start=start)
    student, origin = (Restorer.from_pretrained(run / "model") for run in (tmp_path, teacher))
    assert student.config.method == "oftsr"
    x, lr = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 8, 8)
    t, r = torch.tensor([1.0, 0.7]), torch.tensor([0.0, 0.3])
    torch.testing.assert_close(
        student.network(x, t, t, Condition(lr)), origin.network(x, t, t, Condition(lr)), atol=1e-3, rtol=1e-2
    )
    torch.testing.assert_close(student.network.time(t, r), student.network.time(t, t), atol=1e-6, rtol=0)


STUDENTS = ["oftsr", "mfsr", "smfsr", "flowsr", "refine"]


@pytest.mark.parametrize("method", STUDENTS)
def test_every_student_trains_in_half_precision_and_its_model_restores(method, photos, teacher, tmp_path):
    """Through the whole launch: autocast, networks, the exported model at its defaults and most faithful."""
    start = relabelled(teacher / "model", "smfsr", tmp_path) if method == "refine" else None
    settings = ["method.student.kind=smfsr"] if method == "refine" else []
    run = tmp_path / "run"
    train(
        f"{method}_tiny",
        photos,
        run,
        "steps=6",
        "validate_every=6",
        "grid=cosine",
        *settings,
        teacher=teacher / "model",
        start=start,
    )
    numbers = [value for line in log(run) for name, value in line.items() if name.startswith("student/")]
    assert numbers
    assert all(math.isfinite(value) for value in numbers)
    model = Restorer.from_pretrained(run / "model")
    assert model.config.method == ("smfsr" if method == "refine" else method)
    assert model.config.grid == "cosine"
    lr, noise = torch.rand(1, 3, 8, 8), torch.randn(1, 3, 32, 32)
    assert model.restore(lr, noise).isfinite().all()
    assert model.restore(lr, noise, fidelity=model.most_faithful).isfinite().all()


@pytest.mark.parametrize("derivative", ["forward", "central", "step"])
def test_a_guided_student_learns_from_a_teacher_that_knows_labels(derivative, photos, teacher, tmp_path):
    labelled = ["network.quality=true", "data.crop=32"]
    guided = [*labelled, "method.velocity=negative", "method.guidance=2", f"method.derivative={derivative}"]
    guided += ["precision=fp32"] if derivative == "central" else []
    with pytest.raises(ConfigError, match="no quality labels"):
        train("mfsr_tiny", photos, tmp_path / "refused", *guided, teacher=teacher / "model")
    train("teacher_tiny", photos, tmp_path / "teacher", "steps=3", *labelled, "data.bad=0.3")
    train(
        "mfsr_tiny", photos, tmp_path / "student", "steps=3", *guided, teacher=tmp_path / "teacher" / "model"
    )
    assert Restorer.from_pretrained(tmp_path / "student" / "model").config.network.quality


def test_what_a_refinement_begins_with(photos, teacher, tmp_path):
    with pytest.raises(ConfigError, match="--from"):
        train("refine_tiny", photos, tmp_path / "none", teacher=teacher / "model")
    other = relabelled(teacher / "model", "smfsr", tmp_path)
    with pytest.raises(ConfigError, match=r"method\.student\.kind=smfsr"):
        train("refine_tiny", photos, tmp_path / "other", teacher=teacher / "model", start=other)


def test_training_goes_on_from_a_model_and_what_is_new_begins_without_effect(photos, teacher, tmp_path):
    nothing = ["steps=1", "optimizer.learning_rate=1e-12"]
    train("teacher_tiny", photos, tmp_path / "same", *nothing, start=teacher / "model")
    labels = ["network.quality=true", "data.bad=0.5", "data.unlabelled=0.1"]
    train("teacher_tiny", photos, tmp_path / "labelled", *nothing, *labels, start=teacher / "model")
    origin = Restorer.from_pretrained(teacher / "model").network.state_dict()
    for run in ("same", "labelled"):
        weights = Restorer.from_pretrained(tmp_path / run / "model").network.state_dict()
        for name, value in origin.items():
            torch.testing.assert_close(weights[name], value, atol=1e-3, rtol=1e-2)
    assert weights["quality.weight"].abs().max() < 1e-3
    deeper = ["network.blocks=[2, 3]"]
    train("dial_tiny", photos, tmp_path / "deeper", *nothing, *deeper, start=teacher / "model")
    small, large = (Restorer.from_pretrained(run / "model") for run in (teacher, tmp_path / "deeper"))
    assert large.config.method == "dial"
    x, lr, one = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 8, 8), torch.ones(2)
    said, known = (model.network(x, one, one, Condition(lr)) for model in (large, small))
    torch.testing.assert_close(said, known, atol=1e-3, rtol=1e-2)
    wider = ["network.widths=[8, 8]", "network.blocks=[1, 1]"]
    for start, settings in (
        (teacher / "model", wider),
        (tmp_path / "labelled" / "model", []),
        (tmp_path / "deeper" / "model", []),
    ):
        with pytest.raises(ConfigError, match=r"--set network"):
            train("teacher_tiny", photos, tmp_path / "other", *settings, start=start)


@pytest.mark.parametrize(
    ("recipe", "setting"),
    [
        ("teacher_tiny", "data.bad=0.1"),
        ("mfsr_tiny", "method.guidance=2"),
        ("smfsr_tiny", "method.guidance=2"),
    ],
)
def test_labels_need_a_network_that_reads_them(recipe, setting):
    with pytest.raises(ConfigError, match=r"network\.quality"):
        config.override(recipes.get(recipe), [setting])
    config.override(recipes.get(recipe), [setting, "network.quality=true"])


def test_a_central_difference_needs_full_precision():
    with pytest.raises(ConfigError, match="half precision"):
        config.override(recipes.get("mfsr_tiny"), ["method.derivative=central"])
    config.override(recipes.get("mfsr_tiny"), ["method.derivative=central", "precision=fp32"])


def test_a_pool_is_used_when_asked_for(photos, tmp_path):
    train(
        "teacher_tiny", photos, tmp_path, "steps=3", "data.pool=6", "data.pool_crop=48", "validate_every=100"
    )
    assert json.loads((tmp_path / "pool" / "pool.json").read_text())["crops"] == 6


def told(**data) -> TrainConfig:
    config = recipes.get("dial_tiny")
    network = config.network.model_copy(update={"damage": True})
    return config.model_copy(update={"network": network, "data": config.data.model_copy(update=data)})


def test_what_is_asked_for_keeps_the_noise_that_the_network_is_told_to_keep():
    """Without it the clean image; with all of it an image that, made small again, is the small picture."""
    clean = torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.4 + 0.3
    image = F.interpolate(clean, scale_factor=4, mode="bicubic").clamp(0, 1)
    noise = 0.03 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    pixels = [(part * 255).round().to(torch.uint8) for part in (image, downsample(image, 4) + noise)]
    made = {}
    for share in (0.0, 1.0):
        prepare = batches.batch_maker(told(kept_noise=share), torch.device("cpu"), Space(4))
        made[share] = prepare(Sample(*pixels), torch.Generator().manual_seed(2))
    without, kept = made[0.0], made[1.0]
    assert without.cond.damage.shape == (6, 8)
    assert (without.cond.damage[:, -1] == 1).all()
    torch.testing.assert_close(without.image, pixels[0] / 255 * 2 - 1)
    denoise = kept.cond.damage[:, -1]
    assert 0 < (denoise == 0).sum() < 6
    assert ((denoise > 0) & (denoise < 1)).any()
    left = [downsample(batch.image, 4) - kept.cond.lr for batch in (without, kept)]
    before, after = (error.square().mean((1, 2, 3)).sqrt() for error in left)
    assert (after[denoise == 0] < 0.5 * before[denoise == 0]).all()  # the finest is lost by enlarging it
    assert (after[denoise > 0] > after[denoise == 0].max()).all()


def test_a_pool_knows_the_damage_of_the_whole_of_each_of_its_pictures(photos, tmp_path):
    settings = ["steps=2", "data.pool=6", "data.pool_crop=96", "network.damage=true", "validate_every=100"]
    train("teacher_tiny", photos, tmp_path, *settings)
    lr = torch.from_numpy(np.load(tmp_path / "pool" / "lr.npy"))
    sample = Pool(tmp_path / "pool", 32, seed=0)(0, 6)
    known = measure(lr / 255)
    assert sample.measures.shape == (6, 7)
    for found in sample.measures:  # lr is rounded to 8 bits in the pool
        apart = (found - known).abs()
        assert apart[:, :5].amax(1).min() < 0.6
        assert apart[apart[:, :5].amax(1).argmin(), 5] < 6


COMMANDS = {
    "teacher": ["train", "teacher_tiny"],
    "oftsr": ["distill", "oftsr_tiny"],
    "pool": ["train", "teacher_tiny", "--set", "data.pool=8", "--set", "data.pool_crop=48"],
    "device": ["train", "teacher_tiny", "--set", "data.on_device=true", "--set", "data.degradation=photo"],
    "refine": ["distill", "refine_tiny", "--set", "optimizer.kind=muon"],
}


def command(kind, photos, out, teacher, *more):
    settings = [*QUICK, "steps=40", "checkpoint_minutes=0.0005", "validate_every=15"]
    verb = [*COMMANDS[kind][:2], str(photos), *COMMANDS[kind][2:]]
    verb += ["--teacher", str(teacher / "model")] if COMMANDS[kind][0] == "distill" else []
    if kind == "refine" and "--resume" not in more:  # a checkpoint holds what --from would give
        verb += ["--from", str(relabelled(teacher / "model", "oftsr", out.parent))]
    sets = [part for setting in settings for part in ("--set", setting)]
    return [sys.executable, "-m", "leapsr", *verb, *sets, "--cpu", "-o", str(out), *more]


@pytest.mark.parametrize("kind", COMMANDS)
def test_killed_and_resumed_equals_uninterrupted_bit_for_bit(kind, photos, teacher, tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    options = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    subprocess.run(command(kind, photos, tmp_path / "whole", teacher), check=True, **options)
    with subprocess.Popen(command(kind, photos, tmp_path / "killed", teacher), **options) as process:
        wait_for_checkpoint(tmp_path / "killed" / "checkpoints", process)
        process.send_signal(signal.SIGKILL)
    left = checkpoints.complete(tmp_path / "killed" / "checkpoints")
    assert 0 < json.loads((left[-1] / "progress.json").read_text())["step"] < 40
    subprocess.run(
        command(kind, photos, tmp_path / "killed", teacher, "--resume", "auto"), check=True, **options
    )
    for name in ("model/model.safetensors", "checkpoints/step-00000040/model.safetensors"):
        whole, resumed = (load_file(tmp_path / run / name) for run in ("whole", "killed"))
        assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def wait_for_checkpoint(folder: Path, process: subprocess.Popen, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not checkpoints.complete(folder):
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < until
        time.sleep(0.005)


def test_an_old_run_is_not_overwritten(photos, teacher):
    with pytest.raises(UsageError, match="--resume auto"):
        train("teacher_tiny", photos, teacher, "steps=20")


def test_max_minutes_saves_and_stops(photos, tmp_path):
    train("teacher_tiny", photos, tmp_path, "steps=1000000", minutes=0.02)
    [*_, last] = checkpoints.complete(tmp_path / "checkpoints")
    assert (tmp_path / "model" / "model.safetensors").exists()
    assert 0 < json.loads((last / "progress.json").read_text())["step"] < 1000000


def test_a_run_of_some_minutes_ends_at_a_rate_of_nothing_however_it_is_cut(photos, tmp_path):
    """The minutes are those of the whole run; --max-minutes are those of one command."""
    settings = ["steps=1000000", "minutes=0.08", "optimizer.decay=linear", "optimizer.warmup=0"]
    settings += ["validate_every=1000000", "log_every=1"]
    train("teacher_tiny", photos, tmp_path, *settings, minutes=0.04)
    cut = log(tmp_path)[-1]
    assert 0 < cut["rate"] < 1
    train("teacher_tiny", photos, tmp_path, *settings, resume="auto")
    rates = [line["rate"] for line in log(tmp_path) if "rate" in line]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.1
    [*_, last] = checkpoints.complete(tmp_path / "checkpoints")
    progress = json.loads((last / "progress.json").read_text())
    assert 4.8 <= progress["seconds"] < 7
    train("teacher_tiny", photos, tmp_path, *settings, resume="auto")  # it is done: nothing more happens
    assert checkpoints.complete(tmp_path / "checkpoints")[-1] == last


def test_a_packed_archive_on_the_device_trains(photos, tmp_path):
    pack(photos, tmp_path / "photos.safetensors")
    told = []
    train(
        "teacher_tiny",
        tmp_path / "photos.safetensors",
        tmp_path / "run",
        "steps=3",
        "data.on_device=true",
        "data.degradation=photo",
        callbacks=Callbacks(notice=told.append),
    )
    assert any("3 photos, 0.00 GB on cpu" in text for text in told)
    assert Restorer.from_pretrained(tmp_path / "run" / "model").config.method == "teacher"


@pytest.mark.parametrize("minutes", ["5", "1e-7"])
def test_a_run_that_blows_up_stops_at_the_last_good_state(minutes, photos, tmp_path):
    """Also when a checkpoint is due between the update that ruins the weights and the loss that shows it."""
    train("teacher_tiny", photos, tmp_path, "steps=5")
    ruin = ["steps=60", "optimizer.learning_rate=1e30", f"checkpoint_minutes={minutes}"]
    with pytest.raises(TrainingError, match="step-00000005"):
        train("teacher_tiny", photos, tmp_path, *ruin, resume="auto")
    [state] = checkpoints.complete(tmp_path / "checkpoints")
    for file in (state / "model.safetensors", tmp_path / "model" / "model.safetensors"):
        assert all(value.abs().max() < 100 for value in load_file(file).values())


def test_a_state_of_another_network_is_refused(photos, teacher, tmp_path):
    state = checkpoints.complete(teacher / "checkpoints")[-1]
    with pytest.raises(TrainingError, match="cannot be resumed"):
        train("teacher_tiny", photos, tmp_path, "network.widths=[8,8]", resume=str(state))


def test_what_cannot_be_resumed(photos, tmp_path):
    with pytest.raises(UsageError, match="not a checkpoint"):
        train("teacher_tiny", photos, tmp_path, resume=str(tmp_path))


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match="no images"):
        train("teacher_tiny", tmp_path, tmp_path / "run")


def test_too_few_photos_for_validation(photos, tmp_path):
    with pytest.raises(DataError, match="held_out"):
        train("teacher_tiny", photos, tmp_path, "data.held_out=4")


def test_teachers_that_do_not_fit(photos, teacher, tmp_path):
    with pytest.raises(ConfigError, match="--teacher"):
        train("oftsr_tiny", photos, tmp_path)
    with pytest.raises(WeightsError, match="not a model folder"):
        train("oftsr_tiny", photos, tmp_path, teacher=tmp_path)
    with pytest.raises(ConfigError, match=r"sigma=0\.5"):
        train("oftsr_tiny", photos, tmp_path, "source.sigma=0.5", teacher=teacher / "model")


def test_a_full_disk_keeps_the_last_state(photos, teacher, monkeypatch, tmp_path):
    from leapsr.errors import OutputError

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    train("teacher_tiny", photos, tmp_path, "steps=5")
    monkeypatch.setattr("accelerate.Accelerator.save_state", full)
    with pytest.raises(OutputError, match="No space left"):
        train("teacher_tiny", photos, tmp_path, "steps=8", resume="auto")
    assert [path.name for path in checkpoints.complete(tmp_path / "checkpoints")] == ["step-00000005"]


def test_going_on_from_an_older_state_sets_the_newer_ones_aside(photos, tmp_path):
    train("teacher_tiny", photos, tmp_path, "steps=6", "checkpoint_minutes=1e-7")
    [older, newer] = checkpoints.complete(tmp_path / "checkpoints")
    train("teacher_tiny", photos, tmp_path, "steps=7", resume=str(older))
    names = [path.name for path in checkpoints.complete(tmp_path / "checkpoints")]
    assert names == ["step-00000005", "step-00000007"]
    assert (newer.parent / f"left-{newer.name}").is_dir()


def test_a_finished_run_can_be_resumed_and_does_nothing(photos, tmp_path):
    train("teacher_tiny", photos, tmp_path, "steps=3")
    before = load_file(tmp_path / "model" / "model.safetensors")
    train("teacher_tiny", photos, tmp_path, "steps=3", resume="auto")
    after = load_file(tmp_path / "model" / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_refused_resume_changes_nothing(photos, teacher):
    before = (teacher / "config.json").read_text()
    with pytest.raises(TrainingError):
        train("teacher_tiny", photos, teacher, "network.widths=[8,8]", resume="auto")
    assert (teacher / "config.json").read_text() == before


def test_resuming_from_the_command_line_keeps_the_settings(photos, tmp_path):
    from leapsr.cli.train import train as verb

    settings = [*QUICK, "steps=3"]
    verb("teacher_tiny", photos, tmp_path / "run", settings=settings, cpu=True)
    verb("teacher_tiny", photos, tmp_path / "run", settings=["steps=5"], resume="auto", cpu=True)
    assert config.read(tmp_path / "run" / "config.json").batch == 2
    with pytest.raises(UsageError, match="recipe teacher_tiny"):
        verb("oftsr_tiny", photos, tmp_path / "run", resume="auto", cpu=True)


def test_models_to_begin_with_are_found_by_name(photos, teacher, tmp_path, monkeypatch):
    from leapsr.cli.train import distill

    shutil.copytree(teacher / "model", tmp_path / "models" / "mine")
    monkeypatch.setenv("LEAPSR_MODEL_DIR", str(tmp_path / "models"))
    given = {"settings": [*QUICK, "steps=1"], "cpu": True}
    distill("oftsr_tiny", photos, "mine", tmp_path / "run", start="mine", **given)
    assert Restorer.from_pretrained(tmp_path / "run" / "model").config.method == "oftsr"
    with pytest.raises(UnknownName, match=r"Did you mean 'mine'\?"):
        distill("oftsr_tiny", photos, "mine", tmp_path / "other", start="mines", **given)


@pytest.mark.parametrize("native", [True, False])
def test_a_run_takes_half_precision_where_the_machine_has_it(native, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "has_bfloat16", lambda device: native)
    train("teacher_tiny", photos, tmp_path, "steps=1")
    assert config.read(tmp_path / "config.json").precision == ("bf16" if native else "fp32")


def test_precisions_can_change_within_one_process(photos, tmp_path):
    for precision in ("fp32", "bf16"):
        train("teacher_tiny", photos, tmp_path / precision, "steps=2", f"precision={precision}")
        assert checkpoints.complete(tmp_path / precision / "checkpoints")


def test_a_teacher_of_another_scale_or_for_a_recipe_without_one(photos, teacher, tmp_path):
    with pytest.raises(ConfigError, match="at scale 2"):
        train("oftsr_tiny", photos, tmp_path, "network.scale=2", teacher=teacher / "model")
    with pytest.raises(ConfigError, match="without --teacher"):
        train("teacher_tiny", photos, tmp_path, teacher=teacher / "model")


def test_a_run_for_x2_begins_with_a_model_for_x4(photos, teacher, tmp_path):
    nothing = ["steps=1", "optimizer.learning_rate=1e-12", "network.scale=2"]
    train("teacher_tiny", photos, tmp_path, *nothing, start=teacher / "model")
    small, large = (Restorer.from_pretrained(run) for run in (tmp_path / "model", teacher / "model"))
    assert small.scale == 2
    expected = rescaled(large.network.state_dict(), 4, small.config.network.scale)
    for name, weight in small.network.state_dict().items():
        torch.testing.assert_close(weight, expected[name], atol=1e-3, rtol=1e-2)


def test_photos_that_are_too_small_are_counted(photos, tmp_path):
    shutil.copytree(photos, tmp_path / "photos")
    Image.new("RGB", (300, 30)).save(tmp_path / "photos" / "strip.png")
    said: list[str] = []
    callbacks = Callbacks(notice=said.append)
    train("teacher_tiny", tmp_path / "photos", tmp_path / "run", "steps=1", callbacks=callbacks)
    count = len(list((tmp_path / "photos").iterdir()))
    assert f"Left out, with a side below 32 pixels: 1 of {count} photos." in said


def test_held_out_photos_stay_where_others_come_and_go(photos, tmp_path):
    shutil.copytree(photos, tmp_path / "photos")
    resolved = config.override(recipes.get("teacher_tiny"), [*QUICK, "data.held_out=2"])

    def held_out():
        split = batches.split_photos(tmp_path / "photos", resolved)
        return {split.photos.names[index] for index in split.held_out}

    before = held_out()
    trained = next(path for path in sorted((tmp_path / "photos").iterdir()) if path.name not in before)
    trained.unlink()
    assert held_out() == before


def test_a_damaged_photo_costs_nothing_that_was_trained(photos, tmp_path):
    """Its header is fine, so that only reading a crop of it tells."""
    shutil.copytree(photos, tmp_path / "photos")
    settings = ["steps=200", "batch=1", "data.workers=1", "data.held_out=1"]
    split = batches.split_photos(
        tmp_path / "photos", config.override(recipes.get("teacher_tiny"), [*QUICK, *settings])
    )
    damaged = tmp_path / "photos" / split.photos.names[split.training[0]]
    damaged.write_bytes(damaged.read_bytes()[:-2000])
    with pytest.raises(DataError, match="cannot be read as a photo"):
        train("teacher_tiny", tmp_path / "photos", tmp_path / "run", *settings)
    assert checkpoints.complete(tmp_path / "run" / "checkpoints")


def test_resuming_takes_the_settings_of_the_optimizer(photos, tmp_path):
    train("teacher_tiny", photos, tmp_path, "steps=1")
    seen = []
    step = torch.optim.AdamW.step

    def watched(self, *arguments, **options):
        seen.append((self.param_groups[0]["weight_decay"], self.param_groups[0]["betas"]))
        return step(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", watched)
        changed = ["steps=2", "optimizer.weight_decay=0.5", "optimizer.beta2=0.5"]
        train("teacher_tiny", photos, tmp_path, *changed, resume="auto")
    assert seen == [(0.5, (0.9, 0.5))]


@pytest.mark.parametrize("scale", [2, 3])
def test_other_scales_train(scale, photos, tmp_path):
    train("teacher_tiny", photos, tmp_path, "steps=2", f"network.scale={scale}", "data.crop=36")
    assert Restorer.from_pretrained(tmp_path / "model").scale == scale


def test_two_processes_agree_on_when_to_save_and_stop(photos, tmp_path):
    """Each has a clock of its own, and saving is collective: without an agreement they would wait forever."""
    settings = [*QUICK, "batch=4", "steps=100000", "checkpoint_minutes=0.002", "validate_every=50"]
    sets = [part for setting in settings for part in ("--set", setting)]
    words = [
        "-m",
        "torch.distributed.run",
        "--nproc_per_node=2",
        "--master_port=29511",
        "-m",
        "leapsr",
        "train",
    ]
    words += ["teacher_tiny", str(photos), *sets, "--cpu", "-o", str(tmp_path), "--max-minutes", "0.1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    last = json.loads((checkpoints.complete(tmp_path / "checkpoints")[-1] / "progress.json").read_text())
    assert last["samples"] == 4 * last["step"]  # two samples for each of two processes
    assert Restorer.from_pretrained(tmp_path / "model").config.method == "teacher"


def test_without_a_compiler_it_is_said_before_any_work(photos, monkeypatch, tmp_path):
    def broken(function):
        raise RuntimeError("No working C++ compiler found.\nmore")

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(ConfigError, match=r"No working C\+\+ compiler found\.\): use --set compile=false"):
        train("teacher_tiny", photos, tmp_path, "compile=true", "data.pool=6", "data.pool_crop=48")
    assert not (tmp_path / "pool").exists()
