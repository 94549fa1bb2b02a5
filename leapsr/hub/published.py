"""The published weights of the four papers and of their base models, with licence and origin.

One table, PUBLISHED; its keys are the names of `leapsr models download` and `leapsr models convert`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ..errors import UnknownName, WeightsError, optional
from ..flow import Source
from ..frozen.prompts import FLOWSR, MFSR_NAME, MFSR_NEGATIVE, standard_texts
from ..networks import Network
from ..networks.adm import guided_unet, swin_unet
from ..networks.adm.published_weights import flowsr_adapters, load_oftsr, load_resshift
from ..networks.lora import add_lora, load_lora, merge_lora
from ..networks.sd21 import unet
from .repositories import LLAVA, QWEN2_VL, SD21, SD35, STABILITY, VQ_F4, Repository

Read = Callable[[Path, Path | None], Network]
"""(published, base) -> the network. Raises WeightsError."""

PI_LAB = f"Pi-Lab License 1.0 (non-commercial), on top of the {STABILITY}"
SMFSR = f"Apache-2.0 as its authors say, on top of the {STABILITY} and of DiT4SR's non-commercial code"
S_LAB = "S-Lab License 1.0 (non-commercial)"

BASES: dict[str, Repository] = {"sd35": SD35, "sd21": SD21, "vq_f4": VQ_F4}
"""The base models, for their autoencoders and text encoders."""

CAPTIONERS: dict[str, Repository] = {"llava": LLAVA, "qwen2_vl": QWEN2_VL}


@dataclass(frozen=True)
class Published:
    """One published model.

    what: a description. repository: None is not on the hub. place: the folder or file to read in the
    download.
    base: which of BASES it needs, "" for none. texts: by name, for the base's text encoders; empty for
    networks that read none. model: the other fields of its ModelConfig.
    """

    what: str
    licence: str
    read: Read
    repository: Repository | None
    place: str = ""
    base: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return "the releases of zsyOAOA/ResShift" if self.repository is None else self.repository.name


def _mmdit(kind: Any) -> Read:
    def read(folder: Path, base: Path | None) -> Network:
        optional("diffusers", "sd")
        from ..networks.mmdit.published_weights import load_mmdit

        inner = folder / "transformer"
        return load_mmdit(inner if inner.is_dir() else folder, kind)

    return read


def _flowsr(file: Path, base: Path | None) -> Network:
    """SD2.1's U-Net with FlowSR's adapters merged in."""
    assert base is not None
    network = unet.SD21.from_diffusers(base)
    try:
        with safe_open(file, "pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            adapters = flowsr_adapters(tensors, opened.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{file} cannot be read ({error}); download it again.") from error
    add_lora(network, adapters.rank, adapters.targets, adapters.alpha)
    load_lora(network, adapters.weights)
    merge_lora(network)
    return network


NOISE, LR = Source(kind="noise"), Source(kind="lr")
DIT4SR_MODEL = {
    "method": "teacher",
    "fidelity": 0.0,
    "source": NOISE,
    "grid": "shifted",
    "guidance": 8.0,
    "color_fix": "adain",
}
SD35_TEXTS = standard_texts()
TEACHER_TEXTS = SD35_TEXTS | {MFSR_NAME: MFSR_NEGATIVE}
"""DiT4SR's own, for --guidance, and MFSR's negative text, for its distillation."""
FLOWSR_TEXTS = standard_texts(standard=FLOWSR)
SMFSR_MODEL = {"method": "smfsr", "source": NOISE, "grid": "cosine", "fidelity": 0.0, "color_fix": "adain"}

_OFTSR_DISTILLED = "distil-v_boot-solver_rk2_0.5-dt0.05-w_distil_1.0-w_bound_0.1-w_align_0.01"
_BICUBIC, _POOLED = "sr_bicubic-sf4-guided_unet", "sr_avp-sf4-sigmay_0.05-guided_unet"
OFTSR_FILES = {
    "ffhq": f"{_BICUBIC}-sigma0.1-bs32-loss_l1-lr1e-05-{_OFTSR_DISTILLED}-FFHQ_DIS-checkpoint_2",
    "ffhq_teacher": f"{_BICUBIC}-sigma0.1-bs32-loss_l1-lr0.0001-FFHQ-checkpoint_10",
    "ffhq_noisy": f"{_POOLED}-sigma0.5-bs32-loss_l1-lr2e-05-{_OFTSR_DISTILLED}-FFHQ_DIS-checkpoint_24",
    "ffhq_noisy_teacher": f"{_POOLED}-sigma0.5-bs128-loss_l1-lr0.0001-FFHQ-checkpoint_23",
    "div2k": f"{_BICUBIC}-sigma0.2-bs32-loss_l1-lr1e-05-{_OFTSR_DISTILLED}-DIV2K_DIS-checkpoint_5",
    "div2k_teacher": f"{_BICUBIC}-sigma0.2-bs128-loss_l1-lr1e-05-DIV2K-checkpoint_4",
    "imagenet": f"{_BICUBIC}-sigma0.2-bs8-loss_l1-lr1e-04-{_OFTSR_DISTILLED}-ImageNet_DIS-checkpoint_10",
    "imagenet_teacher": f"{_BICUBIC}-sigma0.2-bs32-loss_l1-lr1e-04-ImageNet-checkpoint_10",
}
"""OFTSR's files, as the commands of its README name them."""
OFTSR_SIGMA = {"ffhq": 0.1, "ffhq_noisy": 0.5, "div2k": 0.2, "imagenet": 0.2}
"""Of the noise that joins the source, eq. 4."""
OFTSR_FIDELITY = 0.01
"""The dial in its README's commands: 0.99 in that paper's reversed time."""


