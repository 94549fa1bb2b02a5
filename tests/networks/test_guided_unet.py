import json

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor

from leapsr import flow
from leapsr.degrade import AveragePool
from leapsr.errors import WeightsError
from leapsr.networks import Condition
from leapsr.networks.adm.guided_unet import PRESETS, STUDENT_TIMES, GuidedUNet, GuidedUNetConfig, student
from leapsr.networks.adm.published_weights import (
    guided_unet_average,
    guided_unet_weights,
    load_oftsr,
    load_published,
)
from leapsr.ops.resize import downsample
from leapsr.restorer import ModelConfig, pixels
from tests.networks.velocities import (
    Question,
    channels_last_error,
    derivative_error,
    forgets_its_interval,
    golden,
    gradients,
    half_precision_error,
    published,
    randomised,
    relative,
    updates,
)

TINY = PRESETS["tiny"]
BOTH = TINY.model_copy(update={"reads": "both"})


def question(height: int = 16, width: int = 16, batch: int = 2, shrink: int = 4, seed: int = 0) -> Question:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, 3, height, width, generator=generator)
    lr = torch.randn(batch, 3, height // shrink, width // shrink, generator=generator)
    t, r = torch.rand(2, batch, generator=generator).sort(0, descending=True).values
    return Question(x, t, r, Condition(lr))


@pytest.fixture(scope="module")
def vectors(shared):
    return golden(shared, "oftsr_unet_tiny")


def reference(vectors: dict[str, Tensor], config: GuidedUNetConfig = TINY) -> GuidedUNet:
    network = GuidedUNet(config).eval().requires_grad_(False)
    load_published(network, guided_unet_weights(published(vectors)), "the golden file")
    return network


# OFTSR's numbers


@pytest.mark.parametrize("case", ["", "2"])
@pytest.mark.parametrize("reads", ["t", "r", "both"])
def test_the_velocity_is_that_of_oftsr(vectors, case, reads):
    """On the diagonal, all three ways to read the times agree; its time and velocity run the other way."""
    network = reference(vectors, TINY.model_copy(update={"reads": reads}))
    t = 1 - vectors[f"in{case}.t"]
    u = network(vectors[f"in{case}.x"], t, t, Condition(vectors[f"in{case}.cond"]))
    assert relative(-u, vectors[f"out{case}.v"]) < 1e-5


def test_the_students_dial_is_oftsrs_time(vectors):
    """One step, asked for tau = 0.99 and 0.001; the reference stops at 0.999 of the step."""
    network = reference(vectors, TINY.model_copy(update={"reads": "r"}))
    source, cond = vectors["in.x"], Condition(vectors["in.cond"])
    one = source.new_ones(2)
    for tau in ("0.99", "0.001"):
        u = network(source, one, 1 - float(tau) * one, cond)
        image = flow.jump(source, u, 0.999 * one, 0 * one)
        torch.testing.assert_close(image, vectors[f"samp.one_step_t{tau}"], rtol=0, atol=1e-5)


def test_oftsrs_samplers_are_this_packages_solvers(vectors):
    """They begin at tau = 0.001 and end with a step of Euler's; their Euler asks at 0.999 of its times."""
    network, cond = reference(vectors), Condition(vectors["in.cond"])

    def v(x: Tensor, t: Tensor) -> Tensor:
        return network(x, t, t, cond)

    def last_by_euler(slope: flow.solvers.Slope) -> flow.solvers.Slope:
        return lambda v, x, t, r: (flow.solvers.euler if r[0] == 0 else slope)(v, x, t, r)

    def compare(name: str, found: Tensor, tolerance: float) -> None:
        torch.testing.assert_close(found, vectors[f"samp.{name}"], rtol=0, atol=tolerance)

    source, taus = vectors["in.x"], torch.linspace(1e-3, 1, 4)
    late = torch.linspace(1e-6, 1, 4).sqrt()  # uniform in tau^2
    compare("onestep", flow.solve(v, source, torch.tensor([0.999, 0])), 1e-5)
    compare("euler4", flow.solve(lambda x, t: v(x, 0.999 * t), source, flow.uniform_grid(4)), 1e-5)
    compare("midpoint3", flow.solve(v, source, 1 - taus, last_by_euler(flow.solvers.midpoint)), 1e-4)
    compare("heun3_rho2", flow.solve(v, source, 1 - late, last_by_euler(flow.solvers.heun)), 1e-4)
    sample, evaluations = flow.rk45(v, source, start=0.999)
    compare("rk45", sample, 5e-3)
    assert evaluations == 74


def test_oftsrs_operators(vectors):
    """Down, by what the package's degradations use, and up, by what the network does to its condition."""
    image, shape = vectors["op.x"], vectors["op.x"].shape[-2:]
    by_bicubic, by_average = vectors["op.interp_forward"], vectors["op.avp_forward"]
    assert torch.equal(downsample(image, 4), by_bicubic)
    pooled = AveragePool(4, sigma_n=0)(image / 2 + 0.5, torch.Generator()) * 2 - 1
    torch.testing.assert_close(pooled, by_average, rtol=0, atol=1e-6)
    up = {kind: GuidedUNet(TINY.model_copy(update={"upsampling": kind})) for kind in ("bicubic", "nearest")}
    assert torch.equal(up["bicubic"].upsample(by_bicubic, shape), vectors["op.interp_transpose"])
    assert torch.equal(up["nearest"].upsample(by_average, shape), vectors["op.avp_transpose"])


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("oftsr_ffhq_as_released", PRESETS["ffhq"].model_copy(update={"conditioned": False})),
        ("oftsr_ffhq_with_cond", PRESETS["ffhq"]),
        ("oftsr_ffhq_with_cond", PRESETS["ffhq_noisy"]),
        ("oftsr_ffhq_with_cond", PRESETS["div2k"]),
        ("oftsr_imagenet", PRESETS["imagenet"]),
    ],
)
def test_every_published_weight_has_its_place(shared, name, config):
    """Names, shapes and order: OFTSR's averaged weights have no names. Its other configurations are alike."""
    entry = json.loads((shared / "golden/full_size_keys.json").read_text())[name]
    with torch.device("meta"):
        network = GuidedUNet(config)
        weights = guided_unet_weights({key: torch.empty(shape) for key, shape in entry["keys"].items()})
    own = [(key, value.shape) for key, value in network.named_parameters()]
    assert [(key, value.shape) for key, value in weights.items()] == own
    assert sum(value.numel() for value in weights.values()) == entry["n_params"]
    assert list(network.state_dict()) == list(weights)


