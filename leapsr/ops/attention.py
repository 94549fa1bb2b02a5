"""Attention, by the fused kernels or by its formula (Vaswani et al., arXiv:1706.03762, eq. 1).

The fused kernels are fast and need no memory for the probabilities, but have no forward-mode derivative and
no second one. `directional_derivative` therefore leaves PyTorch nothing but its mathematical backend (by
torch.nn.attention.sdpa_kernel), and where that is so, `attention` computes the formula here, some queries at
a time: one network takes the fused kernels in its plain forward and backward pass, and the formula inside
the derivative, without an option.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Kernel = Literal["fused", "math", "chunked"]

QUERIES = 256
"""At a time. Of 2,381 tokens (a 512-pixel picture and its text), a ninth of the whole matrix."""


def attention(q: Tensor, k: Tensor, v: Tensor, kernel: Kernel = "fused", queries: int = QUERIES) -> Tensor:
    """softmax(q k^T / sqrt(D)) v. q: (..., N, D); k, v: (..., M, D) -> (..., N, D).

    kernel: "fused" is PyTorch's choice, or "chunked" where only its mathematical backend is allowed. "math"
    computes the formula at once and "chunked" for `queries` rows at a time; both have every derivative.
    Without gradients, "chunked" needs memory for queries x M probabilities a head, instead of N x M; with
    gradients all are kept for the backward pass. The softmax is at least float32.
    """
    if kernel == "fused" and _fused_is_allowed():
        return F.scaled_dot_product_attention(q, k, v)
    if kernel == "math":
        return _formula(q, k, v)
    return torch.cat([_formula(part, k, v) for part in q.split(queries, dim=-2)], dim=-2)


def _formula(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    probabilities = scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32))
    return probabilities.to(v.dtype) @ v


def _fused_is_allowed() -> bool:
    """Whether torch.nn.attention.sdpa_kernel leaves more than the mathematical backend, on any device.

    The compiler cannot ask, and need not: nothing compiled runs inside a derivative.
    """
    if torch.compiler.is_compiling():
        return True
    backends = torch.backends.cuda
    return (
        backends.flash_sdp_enabled() or backends.mem_efficient_sdp_enabled() or backends.cudnn_sdp_enabled()
    )
