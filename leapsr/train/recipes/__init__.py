"""The recipes: named training runs, each a function that returns a whole configuration."""

from collections.abc import Callable

from ...errors import UnknownName
from ..config import TrainConfig
from . import base, full_size, small

RECIPES: dict[str, Callable[[], TrainConfig]] = {
    recipe.__name__: recipe
    for recipe in (
        small.teacher_tiny,
        small.oftsr_tiny,
        small.mfsr_tiny,
        small.smfsr_tiny,
        small.flowsr_tiny,
        small.dial_tiny,
        small.refine_tiny,
        small.teacher_small,
        small.oftsr_small,
        small.mfsr_small,
        small.smfsr_small,
        small.flowsr_small,
        small.dial_small,
        small.dial_medium,
        small.refine_small,
        base.teacher_base,
        base.oftsr_base,
        base.mfsr_base,
        base.smfsr_base,
        base.flowsr_base,
        base.dial_base,
        base.dial_large,
        base.refine_base,
        full_size.dit4sr_sd35,
        full_size.mfsr_sd35,
        full_size.smfsr_sd35,
        full_size.smfsr_sd35_refine,
        full_size.oftsr_ffhq_teacher,
        full_size.oftsr_ffhq,
        full_size.oftsr_ffhq_noisy_teacher,
        full_size.oftsr_ffhq_noisy,
        full_size.oftsr_div2k_teacher,
        full_size.oftsr_div2k,
        full_size.oftsr_imagenet_teacher,
        full_size.oftsr_imagenet,
        full_size.oftsr_resshift_flow_teacher,
        full_size.oftsr_resshift_flow,
        full_size.oftsr_resshift,
        full_size.oftsr_dit4sr,
        full_size.flowsr_sd21,
        full_size.flowsr_sd21_consistent,
    )
}
FULL_SIZE = [name for name, recipe in RECIPES.items() if recipe.__module__ == full_size.__name__]
"""Those of the papers' own runs."""


def get(name: str) -> TrainConfig:
    """Raises UnknownName, which lists the recipes there are."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]()


def describe(name: str) -> str:
    """What a recipe is for, in one line."""
    return (RECIPES[name].__doc__ or "").partition("\n")[0]
