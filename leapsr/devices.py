"""Where to compute, and in which precision."""

import torch

from .errors import UsageError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str | torch.device) -> torch.device:
    """The first of CUDA, MPS, CPU that works for "auto". Raises UsageError for a device that is not there."""
    if not isinstance(name, str | torch.device):
        raise UsageError(f"A device is auto, cpu, cuda, cuda:0 or mps, not {name!r}.")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"There is no device '{name}'; use auto, cpu, cuda, cuda:0 or mps.") from None
    if not _is_there(device):
        raise UsageError(f"This computer has no usable '{name}'; take auto or cpu as the device.")
    return device


def has_bfloat16(device: torch.device) -> bool:
    """Whether it computes in bfloat16 itself.

    Where that is only imitated, it takes longer than float32: three times as long on an Ice Lake core.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    known = torch.cpu.get_capabilities()
    return any(known.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16", "arm_bf16"))


def _is_there(device: torch.device) -> bool:
    if device.type == "cuda":
        return (device.index or 0) < torch.cuda.device_count()
    return device.type == "cpu" or (device.type == "mps" and torch.backends.mps.is_available())


def choose_dtype(
    name: str | torch.dtype, device: torch.device, half: torch.dtype = torch.float16
) -> torch.dtype:
    """For "auto" `half`, the model's, on CUDA cards that have it, and fp32 elsewhere.

    Raises UsageError for an unknown name.
    """
    if isinstance(name, torch.dtype) and name in DTYPES.values():
        return name
    if name == "auto":
        fast = device.type == "cuda" and (half != torch.bfloat16 or has_bfloat16(device))
        return half if fast else torch.float32
    if name not in DTYPES:
        raise UsageError(f"dtype is auto, {', '.join(DTYPES)}, not '{name}'.")
    return DTYPES[name]
