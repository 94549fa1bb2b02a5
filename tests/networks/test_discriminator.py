import pytest
import torch
from pydantic import ValidationError

from leapsr.networks import PRESETS, Condition, UNet
from leapsr.networks.discriminator import FeatureCritic, FeatureHeads, FeatureHeadsConfig


def heads(seed: int = 0, **config) -> FeatureHeads:
    torch.manual_seed(seed)
    return FeatureHeads(FeatureHeadsConfig(**({"channels": (6, 10), "width": 8} | config)))


def maps(batch: int = 2, seed: int = 1) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, c, s, s + 1, generator=generator) for c, s in ((6, 12), (10, 5))]


@pytest.mark.parametrize("norm", ["group", "spectral"])
def test_one_score_for_each_position_of_each_map(norm):
    assert [tuple(score.shape) for score in heads(norm=norm)(maps())] == [(2, 1, 12, 13), (2, 1, 5, 6)]


@pytest.mark.parametrize("norm", ["group", "spectral"])
def test_a_sample_is_judged_without_its_neighbours(norm):
    network = heads(norm=norm).eval()
    together, alone = network(maps()), network([part[1:] for part in maps()])
    for both, one in zip(together, alone, strict=True):
        torch.testing.assert_close(both[1:], one, rtol=1e-5, atol=1e-5)


def test_each_head_reads_its_own_map():
    network, (fine, coarse) = heads(), maps()
    before, after = network([fine, coarse]), network([fine, coarse + 1])
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1])


def test_spectral_norm_makes_a_head_local_and_bounds_it():
    """A change of one position reaches two positions further, and no score grows by more than the norms say.

    A 3 x 3 convolution of unit spectral norm as a matrix has at most norm 3 as a map (9 shifts, by Cauchy).
    """
    network = heads(norm="spectral")
    fine, coarse = maps(batch=1)
    for _ in range(50):  # power iteration
        network([fine, coarse])
    network.eval()
    moved = fine.clone()
    moved[..., 6, 6] += 1
    difference = (network([moved, coarse])[0] - network([fine, coarse])[0])[0, 0]
    rows, columns = difference.nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 8, 4, 8)
    assert 0 < difference.norm() <= 3 * (1 + 3) * (moved - fine).norm()


def test_the_heads_fit_the_features_of_the_default_network():
    config = PRESETS["tiny"]
    network = UNet(config)
    lr = torch.randn(2, 3, 6, 7, generator=torch.Generator().manual_seed(0))
    t = torch.full((2,), 0.5)
    features = network.features(torch.randn(2, 3, 24, 28), t, t, Condition(lr))
    scores = heads(channels=(*config.widths, *config.widths[-2::-1]))(features)
    assert [score.shape[-2:] for score in scores] == [part.shape[-2:] for part in features]


@pytest.mark.parametrize("norm", ["group", "spectral"])
def test_a_hinge_loss_teaches_them(norm):
    """Real features have structure, the others have not; a few steps tell the two apart."""
    network, generator = heads(channels=(4,), width=32, norm=norm), torch.Generator().manual_seed(2)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)

    def scores() -> tuple[torch.Tensor, torch.Tensor]:
        noise = torch.randn(16, 4, 8, 8, generator=generator)
        smooth = torch.nn.functional.avg_pool2d(noise, 3, 1, 1) * 3
        return network([smooth])[0], network([noise])[0]

    for _ in range(100):
        real, fake = scores()
        loss = (1 - real).relu().mean() + (1 + fake).relu().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    real, fake = scores()
    assert real.mean() > 0.5 > -0.5 > fake.mean()


def test_a_critic_of_pictures_has_the_scores_of_all_heads():
    """Row by row, whatever the sizes of the maps; the small image is not looked at."""
    critic = FeatureCritic(FeatureHeadsConfig(channels=(6, 10), width=8))
    scores = critic(maps(), torch.full((2, 3, 4, 4), torch.nan))
    assert scores.shape == (2, 12 * 13 + 5 * 6)
    fine, coarse = critic.heads(maps())
    assert torch.equal(scores, torch.cat([fine.view(2, -1), coarse.view(2, -1)], dim=1))


def test_a_map_too_many_is_refused():
    with pytest.raises(ValueError, match="zip"):
        heads()([*maps(), torch.zeros(2, 4, 3, 3)])


@pytest.mark.parametrize("values", [{"channels": ()}, {"channels": (0,)}, {"channels": (4,), "heads": 2}])
def test_impossible_sizes_are_refused(values):
    with pytest.raises(ValidationError):
        FeatureHeadsConfig(**values)
