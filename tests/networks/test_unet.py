import pytest
import torch
from pydantic import ValidationError
from unets import inputs, randomised

from leapsr.networks import PRESETS, Condition, UNet, UNetConfig
from leapsr.ops.damage import of_pictures


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 7), (8, 8), (3, 17)])
def test_any_size_and_scale(scale, height, width):
    config = PRESETS["tiny"].model_copy(update={"scale": scale})
    arguments = inputs(config, height, width)
    assert randomised(config)(*arguments).shape == arguments[0].shape


@pytest.mark.parametrize(
    ("preset", "low", "high"),
    [("tiny", 1e4, 3e4), ("small", 1e6, 1.6e6), ("base", 6e6, 8e6), ("large", 1e7, 1.2e7)],
)
def test_presets_have_the_size_they_promise(preset, low, high):
    with torch.device("meta"):
        count = sum(p.numel() for p in UNet(PRESETS[preset]).parameters())
    assert low <= count <= high


def test_an_untrained_network_predicts_zero():
    """Gains and last convolution start at zero: the first step sees the loss of the constant 0."""
    assert UNet(PRESETS["tiny"])(*inputs(PRESETS["tiny"], 6, 6)).abs().max() == 0


def test_forgetting_the_interval_keeps_the_diagonal_and_shuts_r_out_of_the_embedding():
    network = randomised(PRESETS["tiny"])
    x, t, r, cond = inputs(PRESETS["tiny"], 6, 5)
    diagonal, embedding = network(x, t, t, cond), network.time
    assert (embedding(t, r) - embedding(t, t)).abs().max() > 1e-3
    network.reset_interval_embedding()
    torch.testing.assert_close(network(x, t, t, cond), diagonal)
    torch.testing.assert_close(embedding(t, r), embedding(t, t), rtol=0, atol=0)


@pytest.mark.parametrize("blocks", [(1, 1), (2, 0, 1)])
def test_the_receptive_field_is_bounded_by_the_radius_and_reaches_beyond_half_of_it(blocks):
    """Which inputs have a gradient on one output pixel, for a pixel at each position of a stride."""
    config = UNetConfig(widths=(8, 8, 8)[: len(blocks)], blocks=blocks, embedding=8)
    network = randomised(config)
    side, reached = 2 * network.radius + 9, 0
    x, t, r, cond = inputs(config, side, side, batch=1)
    for offset in range(network.alignment):
        x.requires_grad_(True), cond.lr.requires_grad_(True)
        centre = side // 2 + offset
        out = network(x, t, r, cond)[..., 4 * centre : 4 * centre + 4, 4 * centre : 4 * centre + 4].sum()
        for gradient, scale in zip(torch.autograd.grad(out, [x, cond.lr]), (4, 1), strict=True):
            rows = gradient.abs().sum((0, 1, 3)).nonzero().flatten() // scale
            reached = max(reached, centre - rows.min().item(), rows.max().item() - centre)
    assert network.radius / 2 < reached <= network.radius


def test_every_pixel_sees_the_same_network_wherever_the_crop_begins():
    config = PRESETS["tiny"]
    network = randomised(config).double()
    x, t, r, cond = inputs(config, 61, 67, batch=1)
    x, t, r, lr = x.double(), t.double(), r.double(), cond.lr.double()
    whole = network(x, t, r, Condition(lr))
    top, left, halo = 20, 24, network.radius
    rows, columns = slice(top - network.alignment * 7, None), slice(left - network.alignment * 7, None)
    assert network.alignment * 7 >= halo
    part = network(x[..., 4 * rows.start :, 4 * columns.start :], t, r, Condition(lr[..., rows, columns]))
    inner = part[..., 4 * (top - rows.start) :, 4 * (left - columns.start) :]
    torch.testing.assert_close(inner, whole[..., 4 * top :, 4 * left :], rtol=0, atol=1e-12)


def test_a_teacher_does_not_see_the_length_of_the_jump():
    """Whatever a student learns about t - r, it still is its teacher wherever r = t."""
    network = randomised(PRESETS["tiny"])
    x, t, r, cond = inputs(PRESETS["tiny"], 6, 6)
    before = [network(x, t, end, cond) for end in (t, r)]
    frequencies = len(network.time.frequencies)
    with torch.no_grad():  # the features are sin t, sin (t - r), cos t, cos (t - r)
        network.time.layers[0].weight[:, frequencies : 2 * frequencies] += 1
    after = [network(x, t, end, cond) for end in (t, r)]
    torch.testing.assert_close(after[0], before[0])
    assert not torch.allclose(after[1], before[1])


def test_the_trunk_is_not_the_only_way_out():
    """The state reaches the output beside a trunk that is narrower than it: all 48 channels, full rank."""
    network = UNet(UNetConfig(widths=(4,), blocks=(0,), embedding=8))
    with torch.no_grad():
        network.gains.bias[:48] = torch.linspace(0.5, 1.5, 48)
    x, t, r, cond = inputs(network.config, 4, 4)
    x = x.requires_grad_(True)
    jacobian = torch.autograd.functional.jacobian(
        lambda y: network(y, t[:1], r[:1], cond.take(slice(1)))[0, :, :4, :4], x[:1]
    )
    assert torch.linalg.matrix_rank(jacobian.reshape(48, -1)) == 48


