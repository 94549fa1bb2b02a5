"""docs/full-size.md tells of every recipe, with commands that exist and figures that are printed again."""

import re
import shlex

import pytest
from typer.main import get_command

from leapsr.cli.main import app
from leapsr.train import recipes
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "full-size.md").read_text(encoding="utf-8")


def commands():
    joined = PAGE.replace("\\\n", " ")
    blocks = re.findall(r"```\n(.*?)```", joined, flags=re.DOTALL)
    inline = re.findall(r"`(leapsr [^`]+)`", joined)
    lines = [line for block in blocks for line in block.splitlines()] + inline
    found = (re.search(r"leapsr (?!models)\S+ .*", line) for line in lines)
    return [shlex.split(match[0], comments=True) for match in found if match]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_have_a_verb_and_options_that_exist(words):
    verb = get_command(app).commands[words[1]]
    known = {option for parameter in verb.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words[2:] if word.startswith("-")} <= known


@pytest.mark.parametrize("name", recipes.FULL_SIZE)
def test_every_recipe_is_told_of(name):
    needs, sizes = PAGE.split("## Sizes")
    assert f"`{name}`" in needs
    assert f"\n| {name} |" in sizes


def test_the_table_is_the_one_that_is_printed():
    pytest.importorskip("diffusers", reason="needs leapsr[sd]")
    from benchmarks import sizes

    assert sizes.row("oftsr_resshift") in PAGE.splitlines()
