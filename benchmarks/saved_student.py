"""How far an MFSR student is from itself after it was saved and loaded, at SD3.5's width (1536).

    python benchmarks/saved_student.py

Two blocks of random weights: |u_loaded(x, 1, 0) - u(x, 1, 0)| / |u(x, 1, 0)|, for each start of its times and
each precision, beside the teacher's own error in bfloat16.
"""

from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from leapsr.flow import Source
from leapsr.networks import Condition, Prompt, registry
from leapsr.networks.mmdit.config import MMDiTConfig
from leapsr.networks.mmdit.network import MMDiT
from leapsr.restorer import ModelConfig, Restorer

TEACHER = MMDiTConfig(num_layers=2, dual_attention_layers=(0,), sample_size=32, pos_embed_max_size=32)


@torch.no_grad()
def one_step(network: nn.Module, dtype: torch.dtype = torch.float32) -> Tensor:
    """u(x, 1, 0)."""
    generator = torch.Generator().manual_seed(1)
    x, lr = torch.randn(2, 1, 16, 8, 8, generator=generator)
    tokens, pooled = torch.randn(1, 4, 4096, generator=generator), torch.randn(1, 2048, generator=generator)
    cond = Condition(lr, prompt=Prompt(tokens, pooled))
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        found: Tensor = network(x, torch.ones(1), torch.zeros(1), cond)
    return found.float()


def off(found: Tensor, truth: Tensor) -> float:
    return ((found - truth).norm() / truth.norm()).item()


def main() -> None:
    torch.manual_seed(0)
    teacher = MMDiT(TEACHER)
    for parameter in teacher.parameters():
        nn.init.normal_(parameter, std=0.7 / max(1, parameter[0].numel()) ** 0.5)
    print("| student's times | fp32 | bf16 | fp16 |\n|---|---|---|---|")
    for start in ("published", "refit"):
        switches = {"time_conditioning": "add_r", "time_scale": 1.0, "time_start": start}
        student = registry.init_from(TEACHER.model_copy(update=switches), teacher, True)
        truth, errors = one_step(student), []
        with TemporaryDirectory() as folder:
            model = ModelConfig(method="mfsr", network=student.config, source=Source(kind="noise"))
            Restorer(model, student).save_pretrained(folder)
            for dtype in (torch.float32, torch.bfloat16, torch.float16):
                loaded = Restorer.from_pretrained(folder, dtype=dtype).network
                errors.append(f"{off(one_step(loaded, dtype), truth):.4f}")
        print(f"| {start} | {' | '.join(errors)} |")
    truth = one_step(teacher)
    print(f"the teacher in bf16: {off(one_step(teacher.bfloat16(), torch.bfloat16), truth):.4f}")


if __name__ == "__main__":
    main()
