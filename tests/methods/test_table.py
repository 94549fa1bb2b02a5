"""The table of the methods: what each needs, whom it trains, and what a refinement takes from its student."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from leapsr import methods
from leapsr.errors import ConfigError, UnknownName
from leapsr.methods import (
    DialConfig,
    FlowsrConfig,
    MfsrConfig,
    Networks,
    OftsrConfig,
    RefineConfig,
    RefinementConfig,
    SmfsrConfig,
    TeacherConfig,
)
from leapsr.methods.flowsr import quality_alignment
from leapsr.networks import PRESETS, Condition, UNet
from tests.passport import Officer, batch

CONFIGS = {
    "teacher": TeacherConfig(),
    "oftsr": OftsrConfig(),
    "mfsr": MfsrConfig(),
    "smfsr": SmfsrConfig(),
    "flowsr": FlowsrConfig(),
    "dial": DialConfig(),
}


def test_a_model_is_of_one_of_the_methods_and_never_a_refinement():
    assert set(methods.METHODS) == set(CONFIGS)
    for name, config in CONFIGS.items():
        assert config.kind == name
        assert isinstance(methods.entry(name).config.region, methods.Region)
    for name in ("refine", "oftrs"):
        with pytest.raises(UnknownName, match="oftsr"):
            methods.entry(name)


@pytest.mark.parametrize("config", [*CONFIGS.values(), RefinementConfig(student=OftsrConfig())])
def test_configs_are_frozen_and_strict(config):
    with pytest.raises(ValidationError):
        type(config).model_validate({**config.model_dump(), "colour": 1})
    with pytest.raises(ValidationError):
        config.kind = "other"
    assert type(config).model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("config", "needs_teacher", "guided"),
    [
        (TeacherConfig(), False, False),
        (OftsrConfig(), True, False),
        (MfsrConfig(), True, True),
        (MfsrConfig(guidance=1), True, False),
        (MfsrConfig(velocity="meanflow_cfg"), False, True),
        (MfsrConfig(velocity="data"), False, False),
        (SmfsrConfig(), True, False),
        (SmfsrConfig(guidance=2), True, True),
        (FlowsrConfig(), True, False),
        (FlowsrConfig(flow_share=1), False, False),
        (DialConfig(perceptual=0, structure=0), False, False),
        (RefinementConfig(student=DialConfig(perceptual=0, structure=0)), True, False),
        (RefinementConfig(student=DialConfig(perceptual=0, structure=0), score=0), False, False),
        (RefineConfig(), True, False),
        (RefineConfig(score=0), False, False),
        (RefinementConfig(student=SmfsrConfig(guidance=2)), True, True),
        (RefinementConfig(student=MfsrConfig(velocity="data")), True, False),
        (RefinementConfig(student=MfsrConfig(velocity="data"), score=0), False, False),
        (RefinementConfig(student=MfsrConfig(velocity="meanflow_cfg"), score=0), False, True),
        (RefinementConfig(student=SmfsrConfig(guidance=2), score=0), True, True),
        (RefinementConfig(student=SmfsrConfig(guidance=2), score=0, distillation=0), False, False),
    ],
)
def test_what_a_method_needs(config, needs_teacher, guided):
    """A refinement that asks no teacher anything can be had without one, and any other cannot."""
    assert (config.needs_teacher, config.guided) == (needs_teacher, guided)
    assert config.needs_teacher == needs_teacher
    if isinstance(config, RefineConfig) and not isinstance(config, RefinementConfig):
        return
    auxiliary = {"score": Officer(), "critic": lambda picture, lr: picture.mean((1, 2, 3))}
    student = Officer()
    alone = Networks(student, student, None, Officer(), auxiliary, auxiliary)
    if needs_teacher:
        with pytest.raises(ConfigError, match="--teacher"):
            methods.build(config, alone)
    else:
        assert next(methods.build(config, alone)(batch()))[0] == "student"


def test_what_a_refinement_refines_stays_of_its_students_method():
    student = SmfsrConfig(guidance=2)
    assert RefinementConfig(student=student).student_method is student
    assert student.student_method is student


@pytest.mark.parametrize(
    ("config", "alone", "taught"),
    [
        *((CONFIGS[name], set(), set()) for name in ("teacher", "oftsr", "mfsr", "smfsr")),
        (FlowsrConfig(), set(), {"critic"}),
        (FlowsrConfig(adversarial=0), set(), set()),
        (RefinementConfig(student=OftsrConfig()), {"critic"}, {"critic", "score"}),
        (RefinementConfig(student=FlowsrConfig(), adversarial=0), set(), {"score"}),
        (RefinementConfig(student=OftsrConfig(), score=0), {"critic"}, {"critic"}),
    ],
)
def test_who_trains_beside_the_student(config, alone, taught):
    teacher = UNet(PRESETS["tiny"]).requires_grad_(False)
    assert set(config.auxiliary_networks(None)) == alone
    found = config.auxiliary_networks(teacher)
    assert set(found) == taught
    for network in found.values():
        assert network is not teacher
        assert all(weight.requires_grad for weight in network.parameters())
    if "score" in found:
        torch.testing.assert_close(found["score"].state_dict(), teacher.state_dict())


@pytest.mark.parametrize("critic_input", ["pixels", "dino"])
def test_only_the_critic_that_was_asked_for_looks_through_dino(critic_input):
    """A run has DINOv3's maps wherever it is given their folder."""
    maps = object()
    config = RefinementConfig(student=OftsrConfig(), critic_input=critic_input)
    beside = dict.fromkeys(("score", "critic"), Officer())
    known = Networks(Officer(), Officer(), Officer(), None, beside, beside, critic_features=maps)
    assert methods.build(config, known).features is (maps if critic_input == "dino" else None)


def test_flowsrs_critic_has_the_heads_that_were_asked_for():
    teacher = UNet(PRESETS["tiny"])
    x, t, cond = torch.randn(2, 3, 16, 16), torch.ones(2), Condition(torch.randn(2, 3, 4, 4))
    for heads in ("group", "spectral"):
        critic = FlowsrConfig(heads=heads).auxiliary_networks(teacher)["critic"]
        normalised = any(isinstance(part, torch.nn.GroupNorm) for part in critic.modules())
        assert normalised == (heads == "group")
        assert len(critic(teacher.features(x, t, t, cond))) == len(teacher.feature_channels)


def test_alignment_reaches_flowsr():
    """From the networks that a run has, if one of them looks at the likeness of pictures and captions."""
    seen = []

    def cosines(images: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        found = images.mean((1, 2, 3)), images.amax((1, 2, 3))
        seen.append(quality_alignment(*found).mean().item())
        return found

    def losses(alignment) -> dict[str, Tensor]:
        networks = Networks(Officer(), Officer(), Officer(), Officer(), alignment=alignment)
        captioned = replace(batch(), quality=torch.zeros(len(batch().image), 2, 1))
        [(_, values)] = methods.build(FlowsrConfig(alignment=0.25), networks)(captioned)
        return values

    assert losses(cosines)["alignment"].item() == pytest.approx(0.25 * seen[0])
    assert "alignment" not in losses(None)
