"""Options that several verbs have, and what to say when memory runs out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer

from ..errors import DataError

Device = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")]
Dtype = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"],
    typer.Option(metavar="NAME", help="Precision: auto, fp32, bf16 or fp16."),
]

Suffix = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help="What follows each caption; auto: the words of the model's family; none: nothing.",
    ),
]


def suffix_of(text: str) -> str | None:
    """The value of --suffix; None is the words of the model's family."""
    return {"auto": None, "none": ""}.get(text, text)


Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that are there.")]


@contextmanager
def enough_memory() -> Iterator[None]:
    """Raises DataError when there is not, on whatever device."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        from ..memory import is_oom

        if not is_oom(error):
            raise
        raise DataError(
            "There is not enough memory: it must hold whole pictures. Use smaller ones or '--device cpu'."
        ) from error
