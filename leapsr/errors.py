"""Every error that leapsr raises on purpose, and the exit code that the command line gives it.

::

    LeapsrError
    ├── UsageError            2  an argument that cannot work, said before any work is done
    │   ├── UnknownName       2  a model, recipe, method, ... that does not exist; lists those that do
    │   ├── ConfigError       2  a configuration with a missing, misspelt or impossible field
    │   └── MissingExtra      2  an optional library is not installed; names the pip command
    ├── WeightsError          3  a model's weights cannot be had or do not fit their config
    ├── ImageError            1  one picture cannot be read or handled; the batch goes on
    ├── OutputError           1  a result cannot be written (no permission)
    │   └── DiskFull          1  nor could any other; the batch ends
    ├── DataError             1  a folder of training or evaluation pictures that cannot be used
    └── TrainingError         1  a run that cannot go on (loss not finite, state that does not fit)

The message is one sentence for the person at the keyboard and says what to do next.
"""

import importlib
from collections.abc import Iterable
from difflib import get_close_matches
from types import ModuleType


class LeapsrError(Exception):
    exit_code = 1


class UsageError(LeapsrError):
    exit_code = 2


class UnknownName(UsageError):
    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        self.found = (kind, name, names)
        close = get_close_matches(name, names, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        super().__init__(f"There is no {kind} '{name}'.{hint} Known: {', '.join(names) or 'none'}.")

    def __reduce__(self) -> tuple[type, tuple[str, str, list[str]]]:
        """It has to come back from worker processes, and is not made from its message."""
        return type(self), self.found


class ConfigError(UsageError):
    pass


class MissingExtra(UsageError):
    pass


class WeightsError(LeapsrError):
    exit_code = 3


class ImageError(LeapsrError):
    pass


class OutputError(LeapsrError):
    pass


class DiskFull(OutputError):
    pass


class DataError(LeapsrError):
    pass


class TrainingError(LeapsrError):
    pass


def first_line(error: BaseException) -> str:
    """What an error of another library says, or its kind where it says nothing."""
    return (str(error) or type(error).__name__).splitlines()[0]


def optional(module: str, extra: str) -> ModuleType:
    """Import a library that only one of the extras needs.

    Raises MissingExtra with the pip command when it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise MissingExtra(f"This needs {package}: pip install 'leapsr[{extra}]'.") from error
