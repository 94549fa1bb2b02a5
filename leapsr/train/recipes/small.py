"""Named runs. A recipe is a function that returns a whole configuration."""

from collections.abc import Callable

from ...errors import UnknownName
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
from . import full_size


def teacher_tiny() -> TrainConfig:
    """Seconds on a CPU: for tests and for a first look."""
    return TrainConfig(
        recipe="teacher_tiny",
        steps=50,
        batch=4,
        network=PRESETS["tiny"],
        method=TeacherConfig(),
        data=DataConfig(crop=64, degradation="bicubic", held_out=1),
        optimizer=OptimizerConfig(learning_rate=2e-3, warmup=10, ema=0.9),
        log_every=10,
        validate_every=25,
    )


def teacher_small() -> TrainConfig:
    """The packaged models' teacher: as long as one likes on a CPU, 20,000 steps an hour on one quiet core.

    L1, late times, half of the batch at t = 1, one noise for all channels, Muon: docs/lab says what each
    brought.
    """
    return TrainConfig(
        recipe="teacher_small",
        steps=40_000,
        batch=16,
        compile=True,
        network=PRESETS["small"].model_copy(update={"quality": True, "damage": True}),
        source=Source(kind="noisy_lr", sigma=0.1, grey=True),
        method=TeacherConfig(norm="l1", times="late", at_source=0.5),
        data=DataConfig(crop=128, degradation="photo", pool=12_000, pool_crop=256, bad=0.05, unlabelled=0.1),
        optimizer=OptimizerConfig(
            kind="muon",
            learning_rate=1e-3,
            kernel_rate=0.02,
            weight_decay=0.02,
            warmup=100,
            decay="linear",
            ema=0.999,
        ),
    )


def teacher_base() -> TrainConfig:
    """For a quarter of an hour of a large GPU: a 7M-parameter teacher; photos, crops, damage on the device.

    The rate falls with the clock, since the speed of the machine is not known: more `minutes` is all that a
    longer run needs. 32 images share their random sizes: five or so sizes in a batch.
    """
    return TrainConfig(
        recipe="teacher_base",
        steps=1_000_000,
        minutes=15,
        batch=128,
        compile=True,
        network=PRESETS["base"].model_copy(update={"quality": True, "damage": True}),
        source=Source(kind="noisy_lr", sigma=0.1, grey=True),
        method=TeacherConfig(norm="l1", times="late", at_source=0.5),
        data=DataConfig(crop=192, degradation="photo", group=32, on_device=True, bad=0.05, unlabelled=0.1),
        optimizer=OptimizerConfig(
            kind="muon", learning_rate=1e-3, kernel_rate=0.02, warmup=200, decay="linear", ema=0.999
        ),
        checkpoint_minutes=2,
    )


def _tiny(method: MethodConfig) -> TrainConfig:
    return teacher_tiny().model_copy(update={"recipe": f"{method.kind}_tiny", "method": method})


def oftsr_tiny() -> TrainConfig:
    """Seconds on a CPU: the distillation of teacher_tiny, as are the other tiny ones."""
    return _tiny(OftsrConfig())


def mfsr_tiny() -> TrainConfig:
    return _tiny(MfsrConfig(velocity="null", guidance=1))


def smfsr_tiny() -> TrainConfig:
    return _tiny(SmfsrConfig())


def flowsr_tiny() -> TrainConfig:
    return _tiny(FlowsrConfig())


def dial_tiny() -> TrainConfig:
    """Pixels only: LPIPS needs a file that not every computer has."""
    return _tiny(DialConfig(perceptual=0))


def refine_tiny() -> TrainConfig:
    return _tiny(RefinementConfig(student=OftsrConfig(), critic=critic.PRESETS["tiny"]))


def _small(method: MethodConfig) -> TrainConfig:
    """teacher_small's network, source and photos, all of them asked for as good; lower learning rates."""
    small = teacher_small()
    return small.model_copy(
        update={
            "recipe": f"{method.kind}_small",
            "steps": 20_000,
            "method": method,
            "data": small.data.model_copy(update={"bad": 0.0, "unlabelled": 0.0}),
            "optimizer": small.optimizer.model_copy(update={"learning_rate": 5e-4, "kernel_rate": 0.01}),
        }
    )


