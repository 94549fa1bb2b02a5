"""How many calls lie between a command and the network: the stack at its first forward, and what was touched.

    python benchmarks/frames.py upscale PHOTO [--tile 64 ...]
    python benchmarks/frames.py train RECIPE PHOTOS [--set steps=2 ...]

The arguments are those of `leapsr upscale` and `leapsr train`. Counts functions of leapsr alone, without what
runs while modules are imported; files of other libraries do not count.
"""

import inspect
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import leapsr
from leapsr.cli.main import main
from leapsr.networks import UNet

ROOT = Path(leapsr.__file__).parent


def name(frame: FrameType) -> str | None:
    """cli/upscale.py:upscale; None for code of others."""
    file = Path(frame.f_code.co_filename)
    return f"{file.relative_to(ROOT)}:{frame.f_code.co_qualname}" if file.is_relative_to(ROOT) else None


def stack(frame: FrameType | None) -> list[str]:
    """Of leapsr, outermost first."""
    names = []
    while frame is not None:
        names.append(name(frame))
        frame = frame.f_back
    return [each for each in reversed(names) if each is not None]


def is_imported(frame: FrameType | None) -> bool:
    while frame is not None:
        if "importlib" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def run(arguments: list[str]) -> tuple[list[str], set[str]]:
    """The stack at the first forward, and the functions that were called."""
    first: list[str] = []
    called: set[str] = set()
    forward = UNet.forward

    def watched(self: UNet, *args: Any, **options: Any) -> Any:
        if not first:
            first.extend(stack(sys._getframe(1)))
        return forward(self, *args, **options)

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a function, no class or module
            known = name(frame)
            if known is not None and known not in called and not is_imported(frame):
                called.add(known)

    UNet.forward = watched  # type: ignore[method-assign]
    sys.argv = ["leapsr", *arguments]
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        main()
    except SystemExit:
        pass
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return first, called


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        frames, functions = run(
            [*sys.argv[1:], "-o", f"{folder}/out.png" if sys.argv[1] == "upscale" else folder]
        )
    print(f"{len(frames)} frames at the network's forward:", *frames, sep="\n  ")
    files = {function.partition(":")[0] for function in functions}
    print(f"{len(functions)} functions in {len(files)} files of leapsr {leapsr.__version__}")
