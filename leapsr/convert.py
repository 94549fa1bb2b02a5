"""Published weights to model folders of this package: `leapsr models convert`.

A published folder holds one network; what it needs beside it, an autoencoder and the texts that it is asked
with, comes from the folder of its base model. The base's autoencoder is used where it lies, and its texts are
encoded once, so that nothing of its text encoders is needed afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from . import catalog
from .errors import UnknownName, UsageError, WeightsError, optional
from .flow import Source
from .frozen import save_book, standard_texts, text_encoder, write_book
from .networks import guided_unet, swin_unet
from .networks.kinds import Network
from .networks.lora import add_lora, load_lora, merge_lora
from .networks.sd21 import SD21
from .networks.weights_unets import flowsr_adapters, load_oftsr, load_resshift
from .restorer import PROMPTS, ModelConfig, Restorer

Read = Callable[[Path, Path | None], Network]
"""(published, base) -> the network. Raises WeightsError."""

STABILITY = "Stability AI Community License"
PI_LAB = f"Pi-Lab License 1.0 (non-commercial), on top of the {STABILITY}"
RAIL = "CreativeML Open RAIL++-M License"
S_LAB = "S-Lab License 1.0 (non-commercial)"
UNSTATED = "none is stated by its authors, so that all rights are reserved"


@dataclass(frozen=True)
class Published:
    """What is known of published weights beside their tensors.

    what: they are, in words. licence: of the weights. download: the repository. base: which base model's
    folder it needs, "" for none. reads_text: whether the base's texts are encoded. model: the rest of its
    ModelConfig.
    """

    what: str
    licence: str
    read: Read
    download: str
    base: str = ""
    reads_text: bool = False
    model: dict[str, Any] = field(default_factory=dict)


NOISE, LR = Source(kind="noise"), Source(kind="lr")
DIT4SR_MODEL = {
    "method": "teacher",
    "source": NOISE,
    "grid": "shifted",
    "guidance": 8.0,
    "color_fix": "adain",
}
SMFSR_MODEL = {"method": "smfsr", "source": NOISE, "grid": "cosine", "fidelity": 0.0, "color_fix": "adain"}


def _mmdit(kind: Any) -> Read:
    def read(folder: Path, base: Path | None) -> Network:
        optional("diffusers", "sd")
        from .networks.weights import load_mmdit

        inner = folder / "transformer"
        return load_mmdit(inner if inner.is_dir() else folder, kind)

    return read


def _sd21(folder: Path, base: Path | None) -> Network:
    return SD21.from_diffusers(folder)


def _flowsr(file: Path, base: Path | None) -> Network:
    """SD2.1's U-Net with FlowSR's adapters merged in."""
    assert base is not None
    network = SD21.from_diffusers(base)
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


def _oftsr(preset: str, student: bool) -> Read:
    config = guided_unet.PRESETS[preset]

    def read(file: Path, base: Path | None) -> Network:
        return load_oftsr(file, guided_unet.student(config) if student else config)

    return read


def _resshift(preset: str) -> Read:
    return lambda file, base: load_resshift(file, swin_unet.PRESETS[preset])


def _oftsr_model(method: str, sigma: float) -> dict[str, Any]:
    return {"method": method, "source": Source(kind="noisy_lr", sigma=sigma), "scale": 4}


PUBLISHED: dict[str, Published] = {
    "sd35": Published(
        "SD3.5-medium with a low-resolution stream that has learnt nothing: where dit4sr_sd35 begins",
        STABILITY,
        _mmdit("sd35"),
        "stabilityai/stable-diffusion-3.5-medium",
        "sd35",
        True,
        DIT4SR_MODEL | {"guidance": 1.0},
    ),
    **{
        f"dit4sr_{letter}": Published(
            f"DiT4SR's teacher, checkpoint {letter}",
            PI_LAB,
            _mmdit("dit4sr_r1" if letter == "r1" else "dit4sr"),
            "acceptee/DiT4SR",
            "sd35",
            True,
            DIT4SR_MODEL,
        )
        for letter in ("f", "q", "r1")
    },
    **{
        f"smfsr_{letter}": Published(
            f"SMFSR's one-step student, checkpoint {letter}",
            PI_LAB,
            _mmdit("smfsr"),
            "zw121/SMFSR",
            "sd35",
            True,
            SMFSR_MODEL,
        )
        for letter in ("f", "q")
    },
    "sd21": Published(
        "SD2.1-base as a velocity that has learnt nothing: where flowsr_sd21 begins",
        RAIL,
        _sd21,
        "Manojb/stable-diffusion-2-1-base",
        "sd21",
        True,
        {"method": "teacher", "source": LR},
    ),
    "flowsr": Published(
        "FlowSR's one-step student: the community's adapters on SD2.1-base",
        "PolyForm Noncommercial License 1.0.0",
        _flowsr,
        "chunjie-spring/FlowSR",
        "sd21",
        True,
        {"method": "flowsr", "source": LR, "fidelity": 0.0, "color_fix": "wavelet"},
    ),
    **{
        f"oftsr_{data}{suffix}": Published(
            f"OFTSR's {'teacher' if suffix else 'one-step student'} of {data}",
            UNSTATED,
            _oftsr(data, not suffix),
            "Yuanzhi/OFTSR",
            model=_oftsr_model("teacher" if suffix else "oftsr", 0.1 if data == "ffhq" else 0.2),
        )
        for data in ("ffhq", "div2k", "imagenet")
        for suffix in ("", "_teacher")
    },
    **{
        name: Published(
            f"ResShift's network, {preset}",
            S_LAB,
            _resshift(preset),
            "the releases of zsyOAOA/ResShift",
            base="vq_f4",
            model={
                "method": "teacher",
                "source": Source(kind="noisy_lr", sigma=swin_unet.PRESETS[preset].schedule.sigma),
            },
        )
        for name, preset in (("resshift", "realsr"), ("resshift_journal", "realsr_journal"))
    },
}

BASES = {
    "sd35": "hf download stabilityai/stable-diffusion-3.5-medium --local-dir SD35",
    "sd21": "hf download Manojb/stable-diffusion-2-1-base --local-dir SD21",
    "vq_f4": "hf download CompVis/ldm-super-resolution-4x-openimages --local-dir VQ",
}


def published(name: str) -> Published:
    """Raises UnknownName, listing what can be converted."""
    if name not in PUBLISHED:
        raise UnknownName("published model", name, PUBLISHED)
    return PUBLISHED[name]


@torch.no_grad()
def convert(
    name: str,
    weights: Path,
    out: Path,
    base: Path | None = None,
    dtype: torch.dtype = torch.bfloat16,
    device: torch.device | str = "cpu",
) -> ModelConfig:
    """Write a model folder from published weights.

    weights: the published folder or file. base: the folder of the base model that it needs; None where
    `weights` is one itself. dtype: of the weights as they are written. device: where texts are encoded.
    Raises UnknownName, UsageError where the base is missing, WeightsError, OutputError.
    """
    known = published(name)
    if base is None and known.base and (weights / "model_index.json").is_file():
        base = weights
    if known.base and base is None:
        raise UsageError(
            f"{name} needs the folder of its base model: {BASES[known.base]}, "
            "then add --base and that folder."
        )
    network = known.read(weights, base)
    fields = dict(known.model)
    if base is not None:
        fields["autoencoder"] = str(base.resolve())
    if known.reads_text:
        assert base is not None
        encoder = text_encoder(base, after="release")
        save_book(write_book(encoder, standard_texts(), device), out / f"{PROMPTS}.new")
        fields["prompts"] = str((out / f"{PROMPTS}.new").resolve())
    config = ModelConfig(network=network.config, licence=known.licence, **fields)
    Restorer(config, network).save_pretrained(out, dtype)
    (out / f"{PROMPTS}.new").unlink(missing_ok=True)
    (out / catalog.CARD).write_text(_card(name, known, base), encoding="utf-8")
    catalog.write_checksums(out)
    return config


def _card(name: str, known: Published, base: Path | None) -> str:
    places = f"The autoencoder is read from `{base}`.\n" if base is not None else ""
    return (
        f"# {name}\n\n{known.what}, converted from {known.download}.\n\n"
        f"Licence of the weights: {known.licence}. What you make with them falls under it.\n{places}"
    )
