"""The ComfyUI node keeps the contract of ComfyUI's V3 schema; a stand-in plays its API here."""

import asyncio
import importlib.util
import inspect
import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

pytest.importorskip("spandrel", reason="needs spandrel: pip install 'leapsr[zoo]'")

import leapsr
from tests.conftest import REPOSITORY, picture_array


class Kind:
    def __init__(self, name: str | None = None, **options: Any) -> None:
        self.id, self.options = name, options


@dataclass
class Schema:
    """The fields of ComfyUI's Schema that a node may set; others are errors there, too."""

    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list[Kind] = field(default_factory=list)
    outputs: list[Kind] = field(default_factory=list)
    hidden: list[Any] = field(default_factory=list)
    description: str = ""
    is_output_node: bool = False
    not_idempotent: bool = False


class NodeOutput:
    def __init__(self, *args: Any) -> None:
        self.args = args


@pytest.fixture
def nodes(monkeypatch):
    kind = SimpleNamespace(Input=Kind, Output=Kind)
    names = {"ComfyNode": type("ComfyNode", (), {}), "Schema": Schema, "NodeOutput": NodeOutput}
    io = SimpleNamespace(Image=kind, Combo=kind, Float=kind, Int=kind, **names)
    latest, utils = ModuleType("comfy_api.latest"), ModuleType("comfy.utils")
    latest.io, latest.ComfyExtension = io, type("ComfyExtension", (), {})  # type: ignore[attr-defined]
    bars: list[list[tuple[int, int]]] = []

    class ProgressBar:
        def __init__(self, total: int) -> None:
            bars.append([])

        def update_absolute(self, value: int, total: int) -> None:
            bars[-1].append((value, total))

    utils.ProgressBar = ProgressBar  # type: ignore[attr-defined]
    comfy = ModuleType("comfy")
    comfy.utils = utils  # type: ignore[attr-defined]
    for name, module in {
        "comfy": comfy,
        "comfy.utils": utils,
        "comfy_api": ModuleType("comfy_api"),
        "comfy_api.latest": latest,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    path = REPOSITORY / "integrations" / "comfyui" / "__init__.py"
    spec = importlib.util.spec_from_file_location("leapsr_nodes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.bars = bars  # type: ignore[attr-defined]
    return module


def test_the_node_keeps_the_contract(nodes):
    extension = asyncio.run(nodes.comfy_entrypoint())
    (node,) = asyncio.run(extension.get_node_list())
    schema = node.define_schema()
    ids = [each.id for each in schema.inputs]
    assert len(set(ids)) == len(ids)
    parameters = inspect.signature(node.execute).parameters
    assert list(parameters) == ids
    asked = {each.id: each.options["default"] for each in schema.inputs if "default" in each.options}
    assert asked["model"] in next(each for each in schema.inputs if each.id == "model").options["options"]
    image = torch.from_numpy(picture_array(20, 30)).float() / 255
    both = torch.stack([image, image.flip(1)])
    answer = node.execute(both, **asked | {"fidelity": 1.0})
    (larger,) = answer.args
    assert len(answer.args) == len(schema.outputs)
    assert larger.shape == (2, 80, 120, 3)
    assert 0 <= larger.min() <= larger.max() <= 1
    expected = leapsr.upscale(image.permute(2, 0, 1), fidelity=1.0).permute(1, 2, 0)
    torch.testing.assert_close(larger[0], expected)
    assert nodes.bars[-1][-1] == (2, 2)
    assert asked["fidelity"] == leapsr.Upscaler.from_pretrained(asked["model"]).restorer.default_fidelity


@pytest.mark.parametrize("name", leapsr.Upscaler.models())
def test_the_node_works_with_every_model_of_its_menu(nodes, name):
    node = nodes.LeapsrUpscale
    asked = {
        each.id: each.options["default"] for each in node.define_schema().inputs if "default" in each.options
    }
    (larger,) = node.execute(torch.rand(1, 8, 9, 3), **asked | {"model": name}).args
    scale = leapsr.Upscaler.from_pretrained(name).scale
    assert larger.shape == (1, 8 * scale, 9 * scale, 3)


def test_the_node_lets_comfyui_open_exported_files(nodes):
    import spandrel

    assert "leapsr" in spandrel.MAIN_REGISTRY
