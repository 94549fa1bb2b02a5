import copy

import pytest
import torch

from leapsr.errors import ConfigError
from leapsr.methods import MfsrConfig, SmfsrConfig

pytest.importorskip("diffusers", reason="needs leapsr[sd]")
pytest.importorskip("peft", reason="needs leapsr[sd]")

from leapsr.networks import registry
from leapsr.networks.lora import lora_parameters, merge_lora
from leapsr.networks.mmdit.config import MMDiTConfig
from leapsr.networks.mmdit.network import MMDiT
from leapsr.networks.mmdit.student import refit_time, reset_interval_embedding, student_of, train_adapters
from leapsr.ops.derivative import directional_derivative
from tests.networks.mmdits import inputs, randomised, tiny
from tests.networks.students import gradients, losses, pair, slow

LR_KEYS = pytest.mark.parametrize("lr_keys", ["own", "noise_double_norm"])


@LR_KEYS
def test_a_student_begins_as_its_teacher_wherever_r_is(lr_keys):
    teacher = randomised(tiny(lr_keys=lr_keys))
    student = student_of(teacher)
    train_adapters(student, rank=4)
    x, t, r, cond = inputs()
    with torch.no_grad():
        velocity = teacher(x, t, t, cond)
        for end in (t, r, torch.zeros_like(r)):
            torch.testing.assert_close(student(x, t, end, cond), velocity, rtol=0, atol=1e-6)


@pytest.mark.parametrize("scale", [1000.0, 1.0])
def test_smfsrs_student_begins_as_its_teacher(scale):
    """Its small network passes on the embedding of t; with times as t, that of times close to 0."""
    teacher = randomised(tiny())
    config = teacher.config.model_copy(update={"time_conditioning": "concat_mlp", "time_scale": scale})
    student = registry.init_from(config, teacher, share=True)
    train_adapters(student, rank=None)
    x, t, r, cond = inputs()
    with torch.no_grad():
        velocity = teacher(x, t * scale / 1000, t, cond)
        torch.testing.assert_close(student(x, t, r, cond), velocity, rtol=0, atol=2e-5)
    student(x, t, r, cond).square().mean().backward()
    first = student.time_text_embed.interval_embedder[0]
    assert first.weight.grad.chunk(2, dim=1)[0].abs().max() > 0  # r can be learnt


def test_smfsrs_student_trains_what_its_table_2_counts():
    """366.2M: the stream, the embedders of time and of pooled text, and the network that joins them."""
    config = MMDiTConfig(time_conditioning="concat_mlp")
    with torch.device("meta"):
        student = MMDiT(config)
    train_adapters(student, rank=None)
    counts: dict[str, int] = {}
    for name, p in student.named_parameters():
        if p.requires_grad:
            kind = "control" if "control" in name else name.split(".")[1]
            counts[kind] = counts.get(kind, 0) + p.numel()
    assert counts == {
        "control": 350_877_696,
        "timestep_embedder": 2_755_584,
        "text_embedder": 5_508_096,
        "interval_embedder": 7_080_960,
    }


def test_r_is_learnt_and_the_teacher_stays():
    teacher = randomised(tiny())
    student = student_of(teacher)
    train_adapters(student, rank=4)
    x, t, r, cond = inputs()
    velocity = teacher(x, t, t, cond).detach()
    optimizer = torch.optim.Adam([p for p in student.parameters() if p.requires_grad], 1e-2)
    for _ in range(2):
        optimizer.zero_grad()
        student(x, t, r, cond).square().mean().backward()
        optimizer.step()
    assert torch.equal(teacher(x, t, t, cond), velocity)
    moved = (student(x, t, r, cond) - student(x, t, t, cond)).abs().max()
    assert moved > 1e-3
    merge_lora(student)
    assert torch.equal(teacher(x, t, t, cond), velocity)


def test_what_is_frozen_is_shared_and_what_trains_is_not():
    teacher = randomised(tiny())
    student = student_of(teacher)
    train_adapters(student, rank=4)
    shared = {p.data_ptr() for p in (*teacher.parameters(), *teacher.buffers())}
    frozen = [p for p in (*student.parameters(), *student.buffers()) if not p.requires_grad]
    trained = [(name, p) for name, p in student.named_parameters() if p.requires_grad]
    assert all(p.data_ptr() in shared for p in frozen)
    assert not any(p.data_ptr() in shared for _, p in trained)
    names = {name.replace(".base_layer", "") for name, p in student.named_parameters() if not p.requires_grad}
    known = {name for name, _ in teacher.named_parameters()}
    assert names == {n for n in known if "control" not in n and "timestep_embedder" not in n}


