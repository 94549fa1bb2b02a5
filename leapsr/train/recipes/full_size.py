"""The runs of the four papers at their own scale, for whoever has the base weights and the GPUs.

Every hyperparameter is the paper's where it states one. A comment marks what no paper states and is our
choice, with its reason; docs/papers.md has a row for each.
`batch` is the paper's, of all GPUs together, and `at_once` what one takes of it on as many GPUs as the paper
used, which the docstring names; fewer take several parts in turn. The base weights are model folders that
`leapsr models convert` writes, given by --teacher or --from.

Papers: MFSR arXiv:2603.20690, SMFSR arXiv:2605.09328, OFTSR arXiv:2412.09465, FlowSR arXiv:2605.12377, and
DiT4SR arXiv:2503.23580, whose network MFSR and SMFSR distil.
"""

from typing import Any

from ...data.crops import Symmetries
from ...flow import Source
from ...frozen.prompts import MFSR_NAME
from ...methods import FlowsrConfig, MfsrConfig, OftsrConfig, RefinementConfig, SmfsrConfig, TeacherConfig
from ...networks import NetworkConfigBase
from ...networks.adm import guided_unet, swin_unet
from ...networks.mmdit.config import MMDiTConfig
from ...networks.sd21 import unet
from ..config import AdapterConfig, DataConfig, OptimizerConfig, TrainConfig

# A control stream that is trained anew has keys of its own. Checkpointing is ours, to save memory.
DIT4SR = MMDiTConfig(lr_keys="own", gradient_checkpointing=True)
# MFSR does not say which DiT4SR it distils; the released f and q, shown in DiT4SR's figures, have these keys.
DIT4SR_Q = DIT4SR.model_copy(update={"lr_keys": "noise_double_norm"})
MFSR_STUDENT = DIT4SR_Q.model_copy(update={"time_conditioning": "add_r", "time_scale": 1.0})
# One embedder for t and r and a small network on both, as the paper draws it; times as its code passes them.
SMFSR_STUDENT = DIT4SR.model_copy(update={"time_conditioning": "concat_mlp", "time_scale": 1.0})

# Unstated: warm-up and clipping are DiT4SR's, the EMA is a usual one for tens of thousands of steps.
ADAM = OptimizerConfig(kind="adamw", learning_rate=5e-5, beta2=0.999, warmup=500, clip=1.0, ema=0.999)
ADAMW = ADAM.model_copy(update={"weight_decay": 1e-2})
# The paper says 1e-4 for both stages. The names of its released files say so of faces' teachers and of both
# of ImageNet's, 1e-5 of the noiseless student of faces and of both of DIV2K's, 2e-5 of the noisy student.
OFTSR_ADAM = OptimizerConfig(kind="adamw", learning_rate=1e-4, beta2=0.999, warmup=1000, clip=1.0, ema=0.9999)

NOISE = Source(kind="noise")
MIRRORED = Symmetries(horizontal=0.5, vertical=0, transposed=0)  # Real-ESRGAN's pipeline flips and no more
PHOTOS_512 = DataConfig(
    crop=512, degradation="realesrgan-heavy", group=8, symmetries=MIRRORED, drawing="photo"
)
# OFTSR: 50 % and 6 %. Faces and ImageNet are squares of 256, DIV2K is cropped.
FLIPPED = Symmetries(horizontal=0.5, vertical=0.06, transposed=0)
CROPS_256 = PHOTOS_512.model_copy(update={"crop": 256, "symmetries": FLIPPED})
PHOTOS_256 = CROPS_256.model_copy(update={"resize": 256})
UNLABELLED_512 = PHOTOS_512.model_copy(update={"unlabelled": 0.2})
BICUBIC_256 = PHOTOS_256.model_copy(update={"degradation": "bicubic"})
BICUBIC_CROPS = CROPS_256.model_copy(update={"degradation": "bicubic"})
NOISY_256 = PHOTOS_256.model_copy(update={"degradation": "average"})
RESSHIFT_256 = PHOTOS_256.model_copy(update={"degradation": "resshift"})


def _run(**fields: Any) -> TrainConfig:
    common = {"data": PHOTOS_512, "optimizer": ADAMW, "checkpoint_minutes": 60.0}
    return TrainConfig.model_validate(common | fields)


def dit4sr_sd35() -> TrainConfig:
    """SMFSR's teacher: DiT4SR's stream on SD3.5, by flow matching; 32 samples on 4 GPUs, text dropped at 0.2.

    Begins --from `leapsr models convert sd35 SD35_FOLDER`.
    """
    return _run(
        recipe="dit4sr_sd35",
        steps=80_000,
        batch=32,
        at_once=8,
        method=TeacherConfig(),  # DiT4SR's times are logit-normal, SMFSR does not say: uniform, as everywhere
        network=DIT4SR,
        source=NOISE,
        grid="shifted",
        guidance=8.0,  # with which DiT4SR's published weights are used; SMFSR does not say
        adapters=AdapterConfig(rank=None),
        data=UNLABELLED_512,
    )