@pytest.mark.parametrize("name", ["ffhq", "ffhq_noisy", "div2k"])
def test_the_source_is_made_of_the_condition(name):
    """Eq. 4 noises x_LR = H^T y, which is also what the network is told; but for a border of two pixels."""
    network = GuidedUNet(TINY.model_copy(update={"upsampling": PRESETS[name].upsampling}))
    model = ModelConfig(method="teacher", network=network.config, scale=4)
    lr = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    _, upsampled = pixels(model).make_condition(lr)
    inner = (..., slice(8, -8), slice(8, -8))
    torch.testing.assert_close(upsampled[inner], network.upsample(lr, (32, 32))[inner], rtol=0, atol=1e-5)


# Files


def saved(tmp_path, network: GuidedUNet, **content):
    path = tmp_path / "checkpoint_1.pth"
    torch.save(content, path)
    return path


def test_averaged_weights_load_without_names(tmp_path):
    network = randomised(GuidedUNet(TINY))
    shadow = {"decay": 0.9999, "num_updates": 7, "shadow_params": [p.detach() for p in network.parameters()]}
    loaded = load_oftsr(saved(tmp_path, network, ema=shadow, step=7), BOTH)
    asked = question()
    diagonal = Question(asked.x, asked.t, asked.t, asked.cond)
    torch.testing.assert_close(diagonal.ask(loaded), diagonal.ask(network))
    with pytest.raises(WeightsError, match="config needs"):
        guided_unet_average(shadow["shadow_params"][1:], network)


def test_files_that_do_not_fit_are_refused(tmp_path, vectors):
    weights = {f"module._orig_mod.{key}": value for key, value in published(vectors).items()}
    path = saved(tmp_path, None, model=weights)
    loaded = load_oftsr(path, TINY)
    assert torch.equal(loaded.trunk.head.weight, published(vectors)["input_blocks.0.0.weight"])
    with pytest.raises(WeightsError, match=r"trunk.head.weight.*\(32, 6, 3, 3\)"):
        load_oftsr(path, TINY.model_copy(update={"conditioned": False}))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be read"):
        load_oftsr(path, TINY)
    with pytest.raises(WeightsError, match="no file"):
        load_oftsr(tmp_path / "absent.pth", TINY)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"state_dict": {"conv": torch.ones(1)}}, "'state_dict' is no tensor"),
        ({"model": [torch.ones(1)]}, "have names"),
        ({1: torch.ones(1)}, "have names"),
        ({"ema": 0.9, "conv": torch.ones(1)}, "'ema' is no tensor"),
    ],
)
def test_files_of_something_else_are_refused(tmp_path, content, said):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=said):
        load_oftsr(tmp_path / "other.pth", TINY)


