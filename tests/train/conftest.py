from pathlib import Path

import pytest
from PIL import Image

from leapsr.restorer import Restorer
from tests.conftest import picture_array

QUICK = ["data.crop=32", "batch=2", "log_every=5", "validate_every=20", "optimizer.ema=0.9"]


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        Image.fromarray(picture_array(80 + 8 * seed, 96, seed)).save(folder / f"{seed}.png")
    return folder


def relabelled(model: Path, method: str, folder: Path) -> Path:
    """The same weights as a model of another method, in `folder`."""
    found = Restorer.from_pretrained(model)
    other = Restorer(found.config.model_copy(update={"method": method}), found.network)
    other.save_pretrained(folder / method)
    return folder / method