def mfsr_sd35() -> TrainConfig:
    """MFSR on DiT4SR: 80 samples on 8 GPUs, 19 hours on H200s; guidance 6, away from its own negative prompt.

    --teacher is a DiT4SR folder; its prompts hold that text unless it was converted by an early version.
    Times are t itself and the embedder keeps its weights, as printed; --set network.time_start=refit fits it
    to what it said, so that the student begins as its teacher.
    """
    return _run(
        recipe="mfsr_sd35",
        steps=12_000,
        batch=80,
        at_once=10,
        method=MfsrConfig(),
        network=MFSR_STUDENT,
        source=NOISE,
        negative=MFSR_NAME,
        adapters=AdapterConfig(rank=64),  # targets and alpha are unstated: every attention's, and the rank
        optimizer=ADAM,
    )


def smfsr_sd35() -> TrainConfig:
    """SMFSR's first stage: 16 samples on 4 GPUs; --teacher is the model of dit4sr_sd35."""
    return _run(
        recipe="smfsr_sd35",
        steps=40_000,
        batch=16,
        at_once=4,
        method=SmfsrConfig(),
        network=SMFSR_STUDENT,
        source=NOISE,
        grid="cosine",
        adapters=AdapterConfig(rank=None),  # 366.2M parameters train: the stream and the embedders
        data=UNLABELLED_512,
    )


def smfsr_sd35_refine() -> TrainConfig:
    """SMFSR's second stage: 8 samples on 4 GPUs; --teacher as before, --from the model of smfsr_sd35.

    The critic looks through DINOv3: --set dino=FOLDER. The paper says no more of it; ours are the ViT's maps
    at each quarter of its depth, heads with spectral normalisation, and LPIPS's VGG.
    """
    return _run(
        recipe="smfsr_sd35_refine",
        steps=10_000,
        batch=8,
        at_once=2,
        method=RefinementConfig(student=SmfsrConfig(), critic_input="dino"),
        network=SMFSR_STUDENT,
        source=NOISE,
        grid="cosine",
        perceptual="vgg",
        adapters=AdapterConfig(rank=None),
        data=UNLABELLED_512,
        # Unstated: the critic's rate. Twice the student's, so that it does not fall behind.
        optimizer=ADAMW.model_copy(update={"rate_factors": {"critic": 2.0}}),
    )


def _oftsr_teacher(
    name: str, network: NetworkConfigBase, sigma: float, data: DataConfig = BICUBIC_256
) -> TrainConfig:
    """OFTSR's first stage: flow matching with L1, better than L2 in its Tab. 7; 32 samples on 4 GPUs."""
    return _run(
        recipe=name,
        steps=100_000,
        batch=32,
        at_once=8,
        method=TeacherConfig(norm="l1"),
        network=network,
        source=Source(kind="noisy_lr", sigma=sigma),
        precision="fp32",  # as its code, which found compiled half precision to leave artefacts
        data=data,
        optimizer=OFTSR_ADAM,
    )


def _oftsr_student(
    name: str, network: NetworkConfigBase, sigma: float, data: DataConfig = BICUBIC_256, at_once: int = 8
) -> TrainConfig:
    """OFTSR's second stage: L2 of eq. 9 and 11, midpoint method, best in its Tab. 8; 32 samples, 4 GPUs."""
    return _run(
        recipe=name,
        steps=50_000,
        batch=32,
        at_once=at_once,
        method=OftsrConfig(),
        network=network,
        source=Source(kind="noisy_lr", sigma=sigma),
        precision="fp32",
        data=data,
        optimizer=OFTSR_ADAM,
    )


FFHQ, FFHQ_NOISY, DIV2K, IMAGENET = (
    guided_unet.PRESETS[name] for name in ("ffhq", "ffhq_noisy", "div2k", "imagenet")
)


def oftsr_ffhq_teacher() -> TrainConfig:
    """OFTSR's teacher for faces of 256 pixels, noiseless (sigma_p 0.1)."""
    return _oftsr_teacher("oftsr_ffhq_teacher", FFHQ, 0.1)


def oftsr_ffhq() -> TrainConfig:
    """OFTSR for faces; its released file: --set optimizer.learning_rate=1e-5."""
    return _oftsr_student("oftsr_ffhq", guided_unet.student(FFHQ), 0.1)


def oftsr_ffhq_noisy_teacher() -> TrainConfig:
    """OFTSR's teacher for noisy faces: average pooling, sigma_n 0.05, sigma_p 0.5."""
    return _oftsr_teacher("oftsr_ffhq_noisy_teacher", FFHQ_NOISY, 0.5, NOISY_256)


