"""leapsr models convert | list | info | download | verify for published weights, and upscaling with them."""

import builtins
import json
import re
import shlex
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub import errors
from PIL import Image
from typer.main import get_command

from leapsr.cli.main import app
from leapsr.errors import WeightsError
from leapsr.hub import catalog
from leapsr.hub.download import download
from leapsr.hub.published import BASES, CAPTIONERS, PUBLISHED, downloadable
from leapsr.hub.releases import RELEASES
from leapsr.hub.repositories import SD35, Repository
from tests.conftest import REPOSITORY, picture_array
from tests.hub.conftest import make_mmdit_folder, models, tiny  # noqa: F401

DIT4SR = PUBLISHED["dit4sr_q"].repository


class Hub:
    """Stands where huggingface_hub's client would speak to the hub: files of repositories, or no answer."""

    def __init__(self):
        self.files = {"acceptee/DiT4SR": ["dit4sr_q/transformer/config.json", "dit4sr_f/x", "README.md"]}
        self.calls = []
        self.failure = None

    def model_info(self, name):
        if self.failure is not None:
            raise self.failure
        return SimpleNamespace(sha="c0ffee")

    def snapshot_download(self, name, *, revision, local_dir, allow_patterns, ignore_patterns):
        self.calls.append((name, revision))
        chosen = huggingface_hub.utils.filter_repo_objects(
            self.files.get(name, []), allow_patterns=allow_patterns, ignore_patterns=ignore_patterns
        )
        for file in chosen:
            (local_dir / file).parent.mkdir(parents=True, exist_ok=True)
            (local_dir / file).write_text("{}")


@pytest.fixture
def hub(monkeypatch):
    hub = Hub()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    return hub


def http_error(kind, status):
    """As the library itself raises it; its client has one name or another."""
    client = builtins.__import__(errors.HfHubHTTPError.__bases__[0].__module__.partition(".")[0])
    request = client.Request("GET", "https://hub.invalid")
    return kind(f"{status} Client Error.", response=client.Response(status, request=request))


def test_download_takes_what_is_needed_and_says_what_comes_next(leapsr, hub, tmp_path):
    code, out, err = leapsr("models", "download", "dit4sr_q", "--accept-licence")
    assert code == 0
    assert hub.calls == [("acceptee/DiT4SR", "c0ffee")]
    assert [path.name for path in (tmp_path / "published" / "dit4sr_q").iterdir()] == ["dit4sr_q"]
    assert out == "published/dit4sr_q\n"
    assert "Pi-Lab License 1.0 (non-commercial)" in err.splitlines()[0]
    assert DIT4SR.page in err.splitlines()[0]
    assert "leapsr models download sd35" in err
    assert "leapsr models convert dit4sr_q published/dit4sr_q -o models/dit4sr_q --base published/sd35" in err


def test_a_licence_is_asked_for(leapsr, hub, monkeypatch):
    code, _, err = leapsr("models", "download", "dit4sr_q")
    assert (code, hub.calls) == (2, [])
    assert "--accept-licence" in err
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True, readline=lambda: ""))
    monkeypatch.setattr("typer.confirm", lambda question, err: False)
    code, _, err = leapsr("models", "download", "dit4sr_q", "--to", "there")
    assert (code, hub.calls) == (2, [])
    assert "not accepted" in err
    monkeypatch.setattr("typer.confirm", lambda question, err: True)
    assert leapsr("models", "download", "dit4sr_q", "--to", "there")[0] == 0


def test_a_free_licence_is_not_asked_for(leapsr, hub):
    assert leapsr("models", "download", "qwen2_vl", "--to", "there")[0] == 0
    assert hub.calls == [("Qwen/Qwen2-VL-7B-Instruct", "c0ffee")]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (errors.OfflineModeIsEnabled("offline mode is enabled"), "offline mode is enabled"),
        (lambda: http_error(errors.GatedRepoError, 403), "accept it on"),
        (lambda: http_error(errors.RepositoryNotFoundError, 404), "There is no acceptee/DiT4SR"),
        (lambda: http_error(errors.HfHubHTTPError, 503), "503"),
        (OSError(28, "No space left on device"), "No space left"),
    ],
)
def test_what_cannot_be_had_is_3_with_the_command(failure, said, leapsr, hub):
    hub.failure = failure() if callable(failure) else failure
    code, _, err = leapsr("models", "download", "dit4sr_q", "--accept-licence", "--to", "there")
    assert code == 3
    assert said in err
    assert "hf download acceptee/DiT4SR --local-dir there --include 'dit4sr_q/*'" in err
    assert hub.calls == []


def test_a_connection_that_fails(hub, tmp_path):
    """What is in the folder already is no answer of the hub's."""
    client = builtins.__import__(errors.HfHubHTTPError.__bases__[0].__module__.partition(".")[0])
    hub.failure = client.ConnectError("[Errno 111] Connection refused")
    (tmp_path / "dit4sr_q").mkdir()
    with pytest.raises(WeightsError, match="Connection refused"):
        download(DIT4SR, tmp_path, "dit4sr_q")


def test_files_that_were_moved_are_said(leapsr, hub):
    hub.files["acceptee/DiT4SR"] = ["elsewhere/config.json"]
    code, _, err = leapsr("models", "download", "dit4sr_q", "--accept-licence")
    assert code == 3
    assert "has no dit4sr_q any more" in err


