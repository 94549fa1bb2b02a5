"""The runs of the four papers at their own scale, for whoever has the base weights and the GPUs.

Every hyper-parameter is the paper's where it states one, but for the learning rates of OFTSR, which are those
in the names of its released files. What no paper states is our choice and says so in a comment, with its
reason. `batch` is that of one GPU; a docstring says how many the paper used. Base weights
come as model folders that `leapsr models convert` writes: --teacher or --from.

Papers: MFSR arXiv:2603.20690, SMFSR arXiv:2605.09328, OFTSR arXiv:2412.09465, FlowSR arXiv:2605.12377, and
DiT4SR arXiv:2503.23580, whose network MFSR and SMFSR distil.
"""

from collections.abc import Callable

from ...flow import Source
from ...frozen.prompts import MFSR_NAME
from ...methods import (
    FlowsrConfig,
    MethodConfig,
    MfsrConfig,
    OftsrConfig,
    RefinementConfig,
    SmfsrConfig,
    TeacherConfig,
)
from ...networks import NetworkConfigBase
from ...networks.adm import guided_unet, swin_unet
from ...networks.mmdit.config import MMDiTConfig
from ...networks.sd21 import unet
from ..config import AdapterConfig, DataConfig, OptimizerConfig, TrainConfig

# A stream that is trained anew has keys of its own. Checkpointing is ours, for less memory.
DIT4SR = MMDiTConfig(lr_keys="own", gradient_checkpointing=True)
# MFSR does not say which DiT4SR it distils; f and q, the ones of that paper's figures, have the other keys.
DIT4SR_Q = DIT4SR.model_copy(update={"lr_keys": "noise_double_norm"})
MFSR_STUDENT = DIT4SR_Q.model_copy(update={"time_conditioning": "add_r", "time_scale": 1.0})
# SMFSR's own conditioning cannot begin as its teacher says; an embedding of r that begins at zero can, and
# splitting needs no derivative, so that the teacher's times in thousandths may stay. Both are ours.
SMFSR_STUDENT = DIT4SR.model_copy(update={"time_conditioning": "add_r"})

# Unstated: warm-up is DiT4SR's, clipping DiT4SR's, EMA a usual one for tens of thousands of steps.
ADAM = OptimizerConfig(kind="adamw", learning_rate=5e-5, beta2=0.999, warmup=500, clip=1.0, ema=0.999)
ADAMW = ADAM.model_copy(update={"weight_decay": 1e-2})

PHOTOS_512 = DataConfig(crop=512, degradation="realesrgan-heavy", group=8, on_device=False)


def _run(
    name: str, steps: int, batch: int, method: MethodConfig, network: NetworkConfigBase, **fields: object
) -> TrainConfig:
    common = {"precision": "bf16", "data": PHOTOS_512, "optimizer": ADAMW, "checkpoint_minutes": 60.0}
    chosen = {
        "recipe": name,
        "steps": steps,
        "batch": batch,
        "method": method,
        "network": network,
    }
    return TrainConfig.model_validate(common | chosen | fields)


def dit4sr_sd35() -> TrainConfig:
    """SMFSR's teacher: DiT4SR's stream on SD3.5, by flow matching. 4 GPUs x 8; text dropped at 0.2.

    Begins --from `leapsr models convert sd35 SD35_FOLDER`.
    """
    return _run(
        "dit4sr_sd35",
        80_000,
        8,
        # DiT4SR draws its times by a logit-normal law, SMFSR does not say: uniform, as everywhere here.
        TeacherConfig(),
        DIT4SR,
        source=Source(kind="noise"),
        grid="shifted",
        adapters=AdapterConfig(rank=None),
        data=PHOTOS_512.model_copy(update={"unlabelled": 0.2}),
    )


