"""docs/papers.md has a row for each thing in the papers, and the recipes are what its rows say."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from leapsr.train import config, recipes
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "papers.md").read_text(encoding="utf-8")
NUMBERS = {  # of equations, tables and figures
    "MFSR": (15, 4, 14),
    "SMFSR": (20, 8, 5),
    "OFTSR": (19, 13, 20),
    "FlowSR": (10, 5, 7),
}
HELD = (
    "steps",
    "batch",
    "at_once",
    "images_at_once",
    "precision",
    "grid",
    "guidance",
    "source",
    "perceptual",
    "negative",
    "adapters",
)
HELD = (*HELD, "optimizer", "data", "method")
OF_NO_PAPER = {
    *(
        f"data.{name}"
        for name in ("on_device", "pool", "pool_crop", "held_out", "workers", "bad", "kept_noise")
    ),
    *("optimizer.kind", "optimizer.kernel_rate", "source.grey"),
}
"""How a machine does it, and what only small networks have."""


def section(name: str) -> str:
    return re.split(r"^## ", PAGE.split(f"\n## {name}")[1], flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def leaves(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping) and values:
        for name, value in values.items():
            yield from leaves(value, f"{path}.{name}" if path else name)
    else:
        yield path, values


def hyper_parameters(recipe: str) -> dict[str, Any]:
    """Those that the table has to hold."""
    found = {}
    for path, value in leaves(recipes.get(recipe).model_dump(mode="json")):
        beside = path.startswith(("method.student.", "method.critic.")) or path in OF_NO_PAPER
        if path.split(".")[0] in HELD and not beside:
            found[path] = value
    return found


@pytest.mark.parametrize("paper", NUMBERS)
def test_every_equation_table_and_figure_has_a_row(paper):
    found = [row[0] for row in rows(section(paper))]
    for kind, count in zip(("Eq.", "Table", "Figure"), NUMBERS[paper], strict=True):
        numbers = [int(m[1]) for name in found if (m := re.match(rf"{kind} (\d+),", name))]
        assert sorted(numbers) == list(range(1, count + 1)), kind


def test_no_row_is_empty():
    every = [row for row in PAGE.splitlines() if row.startswith("| ")]
    assert len(every) > 250
    for row in every:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert all(cells[1:]), row


def test_every_recipe_has_the_values_of_the_table():
    """And the table has those of every recipe: each once."""
    told: dict[str, dict[str, Any]] = {name: {} for name in recipes.FULL_SIZE}
    for field, value, names, _ in rows(section("Hyper-parameters")):
        of = recipes.FULL_SIZE if names == "all" else re.findall(r"`(\w+)`", names)
        for name in of:
            path = field.strip("`")
            assert path not in told[name], (name, path)
            told[name][path] = json.loads(value.strip("`"))
    for name in recipes.FULL_SIZE:
        assert told[name] == hyper_parameters(name), name


def commands() -> list[tuple[str, str, tuple[str, ...]]]:
    found = re.findall(r"`leapsr (train|distill) (\w+)[^`]*`((?: `--set [^`]+`)*)", PAGE)
    found = [(verb, name, tuple(re.findall(r"--set (\S+?)(?=`| |$)", more))) for verb, name, more in found]
    inner = re.findall(r"`leapsr (train|distill) (\w+)((?: --set [^ `]+)+)`", PAGE)
    return sorted({*found, *((verb, name, tuple(more.split(" --set ")[1:])) for verb, name, more in inner)})


@pytest.mark.parametrize(("verb", "name", "settings"), commands(), ids=str)
def test_commands_can_be_given(verb, name, settings, tmp_path):
    needed = {"smfsr_sd35_refine": ["dino"], "flowsr_sd21_consistent": ["clip", "diffusion"]}
    folders = [f"{field}={tmp_path}" for field in needed.get(name, [])]
    settings = [setting.strip("'") for setting in settings]
    run = config.override(recipes.get(name), [*folders, *settings])
    assert run.method.needs_teacher == (verb == "distill")


def test_the_counts_are_the_papers():
    pytest.importorskip("diffusers", reason="needs leapsr[sd]")
    pytest.importorskip("peft", reason="needs leapsr[sd]")
    from benchmarks import paper_counts

    for what, (_, printed, here) in paper_counts.counts().items():
        assert here == printed, what
        assert f"| {what} |" in PAGE


def test_code_that_is_named_exists():
    for name in re.findall(r"`((?:leapsr|tests|benchmarks)/[\w/]+\.py)`", PAGE):
        assert Path(REPOSITORY, name).is_file(), name
