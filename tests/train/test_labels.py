import torch

from leapsr.networks import Quality
from leapsr.train import labels
from leapsr.train.config import DataConfig


def drawn(bad: float, unlabelled: float, n: int = 20_000) -> tuple[torch.Tensor, torch.Tensor]:
    config, generator = DataConfig(bad=bad, unlabelled=unlabelled), torch.Generator().manual_seed(0)
    damaged, quality = labels.draw(n, config, generator, torch.device("cpu"))
    return (~damaged).double(), quality


def test_shares_and_that_a_label_tells_the_truth():
    asked, quality = drawn(bad=0.1, unlabelled=0.2)
    assert abs((quality == Quality.NONE).double().mean() - 0.2) < 0.01
    assert abs((asked == 0).double().mean() - 0.1) < 0.01
    assert (asked[quality == Quality.GOOD] == 1).all()
    assert (asked[quality == Quality.BAD] == 0).all()
    unlabelled = asked[quality == Quality.NONE]
    assert abs((unlabelled == 0).double().mean() - 0.1) < 0.02  # dropped from good and bad alike


def test_without_shares_all_is_good():
    asked, quality = drawn(0, 0)
    assert (asked == 1).all()
    assert (quality == Quality.GOOD).all()
