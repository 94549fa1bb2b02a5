"""One of two processes of runs, which leaves the weights of every network that it trained.

torch.distributed.run starts it with: photos, out, teacher, start, recipes (with commas), settings...
"""

import os
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


def needs(recipe: str, teacher: Path, start: Path) -> dict[str, Path]:
    """The models that a recipe begins with, by the argument of `launch.run`."""
    given = {} if recipe in ("teacher_tiny", "dial_tiny") else {"teacher": teacher}
    return given | {"start": start} if recipe == "refine_tiny" else given


def main(photos: str, out: str, teacher: str, start: str, names: str, *settings: str) -> None:
    # Each run ends its process group. The next one meets at a port of its own, one further: at the old one it
    # found the addresses that the last one left, and waited for ever. Other tests keep away from those ports.
    os.environ["TORCHELASTIC_USE_AGENT_STORE"] = "False"
    first_port = int(os.environ["MASTER_PORT"]) + 1
    for port, recipe in enumerate(names.split(","), first_port):
        os.environ["MASTER_PORT"] = str(port)
        folder = Path(out) / recipe

        def recorded(run: Run, folder: Path = folder) -> None:
            fit(run)
            torch.save(weights(run), folder / f"rank{run.accelerator.process_index}.pt")

        launch.fit = recorded
        resolved = config.override(recipes.get(recipe), settings)
        launch.run(resolved, photos, folder, cpu=True, **needs(recipe, Path(teacher), Path(start)))


if __name__ == "__main__":
    main(*sys.argv[1:])