# The velocity


@pytest.mark.parametrize(("height", "width"), [(16, 16), (9, 14), (1, 5)])
@pytest.mark.parametrize("conditioned", [True, False])
def test_any_size(height, width, conditioned):
    network = randomised(GuidedUNet(TINY.model_copy(update={"conditioned": conditioned})))
    asked = question(height, width, shrink=1)
    assert asked.ask(network).shape == asked.x.shape


def test_the_condition_is_brought_to_the_states_size():
    network, small = randomised(GuidedUNet(TINY)), question()
    large = F.interpolate(small.cond.lr, (16, 16), mode="bicubic", antialias=True)
    assert torch.equal(Question(small.x, small.t, small.r, Condition(large)).ask(network), small.ask(network))
    assert not torch.allclose(
        Question(small.x, small.t, small.r, Condition(-large)).ask(network), small.ask(network)
    )


def test_which_times_are_read():
    asked = question()
    elsewhere = {"t": asked.t / 2, "r": asked.r / 2}
    for reads, sees in {"t": "t", "r": "r", "both": "tr"}.items():
        network = randomised(GuidedUNet(TINY.model_copy(update={"reads": reads})))
        for name in ("t", "r"):
            changed = Question(**{**vars(asked), name: elsewhere[name]})
            assert torch.equal(changed.ask(network), asked.ask(network)) == (name not in sees)


def test_a_student_with_both_times_begins_as_the_velocity():
    teacher = randomised(GuidedUNet(TINY))
    pupil = GuidedUNet(BOTH).eval()
    load_published(pupil, teacher.state_dict(), "the teacher")
    asked = question()
    assert torch.equal(asked.ask(pupil), asked.ask(teacher))
    pupil.reset_interval_embedding()
    assert torch.equal(asked.ask(pupil), asked.ask(teacher))


def test_the_interval_is_forgotten_and_the_diagonal_stays():
    forgets_its_interval(randomised(GuidedUNet(BOTH)), question())


def test_times_that_were_not_trained_are_taken_to_the_nearest():
    network = randomised(GuidedUNet(student(TINY)))
    assert network.config.trained == STUDENT_TIMES
    asked = question()
    dial = (torch.full((2,), r) for r in (0.0, 0.01, 0.02))
    low, high, inside = (Question(asked.x, asked.t, r, asked.cond).ask(network) for r in dial)
    assert torch.equal(low, high)
    assert not torch.allclose(low, inside)


def test_the_derivative():
    assert derivative_error(randomised(GuidedUNet(BOTH)), question(8, 7, shrink=1)) < 1e-6


def test_checkpointing_changes_no_gradient():
    kept, again = (
        GuidedUNet(BOTH.model_copy(update={"gradient_checkpointing": flag, "dropout": 0.0}))
        for flag in (False, True)
    )
    again.load_state_dict(randomised(kept).state_dict())
    runs = []
    again.trunk.middle.register_forward_pre_hook(lambda *_: runs.append(1))
    expected, found = gradients(kept, question()), gradients(again, question())
    torch.testing.assert_close(found, expected)
    assert len(runs) == 2
    with torch.no_grad():
        question().ask(again)
    assert len(runs) == 3


@pytest.mark.parametrize("reads", ["t", "r", "both"])
def test_the_methods_train_it(reads):
    network = randomised(GuidedUNet(TINY.model_copy(update={"reads": reads}))).train()
    frozen = randomised(GuidedUNet(TINY), seed=1).requires_grad_(False)
    for method, losses in updates(network, frozen, question()):
        assert all(loss.isfinite() and loss > 0 for loss in losses.values()), method
        for name, parameter in network.named_parameters():
            assert parameter.grad.isfinite().all(), (method, name)
        assert network.trunk.time[0].weight.grad.abs().sum() > 0


@torch.no_grad()
def test_half_precision_and_channels_last():
    network = randomised(GuidedUNet(BOTH))
    assert channels_last_error(network, question()) < 1e-5
    assert 0 < half_precision_error(network, question()) < 0.05


@pytest.mark.parametrize(
    "values",
    [
        {"width": 48},
        {"multipliers": (1, 0)},
        {"attention": (6,)},
        {"head_channels": 96},
        {"trained": (0.5, 0.5)},
        {"depth": 3},
    ],
)
def test_impossible_sizes_are_refused(values):
    with pytest.raises(ValidationError):
        GuidedUNetConfig(**values)
