"""The mathematics of one ODE: its path, its times, its solvers."""

from .path import AverageVelocity, PathPoint, Velocity, at, interpolate, jump
from .solvers import SLOPES, SolverName, follow, rk45, solve
from .source import Source, SourceKind
from .straightness import straightness
from .times import late, uniform, uniform_grid

__all__ = [
    "SLOPES",
    "AverageVelocity",
    "PathPoint",
    "SolverName",
    "Source",
    "SourceKind",
    "Velocity",
    "at",
    "follow",
    "interpolate",
    "jump",
    "late",
    "rk45",
    "solve",
    "straightness",
    "uniform",
    "uniform_grid",
]