def _dit4sr(letter: str) -> Published:
    folder = f"dit4sr_{letter}"
    return Published(
        f"DiT4SR's teacher, checkpoint {letter}",
        PI_LAB,
        _mmdit("dit4sr_r1" if letter == "r1" else "dit4sr"),
        Repository("acceptee/DiT4SR", PI_LAB, include=(f"{folder}/*",)),
        folder,
        "sd35",
        TEACHER_TEXTS,
        DIT4SR_MODEL,
    )


def _smfsr(letter: str) -> Published:
    folder = f"smfsr_{letter}"
    return Published(
        f"SMFSR's one-step student, checkpoint {letter}",
        SMFSR,
        _mmdit("smfsr"),
        Repository("zw121/SMFSR", SMFSR, include=(f"{folder}/*",)),
        folder,
        "sd35",
        SD35_TEXTS,
        SMFSR_MODEL,
    )


def _oftsr_entry(data: str, suffix: str) -> Published:
    file = f"{OFTSR_FILES[data + suffix]}.pth"
    preset = guided_unet.PRESETS[data]
    config = preset if suffix else guided_unet.student(preset)
    return Published(
        f"OFTSR's {'teacher' if suffix else 'one-step student'} of {data}",
        "Apache-2.0",
        lambda file, base: load_oftsr(file, config),
        Repository("Yuanzhi/OFTSR", "Apache-2.0", include=(file,)),
        file,
        model={
            "method": "teacher" if suffix else "oftsr",
            "source": Source(kind="noisy_lr", sigma=OFTSR_SIGMA[data]),
            "fidelity": 0.0 if suffix else OFTSR_FIDELITY,
            "scale": 4,
        },
    )


def _resshift_entry(preset: str) -> Published:
    config = swin_unet.PRESETS[preset]
    source = Source(kind="noisy_lr", sigma=config.schedule.sigma)
    return Published(
        f"ResShift's network, {preset}",
        S_LAB,
        lambda file, base: load_resshift(file, config),
        None,
        base="vq_f4",
        model={"method": "teacher", "source": source, "fidelity": 0.0},
    )


PUBLISHED: dict[str, Published] = {
    "sd35": Published(
        "SD3.5-medium with a low-resolution stream that has learnt nothing: where dit4sr_sd35 begins",
        SD35.licence,
        _mmdit("sd35"),
        SD35,
        base="sd35",
        texts=TEACHER_TEXTS,
        model=DIT4SR_MODEL | {"guidance": 1.0},
    ),
    **{f"dit4sr_{letter}": _dit4sr(letter) for letter in ("f", "q", "r1")},
    **{f"smfsr_{letter}": _smfsr(letter) for letter in ("f", "q")},
    "sd21": Published(
        "SD2.1-base as a velocity that has learnt nothing: where flowsr_sd21 begins",
        SD21.licence,
        lambda folder, base: unet.SD21.from_diffusers(folder),
        SD21,
        base="sd21",
        texts=FLOWSR_TEXTS,
        model={"method": "teacher", "source": LR, "fidelity": 0.0},
    ),
    "flowsr": Published(
        "FlowSR's one-step student: the community's adapters on SD2.1-base",
        "PolyForm Noncommercial License 1.0.0",
        _flowsr,
        Repository(
            "chunjie-spring/FlowSR", "PolyForm Noncommercial License 1.0.0", include=("flowsr.safetensors",)
        ),
        "flowsr.safetensors",
        "sd21",
        FLOWSR_TEXTS,
        {"method": "flowsr", "source": LR, "fidelity": 0.0, "color_fix": "wavelet"},
    ),
    **{
        f"oftsr_{data}{suffix}": _oftsr_entry(data, suffix)
        for data in OFTSR_SIGMA
        for suffix in ("", "_teacher")
    },
    "resshift": _resshift_entry("realsr"),
    "resshift_journal": _resshift_entry("realsr_journal"),
}


def published(name: str) -> Published:
    """Raises UnknownName, listing what can be converted."""
    if name not in PUBLISHED:
        raise UnknownName("published model", name, PUBLISHED)
    return PUBLISHED[name]


def downloadable() -> dict[str, Repository]:
    """Every name that can be downloaded: published weights, base models and captioners."""
    weights = {name: known.repository for name, known in PUBLISHED.items() if known.repository is not None}
    return weights | BASES | CAPTIONERS
