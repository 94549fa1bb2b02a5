"""Links between the documents, and files that they name, exist, and so do the commands that they show."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from leapsr.cli.main import app
from leapsr.train.config import override
from leapsr.train.recipes import RECIPES
from tests.conftest import REPOSITORY

PAGES = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("leapsr/models/*/*.md")]


def text(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not link.startswith("https://"):
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_files_that_are_named_exist(page):
    for name in re.findall(
        r"(?:docs|leapsr|tests|benchmarks|examples)/[\w/.-]+\.(?:md|py|png|yaml)", text(page)
    ):
        assert (REPOSITORY / name).exists(), name


def commands(page: Path) -> Iterator[list[str]]:
    """The words behind each `leapsr`, up to a pipe or the end of the command."""
    shown = re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = "\n".join(shown).replace("\\\n", " ")
    for name, value in re.findall(r'^([A-Z]+)="(.*)"$', lines, flags=re.MULTILINE):
        lines = lines.replace(f"${name}", value)
    for line in lines.splitlines():
        words = shlex.split(line, comments=True)
        for i, word in enumerate(words):
            if word == "leapsr" and (i == 0 or words[i - 1] in ("|", "&&", "do", ";", "-m")):
                rest = words[i + 1 :]
                ends = [k for k, other in enumerate(rest) if other in ("|", ">", "&&") or other.endswith(";")]
                yield rest[: min(ends, default=len(rest))]


def test_commands_are_found():
    assert len(list(commands(REPOSITORY / "README.md"))) > 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_commands_have_a_verb_options_and_fields_that_exist(page):
    for words in commands(page):
        verb, rest = get_command(app), list(words)
        while rest and hasattr(verb, "commands") and not rest[0].startswith("-"):
            assert rest[0] in verb.commands, words
            verb = verb.commands[rest.pop(0)]
        known = {name for option in verb.params for name in (*option.opts, *option.secondary_opts)}
        given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert given <= known | {"--install-completion"}, words
        if words[:1] in (["train"], ["distill"]) and "$" not in words[1]:
            override(RECIPES[words[1]](), [words[i + 1] for i, word in enumerate(words) if word == "--set"])
