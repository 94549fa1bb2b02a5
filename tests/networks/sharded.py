"""One of two processes that share the weights of a student (FSDP2), each with a batch of its own.

torch.distributed.run starts it. It fails unless every gradient is the mean of those of the two batches, and
the second step's loss, after an update, is that of a student that is not shared out.
"""

import torch
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard

from leapsr.methods import MfsrConfig, SmfsrConfig
from tests.networks.students import gradients, losses, pair

CONFIGS = (MfsrConfig(), SmfsrConfig())


def alone(config: MfsrConfig | SmfsrConfig, rank: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """The mean gradients of both batches, and the loss on this rank's after one step."""
    teacher, student = pair()
    parts = [gradients(config, student, teacher, seed) for seed in (0, 1)]
    mean = {name: (parts[0][name] + parts[1][name]) / 2 for name in parts[0]}
    for name, p in student.named_parameters():
        p.grad = mean.get(name)
    torch.optim.SGD([p for p in student.parameters() if p.requires_grad], 1e-3).step()
    return mean, losses(config, student, teacher, rank).detach()


def check(config: MfsrConfig | SmfsrConfig) -> None:
    rank = dist.get_rank()
    expected, after = alone(config, rank)
    teacher, student = pair(gradient_checkpointing=True)
    mesh = dist.init_device_mesh("cpu", (2,))
    for block in student.transformer_blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(student, mesh=mesh)
    losses(config, student, teacher, rank).backward()
    trained = {name: p for name, p in student.named_parameters() if p.requires_grad}
    assert trained.keys() == expected.keys()
    for name, p in trained.items():
        torch.testing.assert_close(p.grad.full_tensor(), expected[name], rtol=1e-3, atol=1e-5)
    torch.optim.SGD(list(trained.values()), 1e-3).step()
    torch.testing.assert_close(losses(config, student, teacher, rank).detach(), after, rtol=1e-4, atol=0)


def main() -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    for config in CONFIGS:
        check(config)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