def test_half_precision_touches_the_trunk_only():
    network = randomised(PRESETS["tiny"])
    torch.nn.init.zeros_(network.tail.weight)
    torch.nn.init.zeros_(network.tail.bias)
    arguments = inputs(PRESETS["tiny"], 9, 7)
    with torch.autocast("cpu", torch.bfloat16):
        half = network(*arguments)
    assert torch.equal(half, network(*arguments))


def test_gradients_of_a_batch_are_those_of_its_samples():
    network = randomised(PRESETS["tiny"])
    x, t, r, cond = inputs(PRESETS["tiny"], 6, 5)
    together = network(x, t, r, cond)
    alone = network(x[1:], t[1:], r[1:], cond.take(slice(1, 2)))
    torch.testing.assert_close(together[1:], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "values", [{"widths": (8,), "blocks": (1, 1)}, {"scale": 0}, {"width": 8}, {"blocks": (1, -1, 1)}]
)
def test_impossible_sizes_are_refused(values):
    with pytest.raises(ValidationError):
        UNetConfig(**values)


@pytest.mark.parametrize("blocks", [(1,), (1, 1), (2, 0, 1)])
def test_features_are_the_trunks_own_maps(blocks):
    """Down the encoder and back up, and the last of them is all that the output learns from the trunk."""
    config = UNetConfig(widths=(8, 12, 16)[: len(blocks)], blocks=blocks, embedding=8)
    network = randomised(config)
    arguments = inputs(config, 9, 6)
    seen = []
    hook = network.tail.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    network(*arguments)
    hook.remove()
    maps = network.features(*arguments)
    levels = [*range(len(blocks)), *reversed(range(len(blocks) - 1))]
    rows, columns = ((side + -side % network.alignment) for side in (9, 6))
    assert [tuple(part.shape) for part in maps] == [
        (2, config.widths[level], rows >> level, columns >> level) for level in levels
    ]
    assert torch.equal(maps[-1], seen[0])


def test_every_map_has_a_gradient_on_the_state():
    network = randomised(PRESETS["tiny"])
    x, t, r, cond = inputs(PRESETS["tiny"], 6, 6)
    x.requires_grad_(True)
    for part in network.features(x, t, r, cond):
        [gradient] = torch.autograd.grad(part.sum(), x, retain_graph=True)
        assert gradient.abs().sum() > 0


def test_activations_are_cut_so_that_no_picture_makes_the_trunk_run_away():
    """The trunk's part of the answer is bounded for any input, and grows with it where there is no limit."""
    sizes = {}
    for limit in (None, 8.0):
        config = PRESETS["tiny"].model_copy(update={"limit": limit})
        network = randomised(config)
        x, t, r, cond = inputs(config, 8, 8)
        for times in (1e2, 1e4):
            loud = Condition(cond.lr * times)
            first = network.features(x, t, r, loud)
            added = first[0] - network.head(network._enter(x, t, r, loud)[0])
            sizes[limit, times] = added.abs().max().item()
    assert sizes[None, 1e4] > 20 * sizes[None, 1e2]
    assert sizes[8.0, 1e4] < 1.5 * sizes[8.0, 1e2]


def test_a_network_that_is_told_of_damage_starts_without_it_and_then_reads_it():
    config = PRESETS["tiny"].model_copy(update={"damage": True})
    network = randomised(config)
    x, t, r, cond = inputs(config, 16, 16)
    told = torch.tensor([[10.0, 8.0, 9.0, 1.0, 0.9, 1.0]]).expand(len(x), -1)
    clean, noisy = (Condition(cond.lr, damage=damage) for damage in (torch.zeros_like(told), told))
    assert (network(x, t, r, clean) - network(x, t, r, noisy)).abs().max() > 0
    torch.nn.init.zeros_(network.damage.layers[2].weight)
    torch.nn.init.zeros_(network.damage.layers[2].bias)
    torch.testing.assert_close(network(x, t, r, clean), network(x, t, r, noisy), rtol=0, atol=0)


def test_a_network_that_is_told_more_begins_as_one_that_was_told_less():
    older = randomised(PRESETS["tiny"].model_copy(update={"damage": True}))
    newer = older.config.model_copy(update={"measures": 7})
    assert newer.can_begin_as(older.config)
    assert not older.config.can_begin_as(newer)
    begun = UNet.init_from(newer, older)
    x, t, r, cond = inputs(newer, 16, 16)
    torch.testing.assert_close(begun(x, t, r, cond), older(x, t, r, cond), rtol=0, atol=1e-5)
    begun.damage.layers[0].weight.data[:, 5:7] = 1
    assert (begun(x, t, r, cond) - older(x, t, r, cond)).abs().max() > 1e-4


def test_what_is_not_told_is_measured():
    config = PRESETS["tiny"].model_copy(update={"damage": True})
    network = randomised(config)
    x, t, r, cond = inputs(config, 16, 16)
    measured = torch.cat([of_pictures((cond.lr + 1) / 2), torch.ones(len(x), 1)], 1)
    told = network(x, t, r, Condition(cond.lr, damage=measured))
    torch.testing.assert_close(network(x, t, r, cond), told, rtol=0, atol=0)
