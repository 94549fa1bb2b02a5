"""What the README shows runs as it is written."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image
from typer.main import get_command

from leapsr.cli.main import app
from tests.conftest import REPOSITORY, picture_array

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[list[str]]:
    lines = (shlex.split(line, comments=True) for block in blocks("bash") for line in block.splitlines())
    return [words for words in lines if words[:1] == ["leapsr"]]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "holiday" / "beach").mkdir(parents=True)
    for name in ("photo.jpg", "holiday/a.png", "holiday/beach/b.jpg"):
        Image.fromarray(picture_array(24, 32)).save(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("code", blocks("python"))
def test_python(code, workplace):
    exec(compile(code, "README.md", "exec"), {})
    with Image.open(workplace / "photo_x4.png") as result:
        assert result.size == (128, 96)
    assert len(list(workplace.glob("photo_*.png"))) == 4


@pytest.mark.parametrize(
    "words",
    [w for w in commands() if w[1] == "upscale" and not {"-n", "--dry-run"} & {*w}],
    ids=" ".join,
)
def test_upscale_commands(words, workplace):
    before = {*workplace.rglob("*")}
    get_command(app).main(words[1:], standalone_mode=False)
    made = {*workplace.rglob("*")} - before
    assert any(file.suffix in (".jpg", ".png") for file in made)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_a_verb_and_options_that_exist(words):
    group = get_command(app)
    verb = group.commands[words[1]]
    known = {option for parameter in verb.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words[2:] if word.startswith("-")} <= known


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_inside_the_project_lead_somewhere(link):
    assert link.startswith("https://") or (REPOSITORY / link).exists()
