import shutil

import pytest
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.errors import UnknownName, UsageError, WeightsError
from leapsr.hub import catalog


@pytest.fixture
def models(tmp_path, tiny_model, monkeypatch):
    """A folder with one model, `tiny`, in the place of the packaged ones."""
    shutil.copytree(tiny_model, tmp_path / "packaged" / "tiny")
    monkeypatch.setattr(catalog, "PACKAGED", tmp_path / "packaged")
    monkeypatch.delenv(catalog.MODEL_DIR_VARIABLE, raising=False)
    return tmp_path / "packaged"


def test_by_name(models):
    assert catalog.find("tiny") == models / "tiny"
    assert catalog.names() == ["tiny"]
    assert catalog.default_name() == "tiny"


def test_by_folder(models, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere" / "mine"
    shutil.copytree(models / "tiny", elsewhere)
    monkeypatch.chdir(tmp_path / "elsewhere")
    for name in (elsewhere, str(elsewhere), "./mine", "mine"):
        assert catalog.find(name).resolve() == elsewhere


def test_more_folders_of_models(models, tmp_path, monkeypatch):
    shutil.copytree(models / "tiny", tmp_path / "more" / "other")
    with pytest.raises(UnknownName, match="Known: tiny"):
        catalog.find("other")
    assert catalog.find("other", tmp_path / "more") == tmp_path / "more" / "other"
    monkeypatch.setenv(catalog.MODEL_DIR_VARIABLE, str(tmp_path / "more"))
    assert catalog.find("other") == tmp_path / "more" / "other"
    assert catalog.names() == ["other", "tiny"]


def test_the_default_is_preferred(models):
    shutil.copytree(models / "tiny", models / catalog.DEFAULT)
    shutil.copytree(models / "tiny", models / "a")
    assert catalog.default_name() == catalog.DEFAULT


@pytest.mark.parametrize(("factor", "wanted"), [(None, 4), (1.5, 2), (2, 2), (2.01, 4), (4, 4)])
def test_the_default_for_twice_as_large_or_less(models, factor, wanted):
    for name in (catalog.DEFAULT, catalog.DEFAULT_X2):
        shutil.copytree(models / "tiny", models / name)
    assert catalog.default_name(factor=factor) == {2: catalog.DEFAULT_X2, 4: catalog.DEFAULT}[wanted]
    shutil.rmtree(models / catalog.DEFAULT_X2)
    assert catalog.default_name(factor=factor) == catalog.DEFAULT


def test_a_list_with_a_model_that_is_not_whole(models):
    shutil.copytree(models / "tiny", models / "half")
    (models / "half" / catalog.WEIGHTS).unlink()
    result = CliRunner().invoke(app, ["models", "list"])
    assert result.exit_code == 0
    assert "has no model.safetensors" in result.output
    assert str(models / "tiny") in result.output


def test_in_brief(models):
    assert catalog.summary(models / "tiny")[:3] == ("Apache-2.0", "oftsr", 4)
    assert catalog.summary(models / "tiny").size == (models / "tiny" / catalog.WEIGHTS).stat().st_size
    (models / "tiny" / catalog.WEIGHTS).unlink()
    for text in ("{", "[]", '{"network": 3}'):
        (models / "tiny" / catalog.CONFIG).write_text(text)
        assert catalog.summary(models / "tiny") == (None, None, None, 0, None)


def test_no_model_at_all(monkeypatch, tmp_path):
    monkeypatch.setattr(catalog, "PACKAGED", tmp_path / "none")
    monkeypatch.delenv(catalog.MODEL_DIR_VARIABLE, raising=False)
    with pytest.raises(WeightsError, match="No model is installed"):
        catalog.default_name()


def test_a_folder_without_models_is_not_passed_over(models, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="empty holds no model folders"):
        catalog.check_holds_models(tmp_path / "empty")
    assert CliRunner().invoke(app, ["models", "list", "-m", str(tmp_path / "empty")]).exit_code == 0


def test_the_home_of_somebody_unknown(models):
    with pytest.raises(WeightsError, match="no model folder ~nobody-here/m"):
        catalog.find("~nobody-here/m")


@pytest.mark.usefixtures("models")
def test_a_misspelt_name_gets_a_hint():
    with pytest.raises(UnknownName, match=r"Did you mean 'tiny'\?"):
        catalog.find("tinny")


def test_folders_that_are_no_models(models, tmp_path):
    with pytest.raises(WeightsError, match="no model folder"):
        catalog.find(tmp_path / "nowhere")
    with pytest.raises(WeightsError, match=r"has no config\.json"):
        catalog.find(tmp_path)
    (models / "tiny" / catalog.WEIGHTS).unlink()
    with pytest.raises(WeightsError, match=r"has no model\.safetensors"):
        catalog.find("tiny")


def test_verify(models):
    assert catalog.verify("tiny") == [catalog.CONFIG, catalog.WEIGHTS]
    weights = models / "tiny" / catalog.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match="missing or damaged"):
        catalog.verify("tiny")
    (models / "tiny" / catalog.CHECKSUMS).write_text("")
    with pytest.raises(WeightsError, match="does not list"):
        catalog.verify("tiny")
    (models / "tiny" / catalog.CHECKSUMS).unlink()
    with pytest.raises(WeightsError, match="cannot be verified"):
        catalog.verify("tiny")


def test_verifying_all_of_them_goes_on_after_a_bad_one(models):
    for name in ("bad", "own"):
        shutil.copytree(models / "tiny", models / name)
    (models / "bad" / catalog.WEIGHTS).write_bytes(b"")
    (models / "own" / catalog.CHECKSUMS).unlink()
    result = CliRunner().invoke(app, ["models", "verify"])
    assert result.exit_code == 3
    assert "own: no SHA256SUMS" in result.output
    assert "model.safetensors is missing or damaged" in result.output
    assert "tiny: config.json, model.safetensors as recorded" in result.output


@pytest.mark.parametrize("name", catalog.names())
def test_installed_models_are_whole(name):
    assert catalog.WEIGHTS in catalog.verify(name)
    assert (catalog.find(name) / catalog.CARD).is_file()
