"""Runs for a quarter of an hour of a large GPU: a network of 7M parameters, everything on the device.

The rates fall with the clock, since the speed of the machine is not known: a longer run needs more `minutes`
and nothing else. 32 images share their random sizes, so that a batch has about five sizes.
"""

from typing import Any

from ...methods import DialConfig, MethodConfig, RefinementConfig, TeacherConfig
from ...networks import PRESETS
from ..config import DataConfig, OptimizerConfig, TrainConfig
from .small import FLOWSR, LABELS, MFSR, NOISY_LR, OFTSR, SMFSR

PHOTOS = DataConfig(crop=192, degradation="photo", group=32, on_device=True)
MUON = OptimizerConfig(
    kind="muon", learning_rate=1e-3, kernel_rate=0.02, warmup=200, decay="linear", ema=0.999
)
HALF_MUON = MUON.model_copy(update={"learning_rate": 5e-4, "kernel_rate": 0.01})


def _run(name: str, method: MethodConfig, **fields: Any) -> TrainConfig:
    """A student's run: ten minutes in which every sample asks for a good image."""
    common = {
        "steps": 1_000_000,
        "minutes": 10,
        "batch": 128,
        "compile": True,
        "network": PRESETS["base"].model_copy(update=LABELS),
        "source": NOISY_LR,
        "data": PHOTOS,
        "optimizer": HALF_MUON,
        "checkpoint_minutes": 2,
    }
    return TrainConfig(**{"recipe": name, "method": method} | common | fields)


def teacher_base() -> TrainConfig:
    """A teacher of 7M parameters, in a quarter of an hour."""
    return _run(
        "teacher_base",
        TeacherConfig(norm="l1", times="late", at_source=0.5),
        minutes=15,
        data=PHOTOS.model_copy(update={"bad": 0.05, "unlabelled": 0.1}),
        optimizer=MUON,
    )


def oftsr_base() -> TrainConfig:
    """teacher_base distilled by OFTSR, in ten minutes."""
    return _run("oftsr_base", OFTSR)


def mfsr_base() -> TrainConfig:
    """teacher_base distilled by MFSR, in ten minutes."""
    return _run("mfsr_base", MFSR)


def smfsr_base() -> TrainConfig:
    """teacher_base distilled by SMFSR, in ten minutes."""
    return _run("smfsr_base", SMFSR, grid="cosine")


def flowsr_base() -> TrainConfig:
    """teacher_base distilled by FlowSR, in ten minutes."""
    return _run("flowsr_base", FLOWSR, perceptual="vgg")


def dial_base() -> TrainConfig:
    """The dial from photos alone, in ten minutes."""
    return _run("dial_base", DialConfig(), perceptual="vgg")


def dial_large() -> TrainConfig:
    """leap-large: a dial of 10M parameters from an upscaler's answers (`leapsr distill`), in 13 minutes.

    The teacher answers on the device. Light and colour stay the photo's, detail is the teacher's, the middle
    is the straight path between both ends, and a term keeps meshes away (docs/lab/dial.md).
    """
    method = DialConfig(
        perceptual=1, mesh=2, fine=0.2, truth=0.3, anchored=True, middle="path", faithful=0.4, real=0.35
    )
    network = PRESETS["large"].model_copy(update=LABELS)
    return _run("dial_large", method, minutes=13, network=network, perceptual="squeeze", optimizer=MUON)


def refine_base() -> TrainConfig:
    """A refinement of smfsr_base, in ten minutes."""
    return _run(
        "refine_base", RefinementConfig(student=SMFSR, omega="inverse"), perceptual="vgg", grid="cosine"
    )
