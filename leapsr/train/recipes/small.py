"""Runs on a CPU: `*_tiny` for tests and a first look, `*_small` and `*_medium` for the packaged models."""

from typing import Any

from ...flow import Source
from ...methods import (
    DialConfig,
    FlowsrConfig,
    MethodConfig,
    MfsrConfig,
    OftsrConfig,
    RefinementConfig,
    SmfsrConfig,
    TeacherConfig,
)
from ...networks import PRESETS
from ...networks.pixel import critic
from ..config import DataConfig, OptimizerConfig, TrainConfig

LABELS = {"quality": True, "damage": True, "measures": 7}
SMALL = PRESETS["small"].model_copy(update=LABELS)
MEDIUM = PRESETS["medium"].model_copy(update=LABELS)
NOISY_LR = Source(kind="noisy_lr", sigma=0.1, grey=True)
PHOTOS = DataConfig(crop=128, degradation="photo", pool=12_000, pool_crop=256)
MUON = OptimizerConfig(
    kind="muon",
    learning_rate=1e-3,
    kernel_rate=0.02,
    weight_decay=0.02,
    warmup=100,
    decay="linear",
    ema=0.999,
)
HALF_MUON = MUON.model_copy(update={"learning_rate": 5e-4, "kernel_rate": 0.01})


def _tiny(name: str, method: MethodConfig) -> TrainConfig:
    """Fifty steps of the tiny network."""
    return TrainConfig(
        recipe=name,
        steps=50,
        batch=4,
        network=PRESETS["tiny"],
        method=method,
        data=DataConfig(crop=64, degradation="bicubic", held_out=1),
        optimizer=OptimizerConfig(learning_rate=2e-3, warmup=10, ema=0.9),
        log_every=10,
        validate_every=25,
    )


def teacher_tiny() -> TrainConfig:
    """A teacher in seconds on a CPU, for tests and a first look."""
    return _tiny("teacher_tiny", TeacherConfig())


def oftsr_tiny() -> TrainConfig:
    """teacher_tiny distilled by OFTSR, in seconds."""
    return _tiny("oftsr_tiny", OftsrConfig())


def mfsr_tiny() -> TrainConfig:
    """teacher_tiny distilled by MFSR, in seconds."""
    return _tiny("mfsr_tiny", MfsrConfig(velocity="null", guidance=1))


def smfsr_tiny() -> TrainConfig:
    """teacher_tiny distilled by SMFSR, in seconds."""
    return _tiny("smfsr_tiny", SmfsrConfig())


def flowsr_tiny() -> TrainConfig:
    """teacher_tiny distilled by FlowSR, in seconds."""
    return _tiny("flowsr_tiny", FlowsrConfig(critic="teacher", alignment=0))


def dial_tiny() -> TrainConfig:
    """The dial from photos alone, in seconds; without LPIPS, whose file not every computer has."""
    return _tiny("dial_tiny", DialConfig(perceptual=0))


def refine_tiny() -> TrainConfig:
    """A refinement of oftsr_tiny, in seconds."""
    return _tiny("refine_tiny", RefinementConfig(student=OftsrConfig(), critic=critic.PRESETS["tiny"]))


def teacher_small() -> TrainConfig:
    """The teacher of the packaged models; a quiet CPU core takes 20,000 steps an hour.

    docs/lab says what each of these brought: L1, late times, half of the batch at t = 1, one noise for all
    channels, and Muon.
    """
    return TrainConfig(
        recipe="teacher_small",
        steps=40_000,
        batch=16,
        compile=True,
        network=SMALL,
        source=NOISY_LR,
        method=TeacherConfig(norm="l1", times="late", at_source=0.5),
        data=PHOTOS.model_copy(update={"bad": 0.05, "unlabelled": 0.1}),
        optimizer=MUON,
    )


def _student(name: str, method: MethodConfig, **fields: Any) -> TrainConfig:
    """On teacher_small's network, source and photos; every sample asks for a good image."""
    common = {
        "steps": 20_000,
        "batch": 16,
        "compile": True,
        "network": SMALL,
        "source": NOISY_LR,
        "data": PHOTOS,
        "optimizer": HALF_MUON,
    }
    return TrainConfig(**{"recipe": name, "method": method} | common | fields)


OFTSR = OftsrConfig(norm="l1", align=0, boundary=1.0, boundary_share=0.5, boundary_target="data")
MFSR = MfsrConfig(norm="l1", times="uniform", guidance=1.5, derivative="step", dt=0.05)
SMFSR = SmfsrConfig(norm="l1", times="uniform")
FLOWSR = FlowsrConfig(norm="l1", critic="teacher", alignment=0)


def oftsr_small() -> TrainConfig:
    """leap-small-oftsr: teacher_small distilled to one step by OFTSR.

    The alignment loss is off: it improves LPIPS by a thousandth in the paper (Tab. 8) and costs a third
    of the step. The boundary loss learns from the photos, so the faithful end of the dial goes on improving.
    """
    return _student("oftsr_small", OFTSR)


def mfsr_small() -> TrainConfig:
    """leap-small-mfsr: teacher_small distilled by MFSR.

    Uniform times show t = 1 more often. A finite step replaces the derivative: near t = 0 the teacher is
    steep and the derivative's peaks make this network diverge.
    """
    return _student("mfsr_small", MFSR)


def smfsr_small() -> TrainConfig:
    """leap-small-smfsr: teacher_small distilled by SMFSR. Uniform times show t = 1 more often."""
    return _student("smfsr_small", SMFSR, grid="cosine")


def flowsr_small() -> TrainConfig:
    """leap-small-flowsr: teacher_small distilled by FlowSR."""
    return _student("flowsr_small", FLOWSR, perceptual="squeeze")


def dial_small() -> TrainConfig:
    """leap-small: the dial from photos alone (`leapsr train`); best --from a model that knows fidelity 1."""
    return _student("dial_small", DialConfig(), perceptual="squeeze")


def dial_medium() -> TrainConfig:
    """leap-medium: dial_small with twice the blocks; --from a small model, it begins as that one."""
    return _student("dial_medium", DialConfig(), perceptual="squeeze", network=MEDIUM)


def refine_small() -> TrainConfig:
    """leap-small-refined: SMFSR's second stage for a small student; --set method.student.kind=... for others.

    AdamW at a low rate: Muon's steps are as long for a noisy gradient as for a sure one, and from a rate of
    0.001 on, the critic and the student diverge within 200 steps.
    """
    return _student(
        "refine_small",
        RefinementConfig(student=OFTSR, omega="inverse", critic=critic.PRESETS["small"]),
        steps=5_000,
        perceptual="squeeze",
        optimizer=HALF_MUON.model_copy(
            update={
                "kind": "adamw",
                "learning_rate": 5e-5,
                "warmup": 50,
                "rate_factors": {"score": 2.0, "critic": 4.0},
            }
        ),
    )
