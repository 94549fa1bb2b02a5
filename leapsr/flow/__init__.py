"""The mathematics of one ODE: its path, its times, its guidance, its solvers."""

from .guidance import guide, meanflow_guide
from .path import AverageVelocity, PathPoint, Velocity, expand_as_batch, interpolate, jump
from .solvers import SLOPES, SolverName, follow, rk45, solve
from .source import Source, SourceKind
from .straightness import straightness
from .times import (
    GRIDS,
    GridName,
    PairLaw,
    cosine_grid,
    host_uniform,
    logit_normal,
    logit_normal_pairs,
    pairs,
    sample_times_2t,
    shifted_grid,
    stochastic_count,
    uniform,
    uniform_grid,
    uniform_pairs,
)

__all__ = [
    "GRIDS",
    "SLOPES",
    "AverageVelocity",
    "GridName",
    "PairLaw",
    "PathPoint",
    "SolverName",
    "Source",
    "SourceKind",
    "Velocity",
    "cosine_grid",
    "expand_as_batch",
    "follow",
    "guide",
    "host_uniform",
    "interpolate",
    "jump",
    "logit_normal",
    "logit_normal_pairs",
    "meanflow_guide",
    "pairs",
    "rk45",
    "sample_times_2t",
    "shifted_grid",
    "solve",
    "stochastic_count",
    "straightness",
    "uniform",
    "uniform_grid",
    "uniform_pairs",
]