def test_what_is_not_on_the_hub(leapsr, hub):
    assert "releases of zsyOAOA/ResShift" in leapsr("models", "download", "resshift")[2]
    assert "Known: dit4sr_f" in leapsr("models", "download", "leap-small")[2]


def test_commands_are_whole():
    command = shlex.split(SD35.command("a b"))
    assert command[:5] == ["hf", "download", "stabilityai/stable-diffusion-3.5-medium", "--local-dir", "a b"]
    assert "text_encoders/*" in command
    assert "hf auth login" in SD35.download("there")
    assert "hf auth login" not in Repository("a/b", "MIT License").download("there")


def test_every_name_is_listed_with_its_licence(leapsr):
    code, out, _ = leapsr("models", "list", "--published")
    assert code == 0
    for name in (*RELEASES, *PUBLISHED, *BASES, *CAPTIONERS):
        assert f"\n{name}  " in out
    assert out.count("licence: ") == len({*RELEASES, *PUBLISHED, *BASES, *CAPTIONERS})
    assert downloadable().keys() == {*PUBLISHED, *BASES, *CAPTIONERS} - {"resshift", "resshift_journal"}
    assert "published weights" not in leapsr("models", "list")[1]


def test_the_documentation_names_them_all_with_their_licences():
    text = (REPOSITORY / "docs" / "models.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    found = {name: row[3] for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert found == {name: known.licence for name, known in PUBLISHED.items()}


def test_the_commands_of_the_documentation_exist():
    text = (REPOSITORY / "docs" / "models.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    commands = [words for words in lines if words[:1] == ["leapsr"]]
    assert len(commands) > 5
    for words in commands:
        verb = get_command(app).commands[words[1]]
        verb = verb.commands[words[2]] if words[1] == "models" else verb
        known = {name for parameter in verb.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words[2:] if word.startswith("-")} <= known


def test_from_published_weights_to_a_picture(leapsr, tiny, tmp_path):  # noqa: F811
    """The folder as it was downloaded, converted, looked at, verified, used."""
    make_mmdit_folder(tmp_path / "down" / "smfsr_q", "smfsr")
    base = tiny("sd35")
    code, out, err = leapsr(
        "models", "convert", "smfsr_q", "down", "--base", base, "-o", "smfsr", "--device", "cpu"
    )
    assert (code, out) == (0, "smfsr\n")
    assert "leapsr upscale photo.jpg -n smfsr" in err
    assert {path.name for path in (tmp_path / "smfsr").iterdir()} == {
        catalog.CONFIG,
        catalog.WEIGHTS,
        catalog.CARD,
        catalog.PROMPTS,
        catalog.CHECKSUMS,
    }

    code, out, _ = leapsr("models", "info", "./smfsr")
    assert out.startswith("licence of the weights: Apache-2.0 as its authors say, on top of the Stability AI")

    assert "prompts.safetensors" in leapsr("models", "verify", "./smfsr")[1]
    prompts = tmp_path / "smfsr" / catalog.PROMPTS
    kept = prompts.read_bytes()
    prompts.write_bytes(kept[:-1])
    assert leapsr("models", "verify", "./smfsr")[0] == 3
    prompts.write_bytes(kept)

    Image.fromarray(picture_array(9, 14)).save("photo.png", dpi=(300, 300))
    code, _, err = leapsr("upscale", "photo.png", "-n", "./smfsr", "--caption", "A cat.", "--offload", "-v")
    assert code == 0, err
    assert err.count("licence of its weights is Apache-2.0 as its authors say") == 1
    with Image.open("photo_x4.png") as result:
        assert result.size == (56, 36)
        assert result.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert "licence" not in leapsr("upscale", "photo.png", "-n", "./smfsr", "--overwrite")[2]


def test_a_teacher_through_the_command_line(leapsr, models):  # noqa: F811
    Image.fromarray(picture_array(8, 8)).save("photo.png")
    options = ("upscale", "photo.png", "-n", models("dit4sr_q"), "--guidance", 2, "--dry-run", "--json")
    code, out, err = leapsr(*options)
    assert code == 0
    assert "made for --steps 20 or 40" in err
    assert json.loads(out)["settings"]["guidance"] == 2
    own = json.loads(leapsr(*options[:4], "--dry-run", "--json")[1])["settings"]
    assert (own["fidelity"], own["guidance"]) == (0, 8)  # what is used where nothing is asked for
    assert json.loads(out)["settings"]["tile"] == "auto"  # with latents, another one is another result
    assert "teacher" not in leapsr(*options, "--steps", 20)[2]


def test_what_convert_lacks_is_3_with_the_command(leapsr, tmp_path):
    code, _, err = leapsr("models", "convert", "dit4sr_q", "nowhere", "-o", "out")
    assert code == 3
    assert "hf download acceptee/DiT4SR --local-dir nowhere" in err
    make_mmdit_folder(tmp_path / "down", "dit4sr")
    code, _, err = leapsr("models", "convert", "dit4sr_q", "down", "-o", "out")
    assert code == 3
    assert "hf download stabilityai/stable-diffusion-3.5-medium --local-dir sd35" in err
    assert "--base sd35" in err
    (tmp_path / "empty").mkdir()
    code, _, err = leapsr("models", "convert", "dit4sr_q", "down", "--base", "empty", "-o", "out")
    assert code == 3
    assert "hf download" in err
