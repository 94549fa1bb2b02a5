"""A network and a method from outside the package, by the very code of docs/extending.md."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from leapsr import methods, plugins
from leapsr.errors import ConfigError, UnknownName, WeightsError
from leapsr.networks import Condition, registry
from leapsr.restorer import Restorer
from leapsr.train import config as configs
from leapsr.train.api import train_model
from tests.conftest import picture_array

PAGE = Path(__file__).parent.parent / "docs" / "extending.md"
MODULES = ("plain", "edges")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The page's code as modules that can be imported, and some photos; nothing is left behind."""
    for name, code in re.findall(r"```python\n# (\w+)\.py\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        (tmp_path / f"{name}.py").write_text(code)
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        Image.fromarray(picture_array(40, 48, seed)).save(tmp_path / "photos" / f"{seed}.png")
    Image.fromarray(picture_array(20, 24)).save(tmp_path / "small.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    registry.NETWORKS.pop("plain", None)
    methods.METHODS.pop("edges", None)
    plugins.load_plugins.cache_clear()
    for name in MODULES:
        sys.modules.pop(name, None)


def test_they_train_are_saved_and_restore(package):
    made = runpy.run_path("use.py")
    folder = made["model"]
    with Image.open("large.png") as large:
        assert large.size == (96, 80)
    restorer = Restorer.from_pretrained(folder)
    assert restorer.config.network == made["config"].network
    assert (restorer.config.method, restorer.most_faithful, restorer.halo()) == ("edges", 1.0, 6)
    restorer.save_pretrained(package / "again", torch.float32)
    again = Restorer.from_pretrained(package / "again").network.state_dict()
    torch.testing.assert_close(again, restorer.network.state_dict())
    quick = {"steps": 2, "optimizer.warmup": 0, "optimizer.ema": 0}
    model = train_model(made["config"], "photos", "next", start_from=folder, options=quick, cpu=True)
    further = Restorer.from_pretrained(model).network.state_dict()
    assert all((value - again[name]).abs().max() < 0.01 for name, value in further.items())
    assert any(not torch.equal(value, again[name]) for name, value in further.items())
    for kinds, row in ((registry.NETWORKS, "plain"), (methods.METHODS, "edges")):
        saved = kinds.pop(row)
        with pytest.raises(WeightsError, match=f"There is no (network|method) '{row}'.*Known: .*"):
            Restorer.from_pretrained(folder)
        kinds[row] = saved


def test_a_student_begins_as_its_teacher(package):
    module = __import__("plain")
    teacher = registry.build(module.PlainConfig())
    student = registry.init_from(teacher.config, teacher)
    student.reset_interval_embedding()
    x, t, r = torch.randn(2, 3, 8, 8), torch.tensor([0.9, 0.4]), torch.tensor([0.2, 0.0])
    cond = Condition(torch.randn(2, 3, 4, 4))
    torch.testing.assert_close(student(x, t, t, cond), teacher(x, t, t, cond))
    torch.testing.assert_close(student(x, t, r, cond), teacher(x, t, t, cond))
    assert not torch.allclose(teacher(x, t, r, cond), teacher(x, t, t, cond))


def test_an_unknown_kind_is_refused_with_the_known_ones(package):
    __import__("plain")
    __import__("edges")
    values = {"recipe": "r", "steps": 1, "method": {"kind": "edges"}, "network": {"kind": "plain"}}
    config = configs.validate(values)
    assert (config.network.width, config.method.weight) == (16, 0.5)
    for field, wrong, near in (("network", "plian", "plain"), ("method", "edge", "edges")):
        message = rf"{field}: There is no {field} '{wrong}'. Did you mean '{near}'\? Known: .*, {near}"
        with pytest.raises(ConfigError, match=message):
            configs.validate(values | {field: {"kind": wrong}})
    for field, option in (("network", "widht"), ("method", "wieght")):
        with pytest.raises(ConfigError, match=rf"{field}\.{option}: there is no such field"):
            configs.validate(values | {field: {**values[field], option: 1}})
    with pytest.raises(ConfigError, match="adapters=null"):
        configs.validate(values | {"adapters": {}})
    with pytest.raises(ConfigError, match=r"data\.crop = 32 is too small: LPIPS with alex"):
        configs.validate(values | {"perceptual": "alex", "data": {"crop": 32}})
    with pytest.raises(UnknownName, match="Known: dial, edges"):
        methods.entry("edge")


def test_a_kind_that_is_there_already_is_refused(package):
    module = __import__("plain")
    registry.register(module.PlainConfig, module.Plain)  # the same again is no other
    other = type("Other", (module.PlainConfig,), {"__module__": __name__})
    with pytest.raises(ValueError, match="'plain' is already PlainConfig"):
        registry.register(other, module.Plain)
    with pytest.raises(ValueError, match="a method 'refine' already"):
        methods.register(methods.RefinementConfig, methods.Refine)


def test_an_installed_package_is_imported_when_its_kind_is_named(package):
    [points] = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    folder = package / "mine-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    lines = points.replace("[project.entry-points.leapsr]", "[leapsr]").replace('"', "")
    (folder / "entry_points.txt").write_text(lines)
    plugins.load_plugins.cache_clear()
    assert methods.entry("edges").config.__name__ == "EdgesConfig"
    config = configs.validate(
        {"recipe": "r", "steps": 1, "method": {"kind": "edges"}, "network": {"kind": "plain"}}
    )
    assert type(registry.build(config.network)).__name__ == "Plain"
