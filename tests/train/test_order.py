"""The order of the modules in the package's docstring is the order of their imports."""

import re

import pytest

import leapsr.train
from tests.test_layers import ROOT, modules_named

ORDER = re.findall(r"^    (\w+)  ", leapsr.train.__doc__ or "", flags=re.MULTILINE)
FILES = [file for file in sorted((ROOT / "train").rglob("*.py")) if file != ROOT / "train" / "__init__.py"]


def test_the_order_names_every_module():
    assert sorted(ORDER) == sorted(
        {file.relative_to(ROOT / "train").parts[0].removesuffix(".py") for file in FILES}
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_imports_only_those_above_it(file):
    module = file.relative_to(ROOT / "train").parts[0].removesuffix(".py")
    below = {f"leapsr.train.{name}" for name in ORDER[ORDER.index(module) + 1 :]}
    assert not below & modules_named(file)