def oftsr_ffhq_noisy() -> TrainConfig:
    """OFTSR for noisy faces; its released file: --set optimizer.learning_rate=2e-5."""
    return _oftsr_student("oftsr_ffhq_noisy", guided_unet.student(FFHQ_NOISY), 0.5, NOISY_256)


def oftsr_div2k_teacher() -> TrainConfig:
    """OFTSR's teacher for photos (sigma_p 0.2); its released file: --set optimizer.learning_rate=1e-5."""
    return _oftsr_teacher("oftsr_div2k_teacher", DIV2K, 0.2, BICUBIC_CROPS)


def oftsr_div2k() -> TrainConfig:
    """OFTSR for photos; its released file: --set optimizer.learning_rate=1e-5."""
    return _oftsr_student("oftsr_div2k", guided_unet.student(DIV2K), 0.2, BICUBIC_CROPS)


def oftsr_imagenet_teacher() -> TrainConfig:
    """OFTSR's teacher for ImageNet (sigma_p 0.2)."""
    return _oftsr_teacher("oftsr_imagenet_teacher", IMAGENET, 0.2)


def oftsr_imagenet() -> TrainConfig:
    """OFTSR for ImageNet; two samples at once, for 80 GB hold no four in float32."""
    return _oftsr_student("oftsr_imagenet", guided_unet.student(IMAGENET), 0.2, at_once=2)


def oftsr_resshift_flow_teacher() -> TrainConfig:
    """OFTSR's real-world teacher (its Tab. 4 to 6): a flow in ResShift's architecture, from nothing.

    On latents: --set autoencoder=VQ. sigma_p is ImageNet's.
    """
    return _oftsr_teacher("oftsr_resshift_flow_teacher", swin_unet.PRESETS["oftsr"], 0.2, RESSHIFT_256)


def oftsr_resshift_flow() -> TrainConfig:
    """That teacher distilled by OFTSR."""
    network = swin_unet.PRESETS["oftsr"].model_copy(update={"reads": "r"})
    return _oftsr_student("oftsr_resshift_flow", network, 0.2, RESSHIFT_256)


def oftsr_resshift() -> TrainConfig:
    """ResShift's published network distilled by OFTSR; --teacher from `leapsr models convert`."""
    realsr = swin_unet.PRESETS["realsr"]
    return _run(
        recipe="oftsr_resshift",
        steps=5_000,
        batch=8,  # unstated; on one GPU, as in its Tab. 9
        method=OftsrConfig(),
        network=realsr.model_copy(update={"reads": "r"}),
        source=Source(kind="noisy_lr", sigma=realsr.schedule.sigma),
        data=RESSHIFT_256,
        optimizer=OFTSR_ADAM,
    )


def oftsr_dit4sr() -> TrainConfig:
    """DiT4SR distilled by OFTSR from noise (its Tab. 6), for which the paper prints no recipe.

    Ours: MFSR's rank, optimizer and batch, OFTSR's 50,000 steps shortened to MFSR's 12,000; no guidance.
    """
    return _run(
        recipe="oftsr_dit4sr",
        steps=12_000,
        batch=80,
        at_once=10,
        method=OftsrConfig(),
        network=DIT4SR_Q.model_copy(update={"time_conditioning": "add_r"}),
        source=NOISE,
        adapters=AdapterConfig(rank=64),
        optimizer=ADAM,
    )


def _flowsr(**fields: Any) -> TrainConfig:
    return _run(
        batch=16,
        images_at_once=1,  # unstated: memory alone, see docs/full-size.md
        network=unet.PRESETS["sd21"].model_copy(update={"gradient_checkpointing": True}),
        source=Source(kind="lr"),
        perceptual="vgg",  # unstated; LPIPS's usual backbone for a loss
        adapters=AdapterConfig(rank=unet.RANK),
        **fields,
    )


FLOWSR_ADAMW = ADAMW.model_copy(update={"learning_rate": 2e-5})


def flowsr_sd21() -> TrainConfig:
    """FlowSR's first stage: 16 images, rank 32; --from `leapsr models convert sd21 FOLDER`."""
    return _flowsr(
        recipe="flowsr_sd21",
        steps=10_000,
        method=FlowsrConfig(flow_share=1, adversarial=0, alignment=0),  # eq. 7 alone
        optimizer=FLOWSR_ADAMW,
    )


def flowsr_sd21_consistent() -> TrainConfig:
    """FlowSR's second stage; --teacher is the model of flowsr_sd21, with which it begins.

    The alignment of eq. 9 looks through CLIP ViT-L/14, --set clip=FOLDER, and the critic of eq. 8 through
    Stable Diffusion itself, --set diffusion=FOLDER, the converted sd21.
    """
    return _flowsr(
        recipe="flowsr_sd21_consistent",
        steps=20_000,
        method=FlowsrConfig(),
        # The critic's rate is 1e-5, that of Phased Consistency Models, whose critic it takes.
        optimizer=FLOWSR_ADAMW.model_copy(update={"rate_factors": {"critic": 0.5}}),
    )
