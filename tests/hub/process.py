"""One of two processes of a run, which leaves the weights of every network that it trained.

torch.distributed.run starts it with: config.json, data, out, teacher ("" for none), start (likewise).
"""

import sys
from pathlib import Path

import torch

from leapsr.train import config, launch
from leapsr.train.loop import Run, fit
from tests.train.process import weights


def main(file: str, data: str, out: str, teacher: str, start: str) -> None:
    def recorded(run: Run) -> None:
        fit(run)
        torch.save(weights(run), Path(out) / f"rank{run.accelerator.process_index}.pt")

    launch.fit = recorded
    given = {name: Path(folder) for name, folder in (("teacher", teacher), ("start", start)) if folder}
    launch.run(config.read(Path(file)), data, Path(out), cpu=True, **given)


if __name__ == "__main__":
    main(*sys.argv[1:])
