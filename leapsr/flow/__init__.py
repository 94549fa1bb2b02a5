"""The mathematics of one ODE: its path, its times, its guidance, its solvers."""

from .guidance import guide, meanflow_guide
from .path import AverageVelocity, PathPoint, Velocity, at, interpolate, jump
from .solvers import SLOPES, SolverName, follow, rk45, solve
from .source import Source, SourceKind
from .straightness import straightness
from .times import (
    GRIDS,
    GridName,
    PairLaw,
    coin,
    cosine_grid,
    late,
    logit_normal,
    logit_normal_pairs,
    pairs,
    portion,
    shifted_grid,
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
    "at",
    "coin",
    "cosine_grid",
    "follow",
    "guide",
    "interpolate",
    "jump",
    "late",
    "logit_normal",
    "logit_normal_pairs",
    "meanflow_guide",
    "pairs",
    "portion",
    "rk45",
    "shifted_grid",
    "solve",
    "straightness",
    "uniform",
    "uniform_grid",
    "uniform_pairs",
]
