"""Tiny students of the MM-DiT and one step of the methods that train them."""

import torch

from leapsr import methods
from leapsr.methods import Batch, MfsrConfig, Networks, SmfsrConfig
from leapsr.networks import Condition, Prompt, Quality
from leapsr.networks.lora import lora_parameters
from leapsr.networks.mmdit.network import MMDiT
from leapsr.networks.mmdit.student import refit_time, student_of, train_adapters
from leapsr.networks.mmdit.time import FREQUENCIES
from leapsr.networks.timestep import PERIOD
from tests.networks.mmdits import inputs, randomised, tiny


def slow(teacher: MMDiT, fastest: float = 20.0) -> MMDiT:
    """A teacher whose embedding knows no frequency above `fastest` radians a unit of t."""
    frequencies = 1000 * PERIOD ** (-torch.arange(FREQUENCIES) / FREQUENCIES)
    with torch.no_grad():
        teacher.time_text_embed.timestep_embedder.linear_1.weight[:, (frequencies > fastest).repeat(2)] = 0
    return teacher


def disturb(student: MMDiT) -> None:
    """So that it is not its teacher, and no layer at zero hides another."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for p in lora_parameters(student):
            p.add_(0.2 * torch.randn(p.shape, generator=generator))
        for p in student.time_text_embed.r_embedder.linear_2.parameters():
            p.add_(0.002 * torch.randn(p.shape, generator=generator))


def batch(seed: int = 0) -> Batch:
    """Four samples with a good and a bad prompt each; the seed is of images, noise and times."""
    _, _, _, cond = inputs(8, 8, batch=4)
    text = cond.prompt
    bad = Prompt(text.tokens.flip(0), text.pooled.flip(0))
    generator = torch.Generator().manual_seed(seed)
    image, source = torch.randn(2, *cond.lr.shape, generator=generator)
    cond = Condition(cond.lr, prompt=text, prompts={Quality.BAD: bad, Quality.GOOD: text})
    return Batch(image, source, cond, generator)


def losses(config: MfsrConfig | SmfsrConfig, student: MMDiT, teacher: MMDiT, seed: int = 0) -> torch.Tensor:
    method = methods.build(config, Networks(student=student, unwrapped=student, teacher=teacher))
    [(_, found)] = method(batch(seed))
    return sum(found.values())


def gradients(
    config: MfsrConfig | SmfsrConfig, student: MMDiT, teacher: MMDiT, seed: int = 0
) -> dict[str, torch.Tensor]:
    student.zero_grad()
    losses(config, student, teacher, seed).backward()
    return {name: p.grad.clone() for name, p in student.named_parameters() if p.grad is not None}


def pair(**switches: object) -> tuple[MMDiT, MMDiT]:
    """A teacher and a student that has begun to differ."""
    teacher = slow(randomised(tiny(**switches)))
    student = student_of(teacher)
    refit_time(student)
    train_adapters(student, rank=4)
    disturb(student)
    return teacher, student