def mfsr_sd35() -> TrainConfig:
    """MFSR: 8 GPUs x 10, 12,000 steps, 19 hours on H200s. Guidance 6 away from its own negative prompt.

    --teacher a DiT4SR folder, whose prompts hold that text if it was converted since they do.
    The embedder of t is fitted anew to t in [0, 1] before the first step.
    """
    return _run(
        "mfsr_sd35",
        12_000,
        10,
        MfsrConfig(),
        MFSR_STUDENT,
        source=Source(kind="noise"),
        negative=MFSR_NAME,
        adapters=AdapterConfig(rank=64),  # targets and alpha are unstated: every attention's, and the rank
        optimizer=ADAM,
    )


def smfsr_sd35() -> TrainConfig:
    """SMFSR's first stage: 4 GPUs x 4, 40,000 steps. --teacher the model of dit4sr_sd35."""
    return _run(
        "smfsr_sd35",
        40_000,
        4,
        SmfsrConfig(),
        SMFSR_STUDENT,
        source=Source(kind="noise"),
        grid="cosine",
        adapters=AdapterConfig(rank=None),  # 366M parameters train: the stream and the embedders
        data=PHOTOS_512.model_copy(update={"unlabelled": 0.2}),
    )


def smfsr_sd35_refine() -> TrainConfig:
    """SMFSR's second stage: 4 GPUs x 2, 10,000 steps. --teacher as before, --from the model of smfsr_sd35.

    The critic looks through DINOv3: --set dino=FOLDER. Of it the paper says no more: the ViT's maps at each
    quarter of its depth, heads with spectral normalisation. LPIPS's VGG is ours too.
    """
    return _run(
        "smfsr_sd35_refine",
        10_000,
        2,
        RefinementConfig(student=SmfsrConfig(), critic_input="dino"),
        SMFSR_STUDENT,
        source=Source(kind="noise"),
        grid="cosine",
        perceptual="vgg",
        adapters=AdapterConfig(rank=None),
        # Unstated: the critic's rate. Twice the student's, so that it does not fall behind.
        optimizer=ADAMW.model_copy(update={"players": {"critic": 2.0}}),
    )


# The paper says 1e-4 for both stages. Its released files say so of FFHQ's teacher and of both of ImageNet's,
# and 1e-5 of FFHQ's noiseless student and of both of DIV2K's: those rates made the published weights.
PHOTOS_256 = PHOTOS_512.model_copy(update={"crop": 256})
OFTSR_ADAM = OptimizerConfig(kind="adamw", learning_rate=1e-4, beta2=0.999, warmup=1000, clip=1.0, ema=0.9999)


def _oftsr_teacher(name: str, network: NetworkConfigBase, sigma: float, degradation: str) -> TrainConfig:
    """OFTSR's first stage: flow matching with L1 (better than L2 in its Tab. 7), 100,000 steps."""
    return _run(
        name,
        100_000,
        8,  # 4 GPUs, 32 in all
        TeacherConfig(norm="l1"),
        network,
        source=Source(kind="noisy_lr", sigma=sigma),
        precision="fp32",  # as its code, which found compiled half precision to leave artefacts
        data=PHOTOS_256.model_copy(update={"degradation": degradation}),
        optimizer=OFTSR_ADAM,
    )


def _oftsr_student(name: str, teacher: TrainConfig, learning_rate: float, steps: int = 50_000) -> TrainConfig:
    """OFTSR's second stage by the midpoint method, the best of its Tab. 8; L2, eq. 9 and 11."""
    network = guided_unet.student(teacher.network)
    changed = {
        "recipe": name,
        "steps": steps,
        "method": OftsrConfig(),
        "network": network,
        "optimizer": OFTSR_ADAM.model_copy(update={"learning_rate": learning_rate}),
    }
    return teacher.model_copy(update=changed)


def oftsr_ffhq_teacher() -> TrainConfig:
    """Faces of 256 pixels, noiseless (sigma_p 0.1). The released configs have no condition; the paper has."""
    return _oftsr_teacher("oftsr_ffhq_teacher", guided_unet.PRESETS["ffhq"], 0.1, "bicubic")


def oftsr_ffhq() -> TrainConfig:
    """At a tenth of the paper's rate, as the released file."""
    return _oftsr_student("oftsr_ffhq", oftsr_ffhq_teacher(), 1e-5)


