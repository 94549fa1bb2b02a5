import math
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import leapsr
from leapsr.cli.main import app
from leapsr.data.pairs import PairFolder
from leapsr.errors import UsageError
from leapsr.evaluation.run import Evaluation, noise_for
from leapsr.evaluation.saved import slug
from leapsr.flow.solvers import EVALUATIONS
from leapsr.hub import catalog
from leapsr.metrics import select
from leapsr.metrics.table import Restore, Setting, Table
from leapsr.upscaling.settings import Settings
from tests.evaluation.models import some_pairs, subject, write_pairs


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> PairFolder:
    return some_pairs(tmp_path_factory.mktemp("pairs") / "pairs")


@pytest.mark.parametrize("solver", EVALUATIONS)
def test_evaluations_are_counted_where_a_step_takes_more_than_one(pairs: PairFolder, solver: str) -> None:
    evaluation = Evaluation({"m": subject("teacher")}, pairs, border=4, settings=Settings(solver=solver))  # type: ignore[arg-type]
    table = evaluation.run(evaluation.plan([1, 3], [0.0, 1.0]), select(["psnr_y"]), [])
    counted = {setting: table.mean(setting).evaluations for setting in table.settings}
    own = EVALUATIONS[solver]  # type: ignore[index]
    assert counted == {
        Setting("bicubic"): 0,
        Setting("m", 1, 0.0, solver): own,
        Setting("m", 1, 1.0, solver): 1,
        Setting("m", 3, 0.0, solver): 3 * own,
        Setting("m", 3, 1.0, solver): 1,
    }


def test_evaluations_are_counted_only_meanwhile(pairs: PairFolder) -> None:
    evaluation = Evaluation({"m": subject("oftsr")}, pairs, border=4)
    for _ in range(2):
        table = evaluation.run(evaluation.plan([1], [0.0], baseline=False), {}, [])
        assert [row.evaluations for row in table.rows] == [1, 1]
    assert not evaluation.models["m"].restorer.network._forward_hooks


def test_rk45_has_no_number_of_steps_but_one_of_evaluations(pairs: PairFolder) -> None:
    evaluation = Evaluation({"m": subject("teacher")}, pairs, border=4, settings=Settings(solver="rk45"))
    table = evaluation.run(evaluation.plan([1], [0.0], baseline=False), select(["psnr_y"]), [])
    assert table.settings == [Setting("m", None, 0.0, "rk45")]
    counts = [row.evaluations for row in table.rows]
    assert all(
        count >= 8 and (count - 2) % 6 == 0 for count in counts
    )  # six for a step, two to find its size
    with pytest.raises(UsageError, match="rk45"):
        evaluation.plan([8], [0.0], baseline=False)


def test_a_line_says_what_was_used(pairs: PairFolder) -> None:
    """Also where nothing was asked for: the model's own place of the dial, and how a teacher is followed."""
    models = {"student": subject("oftsr"), "teacher": subject("teacher")}
    plan = Evaluation(models, pairs, border=4).plan(baseline=False)
    assert list(plan) == [Setting("student", 1, 0.5), Setting("teacher", 1, 0.5, "euler")]


def one(plan: dict[Setting, object], seed: int = 0) -> Restore:
    [of_seeds] = plan.values()
    return of_seeds[seed]  # type: ignore[index]


def test_a_line_is_what_upscale_makes_with_these_settings(pairs: PairFolder) -> None:
    model, lr = subject("teacher"), torch.rand(1, 3, 6, 5)
    settings = Settings(solver="heun", color_fix="wavelet")
    evaluation = Evaluation({"m": model}, pairs, border=4, seeds=[3, 4], settings=settings)
    plan = evaluation.plan([2], baseline=False)
    assert list(plan) == [Setting("m", 2, 0.5, "heun")]
    found = one(plan, 3)(lr, "")
    upscaled = model.upscaler(lr[0], steps=2, solver="heun", color_fix="wavelet", seed=3)
    assert torch.equal(found[0], upscaled)
    assert not torch.equal(found, one(plan, 4)(lr, ""))
    euler = Evaluation({"m": model}, pairs, border=4, seeds=[3], settings=Settings(color_fix="wavelet"))
    assert not torch.equal(found, one(euler.plan([2], baseline=False), 3)(lr, ""))


def straight(evaluation: Evaluation) -> float:
    evaluation.check_flows()
    table = evaluation.run(evaluation.plan(baseline=False), select(["straightness"]))
    return table.mean(table.settings[0]).scores["straightness"]


