"""Whether tensors fill a network."""

from collections.abc import Mapping

from torch import Tensor


def find_misfit(needed: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str | None:
    """The first difference of two state dicts in names or shapes, as a clause; None where they fit."""
    problems = [f"'{name}' is missing" for name in needed.keys() - given.keys()]
    problems += [f"'{name}' is not of this network" for name in given.keys() - needed.keys()]
    problems += [
        f"'{name}' has shape {tuple(given[name].shape)} where {tuple(needed[name].shape)} is needed"
        for name in needed.keys() & given.keys()
        if given[name].shape != needed[name].shape
    ]
    if not problems:
        return None
    return min(problems) + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")