def test_what_trains():
    student = student_of(randomised(tiny(lr_keys="noise_double_norm")))
    train_adapters(student, rank=4)
    names = [name for name, p in student.named_parameters() if p.requires_grad]
    kinds = ("control", "timestep_embedder", "r_embedder", "lora_")
    assert {next(kind for kind in kinds if kind in name) for name in names} == set(kinds)
    layers = (
        6 * 4 + 3 * 4 + 2
    )  # q, k, v, out of six attentions; the text's in three blocks, k and v in the last
    assert len([n for n in names if "lora_" in n]) == len(list(lora_parameters(student))) == 2 * layers
    bare = student_of(randomised(tiny()))
    train_adapters(bare, rank=None)
    assert not any("lora_" in name for name, _ in bare.named_parameters())


def test_two_students_of_one_teacher_do_not_know_each_other():
    teacher = randomised(tiny())
    first, second = student_of(teacher), student_of(teacher)
    train_adapters(first, rank=4)
    x, t, r, cond = inputs()
    with torch.no_grad():
        for p in first.parameters():
            if p.requires_grad:
                p.add_(0.1)
        assert torch.equal(second(x, t, r, cond), teacher(x, t, r, cond))


def test_a_student_is_no_teacher():
    with pytest.raises(ConfigError, match="add_r"):
        student_of(randomised(tiny(time_conditioning="add_r")))


def test_time_is_refitted_to_what_the_embedder_said():
    teacher = slow(randomised(tiny()))
    student = student_of(teacher)
    left = refit_time(student)
    assert student.config.time_scale == student.time_text_embed.scale == 1
    assert teacher.config.time_scale == teacher.time_text_embed.scale == 1000
    assert 0 < left < 0.01
    x, t, r, cond = inputs()
    with torch.no_grad():
        times = torch.rand(500, generator=torch.Generator().manual_seed(0))
        before = teacher.time_text_embed.timestep_embedder(1000 * times)
        after = student.time_text_embed.timestep_embedder(times)
        velocity = teacher(x, t, t, cond)
        error = (student(x, t, r, cond) - velocity).norm() / velocity.norm()
    spread = (before - before.mean(0)).square().mean().sqrt()
    measured = (after - before).square().mean().sqrt() / spread
    assert measured == pytest.approx(left, rel=0.2)
    assert error < 0.02


def test_half_precision_is_refitted_in_full():
    """Rounded to bfloat16, the bends would lie eight times as far apart, and their sum nowhere."""
    plain, half = (slow(randomised(tiny())).to(dtype) for dtype in (torch.float32, torch.bfloat16))
    expected = refit_time(student_of(plain))
    student = student_of(half)
    assert refit_time(student) == pytest.approx(expected, rel=0.2)
    assert {p.dtype for p in student.time_text_embed.timestep_embedder.parameters()} == {torch.float32}
    assert student.proj_out.weight.dtype == torch.bfloat16


@pytest.mark.parametrize(("start", "said"), [("refit", "follows"), ("published", "time as t itself")])
@pytest.mark.parametrize("time", ["single", "add_r", "concat_mlp"])
def test_a_teacher_whose_student_counts_times_anew_stays(time, start, said):
    """Where nothing is added to the network, all of it is the teacher's own tensors."""
    teacher, told = slow(randomised(tiny(time_conditioning=time))), []
    before = copy.deepcopy(teacher.state_dict())
    config = teacher.config.model_copy(update={"time_scale": 1.0, "time_start": start})
    student = registry.init_from(config, teacher, share=True, notice=told.append)
    assert student.config == config
    assert student.proj_out.weight.data_ptr() == teacher.proj_out.weight.data_ptr()
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert [said in text for text in told] == [True]