def test_straightness_is_of_teachers(pairs: PairFolder) -> None:
    bent = straight(Evaluation({"m": subject("teacher")}, pairs, border=4))
    assert math.isfinite(bent)
    assert bent > 0
    still = subject("teacher")
    for parameter in still.restorer.network.parameters():
        torch.nn.init.zeros_(parameter)
    assert straight(Evaluation({"m": still}, pairs, border=4)) < 1e-3 * bent
    for other in ("oftsr", "mfsr"):
        with pytest.raises(UsageError, match="straightness is for teachers"):
            Evaluation({"m": subject(other)}, pairs, border=4).check_flows()


def test_straightness_is_not_of_a_guided_line(pairs: PairFolder) -> None:
    """The model's own guidance stands in the line's name."""
    guided = subject("teacher")
    guided.restorer.config = guided.restorer.config.model_copy(update={"guidance": 2.0})
    with pytest.raises(UsageError, match="without guidance"):
        Evaluation({"m": guided}, pairs, border=4).check_flows()
    Evaluation({"m": guided}, pairs, border=4, settings=Settings(guidance=1)).check_flows()


def test_a_models_file_is_read_once_a_run_for_its_digest(
    pairs: PairFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    monkeypatch.setattr(catalog, "digest", lambda folder: str(read.append(folder)))
    evaluation = Evaluation({"m": subject("oftsr")}, pairs, border=4, seeds=[0, 1], save=tmp_path)
    evaluation.run(evaluation.plan([1], [0.0, 0.5, 1.0], baseline=False), {})
    evaluation.as_dict()
    assert len(read) == 1


def test_names_of_folders_are_short_and_tell_long_labels_apart() -> None:
    labels = [f"program {'--option ' * 40}{i} {{in}} {{out}}" for i in range(2)] + ["ä" * 200, "a b"]
    slugs = [slug(label) for label in labels]
    assert len(set(slugs)) == 4
    assert all(len(each.encode()) <= 120 for each in slugs)
    assert slugs[-1] == "a_b"


def test_straightness_is_of_the_flow_without_guidance(pairs: PairFolder) -> None:
    for guidance in (0.0, 3.0):
        settings = Settings(guidance=guidance)
        with pytest.raises(UsageError, match="without guidance"):
            Evaluation({"m": subject("teacher")}, pairs, border=4, settings=settings).check_flows()


def test_beside_a_teacher_students_have_no_straightness(pairs: PairFolder) -> None:
    evaluation = Evaluation({"t": subject("teacher"), "s": subject("oftsr")}, pairs, border=4)
    table = evaluation.run(evaluation.plan(baseline=False), select(["straightness", "psnr_y"]))
    scores = {setting.restorer: table.mean(setting).scores["straightness"] for setting in table.settings}
    assert scores["t"] > 0
    assert math.isnan(scores["s"])
    assert table.failures == ()


def test_all_metrics_are_those_that_can_be_had(tmp_path: Path) -> None:
    """Straightness is left out with a note, where it was not named itself."""
    folder = write_pairs(tmp_path / "pairs", 1)
    subject("oftsr").restorer.save_pretrained(tmp_path / "student")
    subject("teacher").restorer.save_pretrained(tmp_path / "teacher")
    no_files = tmp_path / "weights"
    no_files.mkdir()

    def scored(name: str, *metrics: str) -> Table:
        found = tmp_path / name
        return leapsr.evaluate(found, folder, metrics=metrics, weights=no_files, device="cpu", baseline=False)

    table = scored("student", "all")
    assert "psnr_y" in table.metrics
    assert "straightness" not in table.metrics
    [note] = [note for note in table.notes if note.startswith("straightness is skipped: ")]
    assert "for teachers" in note
    assert "straightness" in scored("teacher", "all").metrics
    with pytest.raises(UsageError, match="straightness is for teachers"):
        scored("student", "all", "straightness")
    words = ["evaluate", str(tmp_path / "student"), "--pairs", str(folder), "--metrics", "all"]
    result = CliRunner().invoke(app, [*words, "--weights", str(no_files), "--device", "cpu", "--no-baseline"])
    assert result.exit_code == 0, result.output
    assert note in " ".join(result.output.split())


def test_noise_is_that_of_the_picture_wherever_it_is_restored() -> None:
    restorer, lr = subject("teacher").restorer, torch.rand(1, 3, 6, 5)
    noise = noise_for(restorer, lr, seed=3)
    assert noise.shape == (1, 3, 24, 20)
    assert torch.equal(noise, noise_for(restorer, torch.rand(1, 3, 6, 5), seed=3))