def oftsr_div2k_teacher() -> TrainConfig:
    """Photos, sigma_p 0.2, at a tenth of the paper's rate, as the released file."""
    teacher = _oftsr_teacher("oftsr_div2k_teacher", guided_unet.PRESETS["div2k"], 0.2, "bicubic")
    slow = teacher.optimizer.model_copy(update={"learning_rate": 1e-5})
    return teacher.model_copy(update={"optimizer": slow})


def oftsr_div2k() -> TrainConfig:
    return _oftsr_student("oftsr_div2k", oftsr_div2k_teacher(), 1e-5)


def oftsr_imagenet_teacher() -> TrainConfig:
    return _oftsr_teacher("oftsr_imagenet_teacher", guided_unet.PRESETS["imagenet"], 0.2, "bicubic")


def oftsr_imagenet() -> TrainConfig:
    return _oftsr_student("oftsr_imagenet", oftsr_imagenet_teacher(), 1e-4)


def oftsr_resshift() -> TrainConfig:
    """ResShift's published network, distilled in 5,000 steps. --teacher what `leapsr models convert` made."""
    realsr = swin_unet.PRESETS["realsr"]
    return _run(
        "oftsr_resshift",
        5_000,
        8,  # unstated
        OftsrConfig(),
        realsr.model_copy(update={"reads": "r"}),
        source=Source(kind="noisy_lr", sigma=realsr.schedule.sigma),
        data=PHOTOS_256,
        optimizer=OFTSR_ADAM.model_copy(update={"learning_rate": 1e-5}),  # unstated: the slower of the two
    )


def oftsr_dit4sr() -> TrainConfig:
    """DiT4SR distilled by OFTSR (its Tab. 6), from noise. The paper prints no recipe for it.

    Ours: MFSR's rank, optimizer and batch, OFTSR's 50,000 steps shortened to MFSR's 12,000; no guidance.
    """
    return mfsr_sd35().model_copy(
        update={
            "recipe": "oftsr_dit4sr",
            "method": OftsrConfig(),
            "negative": "negative",
            "network": DIT4SR_Q.model_copy(update={"time_conditioning": "add_r"}),
        }
    )


def flowsr_sd21() -> TrainConfig:
    """FlowSR's first stage: 16 images, 10,000 steps, rank 32. --from `leapsr models convert sd21 FOLDER`."""
    return _run(
        "flowsr_sd21",
        10_000,
        16,
        FlowsrConfig(flow_share=1),
        unet.PRESETS["sd21"].model_copy(update={"gradient_checkpointing": True}),
        source=Source(kind="lr"),
        perceptual="vgg",  # unstated; LPIPS's usual backbone for a loss
        adapters=AdapterConfig(rank=unet.RANK),
        optimizer=ADAMW.model_copy(update={"learning_rate": 2e-5}),
    )


def flowsr_sd21_consistent() -> TrainConfig:
    """FlowSR's second stage: 20,000 steps, --teacher the model of flowsr_sd21, with which it begins.

    The alignment of eq. 9 looks through CLIP ViT-L/14: --set clip=FOLDER; without it that loss is left out.
    """
    critic = {"critic": 0.5}  # 1e-5, that of Phased Consistency Models, whose critic it takes
    first = flowsr_sd21()
    return first.model_copy(
        update={
            "recipe": "flowsr_sd21_consistent",
            "steps": 20_000,
            "method": FlowsrConfig(),
            "optimizer": first.optimizer.model_copy(update={"players": critic}),
        }
    )


RECIPES: dict[str, Callable[[], TrainConfig]] = {
    recipe.__name__: recipe
    for recipe in (
        dit4sr_sd35,
        mfsr_sd35,
        smfsr_sd35,
        smfsr_sd35_refine,
        oftsr_ffhq_teacher,
        oftsr_ffhq,
        oftsr_div2k_teacher,
        oftsr_div2k,
        oftsr_imagenet_teacher,
        oftsr_imagenet,
        oftsr_resshift,
        oftsr_dit4sr,
        flowsr_sd21,
        flowsr_sd21_consistent,
    )
}