def oftsr_small() -> TrainConfig:
    """leap-small-oftsr: teacher_small distilled to one step.

    Alignment brings a thousandth of LPIPS in the paper (Tab. 8) and costs a third of the step: off here. The
    boundary learns from the data, so that the faithful end of the dial goes on improving.
    """
    return _small(OftsrConfig(norm="l1", align=0, boundary=1.0, boundary_share=0.5, boundary_target="data"))


def mfsr_small() -> TrainConfig:
    """teacher_small distilled with its negative label; times uniform, so that t = 1 is seen more.

    By the finite step: near t = 0 the teacher is steep, and the derivative's peaks drive this network apart.
    """
    return _small(MfsrConfig(norm="l1", times="uniform", guidance=1.5, derivative="step", dt=0.05))


def smfsr_small() -> TrainConfig:
    """leap-small-smfsr: teacher_small distilled by splitting intervals. Times uniform: t = 1 is seen more."""
    return _small(SmfsrConfig(norm="l1", times="uniform")).model_copy(update={"grid": "cosine"})


def flowsr_small() -> TrainConfig:
    """teacher_small's own path, with the consistency of its ends."""
    return _small(FlowsrConfig(norm="l1")).model_copy(update={"perceptual": "squeeze"})


def dial_small() -> TrainConfig:
    """leap-small: the dial from photos alone, by `leapsr train`; best --from one that knows fidelity 1."""
    return _small(DialConfig()).model_copy(update={"perceptual": "squeeze"})


def dial_medium() -> TrainConfig:
    """dial_small with twice the blocks; --from a small model, it begins as that one."""
    medium = PRESETS["medium"].model_copy(update={"quality": True, "damage": True})
    return dial_small().model_copy(update={"recipe": "dial_medium", "network": medium})


def refine_small() -> TrainConfig:
    """The second stage of SMFSR for any of the small students; --set method.student.kind=... for another.

    AdamW at a low rate: Muon's steps are as long for a noisy gradient as for a sure one, and at any rate from
    0.001 on the critic and the student drive each other apart within 200 steps.
    """
    refined = _small(RefinementConfig(student=oftsr_small().method, critic=critic.PRESETS["small"]))
    slow = {"kind": "adamw", "learning_rate": 5e-5, "warmup": 50, "players": {"score": 2.0, "critic": 4.0}}
    optimizer = refined.optimizer.model_copy(update=slow)
    return refined.model_copy(update={"steps": 5_000, "perceptual": "squeeze", "optimizer": optimizer})


def _base(method: MethodConfig) -> TrainConfig:
    """teacher_base's network, source and photos, all of them asked for as good; lower learning rates."""
    base = teacher_base()
    return base.model_copy(
        update={
            "recipe": f"{method.kind}_base",
            "minutes": 10,
            "method": method,
            "data": base.data.model_copy(update={"bad": 0.0, "unlabelled": 0.0}),
            "optimizer": base.optimizer.model_copy(update={"learning_rate": 5e-4, "kernel_rate": 0.01}),
        }
    )


def oftsr_base() -> TrainConfig:
    """For ten minutes of a large GPU: teacher_base distilled to one step, as are the other base ones."""
    return _base(oftsr_small().method)


def mfsr_base() -> TrainConfig:
    return _base(mfsr_small().method)


def smfsr_base() -> TrainConfig:
    return _base(smfsr_small().method).model_copy(update={"grid": "cosine"})


def flowsr_base() -> TrainConfig:
    return _base(flowsr_small().method).model_copy(update={"perceptual": "vgg"})


def dial_base() -> TrainConfig:
    return _base(dial_small().method).model_copy(update={"perceptual": "vgg"})


def refine_base() -> TrainConfig:
    refined = _base(RefinementConfig(student=smfsr_base().method))
    return refined.model_copy(update={"perceptual": "vgg", "grid": "cosine"})


RECIPES: dict[str, Callable[[], TrainConfig]] = full_size.RECIPES | {
    recipe.__name__: recipe
    for recipe in (
        teacher_tiny,
        teacher_small,
        teacher_base,
        oftsr_tiny,
        oftsr_small,
        oftsr_base,
        mfsr_tiny,
        mfsr_small,
        mfsr_base,
        smfsr_tiny,
        smfsr_small,
        smfsr_base,
        flowsr_tiny,
        flowsr_small,
        flowsr_base,
        dial_tiny,
        dial_small,
        dial_medium,
        dial_base,
        refine_tiny,
        refine_small,
        refine_base,
    )
}


def get(name: str) -> TrainConfig:
    """Raises UnknownName, listing the recipes there are."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]()
