"""One of two processes of a run, which leaves the weights of every network that it trained.

torch.distributed.run starts it with: photos, out, teacher ("" for none), start (likewise), recipe,
settings...
"""

import sys
from pathlib import Path

import torch

from leapsr.train import config, launch, recipes
from leapsr.train.loop import Run, fit


def weights(run: Run) -> dict[str, torch.Tensor]:
    """Of all networks that train and the average, in one dict."""
    networks = {name: run.accelerator.unwrap_model(net) for name, net in run.networks.items()}
    networks["average"] = run.average.network
    return {f"{n}/{key}": value for n, net in networks.items() for key, value in net.state_dict().items()}


def main(photos: str, out: str, teacher: str, start: str, recipe: str, *settings: str) -> None:
    def recorded(run: Run) -> None:
        fit(run)
        torch.save(weights(run), Path(out) / f"rank{run.accelerator.process_index}.pt")

    launch.fit = recorded
    resolved = config.override(recipes.get(recipe), settings)
    folders = {"teacher": teacher, "start": start}
    given = {name: Path(folder) for name, folder in folders.items() if folder}
    launch.run(resolved, photos, Path(out), cpu=True, **given)


if __name__ == "__main__":
    main(*sys.argv[1:])
