"""The teacher: conditional flow matching from any source (Lipman et al., arXiv:2210.02747).

With the source of OFTSR eq. 4 this is the first stage of OFTSR (eq. 5); with noise it is the rectified
flow that MFSR and SMFSR distil; with the low-resolution image itself it is FlowSR's flow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from torch import Tensor

from .. import flow
from .base import Batch, Losses, MethodConfigBase, Networks, Norm, distance
from .restore import Region


class TeacherConfig(MethodConfigBase):
    """norm: the discrepancy of OFTSR eq. 5. "l2" learns the mean velocity, "l1" its median.

    times: "uniform" (the paper's), or "late" with density 2t.
    at_source: share of the batch at t = 1 exactly (0 in the paper). There the network has only the
    low-resolution
    image: plain regression, which is what fidelity 1 uses.
    """

    region = Region.DIAGONAL

    kind: Literal["teacher"] = "teacher"
    norm: Norm = "l2"
    times: Literal["uniform", "late"] = "uniform"
    at_source: float = Field(0.0, ge=0, le=1)


DEFAULTS = TeacherConfig()


@dataclass(frozen=True)
class Teacher:
    networks: Networks
    config: TeacherConfig = DEFAULTS

    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        t = self.times(len(batch.image), batch).to(batch.image)
        x, v = flow.interpolate(batch.image, batch.source, t)
        yield (
            "student",
            {"flow": distance(self.networks.student(x, t, t, batch.cond), v, self.config.norm).mean()},
        )

    def times(self, n: int, batch: Batch) -> Tensor:
        draw = flow.sample_times_2t if self.config.times == "late" else flow.uniform
        t = draw(n, batch.generator)
        t[: flow.stochastic_count(n, self.config.at_source, batch.generator)] = 1
        return t
