"""Networks and methods of other packages, and finding the config class of a kind.

A package that calls `networks.register` or `methods.register` on import can name its module as an entry point
of the group "leapsr". It is then imported when a config names a kind that is not known yet.
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from .errors import UnknownName

GROUP = "leapsr"


class Row(Protocol):
    @property
    def config(self) -> type[BaseModel]: ...


RowT = TypeVar("RowT", bound=Row)


@cache
def load_plugins() -> None:
    """Import every installed module that registers networks or methods, once."""
    for point in entry_points(group=GROUP):
        point.load()


def find_row(what: str, kind: str, table: Mapping[str, RowT]) -> RowT:
    """Raises UnknownName, listing the kinds that are known."""
    if kind not in table:
        load_plugins()
    if kind not in table:
        raise UnknownName(what, kind, table)
    return table[kind]


def parse_config(what: str, value: Any, table: Mapping[str, RowT]) -> Any:
    """The config that a mapping with a `kind` describes; any other value as it is, for pydantic to judge.

    Raises what pydantic expects of a validator, with the known kinds where there is none or another.
    """
    if not isinstance(value, Mapping):
        return value
    try:
        row = find_row(what, str(value.get("kind")), table)
    except UnknownName as error:
        raise PydanticCustomError("unknown_kind", "{message}", {"message": str(error).rstrip(".")}) from error
    return row.config.model_validate(value)
