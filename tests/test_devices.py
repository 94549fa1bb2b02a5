"""Precision follows the machine."""

import pytest
import torch

from leapsr.devices import choose_dtype, has_bfloat16
from leapsr.train import config, recipes

CPU, CARD = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("instruction", ["avx512_bf16", "amx_bf16"])
def test_a_processor_has_bfloat16_by_its_own_instructions(instruction, monkeypatch):
    """An Ice Lake core, which has AVX-512 and no bfloat16, imitates it at a third of the speed of float32."""
    ice_lake = {"avx512_f": True, "avx512_vnni": True, "avx512_bf16": False, "amx_bf16": False}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: ice_lake, raising=False)
    assert not has_bfloat16(CPU)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: ice_lake | {instruction: True}, raising=False)
    assert has_bfloat16(CPU)


def test_a_card_without_bfloat16_restores_in_single_precision(monkeypatch):
    for there in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, there=there: there)
        assert choose_dtype("auto", CARD, torch.bfloat16) == (torch.bfloat16 if there else torch.float32)
        assert choose_dtype("auto", CARD, torch.float16) == torch.float16
    assert choose_dtype("bf16", CPU) == torch.bfloat16  # asked for is asked for


@pytest.mark.parametrize("name", [name for name in recipes.RECIPES if not name.startswith("oftsr_")])
def test_recipes_leave_it_to_the_machine(name):
    assert recipes.get(name).precision == "auto"
    assert config.TrainConfig.model_fields["precision"].default == "auto"
