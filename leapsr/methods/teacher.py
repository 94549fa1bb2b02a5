"""The teacher: conditional flow matching from any source (Lipman et al., arXiv:2210.02747).

With the source of OFTSR eq. 4 this is the first stage of OFTSR (eq. 5); with noise it is the rectified
flow that MFSR and SMFSR distil; with the low-resolution image itself it is FlowSR's flow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from .. import flow
from .base import Batch, Losses, Network, Norm, distance


class TeacherConfig(BaseModel):
    """norm: the discrepancy of OFTSR eq. 5. "l2" learns the mean velocity, "l1" its median.

    times: "uniform" (the paper's), or "late" with density 2t.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["teacher"] = "teacher"
    norm: Norm = "l2"
    times: Literal["uniform", "late"] = "uniform"


DEFAULTS = TeacherConfig()


@dataclass(frozen=True)
class Teacher:
    student: Network
    config: TeacherConfig = DEFAULTS

    def __call__(self, batch: Batch) -> Iterator[tuple[str, Losses]]:
        draw = flow.late if self.config.times == "late" else flow.uniform
        t = draw(len(batch.image), batch.generator).to(batch.image)
        x, v = flow.interpolate(batch.image, batch.source, t)
        yield "student", {"flow": distance(self.student(x, t, t, batch.cond), v, self.config.norm).mean()}