def test_an_embedding_of_r_is_refitted_too():
    teacher = slow(randomised(tiny(time_conditioning="add_r")))
    for part in ("linear_1", "linear_2"):  # as slow, and not the same
        own = getattr(teacher.time_text_embed.timestep_embedder, part).state_dict()
        getattr(teacher.time_text_embed.r_embedder, part).load_state_dict({k: -v for k, v in own.items()})
    student = copy.deepcopy(teacher)
    assert refit_time(student) < 0.01
    times = torch.rand(500, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = teacher.time_text_embed.r_embedder(1000 * times)
        after = student.time_text_embed.r_embedder(times)
    assert (after - before).norm() < 0.01 * (before - before.mean(0)).norm()


@torch.no_grad()
def forgotten(network: MMDiT) -> tuple[float, float]:
    """How far the diagonal r = t moved, and the error that was told."""
    x, t, r, cond = inputs()
    velocity = network(x, t, t, cond)
    assert not torch.allclose(network(x, t, r, cond), velocity, atol=1e-3)
    left = reset_interval_embedding(network)
    after = network(x, t, t, cond)
    assert torch.equal(network(x, t, r, cond), after)
    return ((after - velocity).norm() / velocity.norm()).item(), left


def test_smfsrs_embedding_forgets_r_and_keeps_the_diagonal():
    moved, left = forgotten(randomised(tiny(time_conditioning="concat_mlp")))
    assert moved < 1e-6
    assert left == 0


@pytest.mark.parametrize("same", [True, False], ids=["the same units", "units of its own"])
def test_mfsrs_embedding_forgets_r_and_keeps_the_diagonal(same):
    """What r's embedder says, t's takes over: all of it with the units that a student of a teacher has."""
    teacher = slow(randomised(tiny(time_conditioning="add_r")))
    time = teacher.time_text_embed
    features = time.timestep_embedder.linear_1.weight != 0
    time.r_embedder.linear_1.weight.data *= features
    if same:
        time.r_embedder.linear_1.load_state_dict(time.timestep_embedder.linear_1.state_dict())
    moved, left = forgotten(teacher)
    assert moved < (1e-4 if same else 0.01)
    assert 0 < left < (1e-3 if same else 0.01)


def test_what_never_learnt_r_stays_exactly_as_it_is():
    student = student_of(randomised(tiny()))
    before = copy.deepcopy(student.state_dict())
    assert reset_interval_embedding(student) == 0
    assert all(torch.equal(value, before[name]) for name, value in student.state_dict().items())


def test_refitting_is_the_same_every_time():
    found = []
    for _ in range(2):
        student = student_of(slow(randomised(tiny())))
        found.append((refit_time(student), student.time_text_embed.timestep_embedder.linear_2.weight))
    assert found[0][0] == found[1][0]
    assert torch.equal(found[0][1], found[1][1])


def test_refitting_leaves_out_what_is_fast_and_says_so():
    """A rough embedding cannot be followed, and the derivative that is left is smaller."""
    teacher = randomised(tiny())
    finer, coarser = (student_of(teacher) for _ in range(2))
    errors = [refit_time(finer, 0.02), refit_time(coarser, 0.5)]
    assert 0.1 < errors[0] < errors[1] < 1
    x, t, r, cond = inputs()

    def slope(network: MMDiT) -> torch.Tensor:
        still = torch.zeros_like(x), torch.ones_like(t)
        return directional_derivative(lambda x, t: network(x, t, r, cond), (x, t), still)[1].norm()

    assert slope(coarser) < slope(finer) < slope(teacher)


@pytest.mark.parametrize("config", [MfsrConfig(), SmfsrConfig()], ids=["mfsr", "smfsr"])
@LR_KEYS
def test_checkpointing_changes_no_gradient(config, lr_keys):
    """Also where a derivative is taken in the same step, with adapters and shared weights."""
    teacher, plain = pair(lr_keys=lr_keys)
    again = copy.deepcopy(plain)
    again.config = plain.config.model_copy(update={"gradient_checkpointing": True})
    expected, found = (gradients(config, student, teacher) for student in (plain, again))
    assert expected.keys() == found.keys() == {n for n, p in plain.named_parameters() if p.requires_grad}
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=lambda m, name=name: f"{name}: {m}")
        assert value.abs().max() > 0, name


def test_checkpointing_keeps_less():
    """What autograd saves: fewer numbers, though the loss is the same."""
    saved = []
    for checkpointing in (False, True):
        network = randomised(tiny(gradient_checkpointing=checkpointing))
        numbers: list[int] = []

        def pack(tensor: torch.Tensor, numbers: list[int] = numbers) -> torch.Tensor:
            numbers.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            network(*inputs()).sum().backward()
        saved.append(sum(numbers))
    assert saved[1] < saved[0] / 3


@pytest.mark.parametrize("config", [MfsrConfig(), SmfsrConfig()], ids=["mfsr", "smfsr"])
def test_both_methods_train_it(config):
    """Twelve steps on one batch: the loss falls."""
    teacher, student = pair()
    optimizer = torch.optim.Adam([p for p in student.parameters() if p.requires_grad], 2e-3)
    seen = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = losses(config, student, teacher)
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    assert seen[-1] < 0.9 * seen[0]
