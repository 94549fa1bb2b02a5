"""What large students begin with: what their teacher learnt, and nothing that it never did."""

import copy

import pytest
import torch

from leapsr.errors import ConfigError
from leapsr.networks import Network
from leapsr.networks.adm import guided_unet
from leapsr.networks.registry import build
from leapsr.restorer import ModelConfig, Restorer
from leapsr.train import config, networks, recipes
from tests.hub.test_recipes import tiny_run

CPU = torch.device("cpu")


def randomised(network: Network) -> Network:
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=generator)
    return network


@pytest.fixture
def pixels(tmp_path):
    """pixels("t") -> a teacher of OFTSR's network that reads so."""

    def teacher(reads):
        sizes = guided_unet.PRESETS["tiny"].model_copy(update={"reads": reads})
        model = ModelConfig(method="teacher", network=sizes, source=recipes.get("oftsr_ffhq").source)
        Restorer(model, randomised(build(sizes))).save_pretrained(tmp_path / "teacher", torch.float32)
        return tmp_path / "teacher"

    return teacher


def oftsr(reads: str) -> config.TrainConfig:
    network = guided_unet.PRESETS["tiny"].model_copy(update={"reads": reads})
    return recipes.get("oftsr_ffhq").model_copy(update={"network": network, "perceptual": "none"})


@torch.no_grad()
def test_a_student_of_pixels_forgets_what_its_teacher_never_learnt(pixels):
    built = networks.build_networks(oftsr("both"), pixels("both"), None, CPU, print)
    t, r = torch.tensor([1.0, 0.7]), torch.tensor([0.0, 0.3])
    said = [network._embed(t, end) for network in (built.teacher, built.student) for end in (t, r)]
    assert not torch.allclose(said[0], said[1], atol=1e-2)
    torch.testing.assert_close(said[2], said[0])
    assert torch.equal(said[3], said[2])


def test_a_teacher_that_goes_on_forgets_nothing(pixels):
    start = pixels("both")
    asked = recipes.get("oftsr_ffhq_teacher").model_copy(update={"network": oftsr("both").network})
    student = networks.build_networks(asked, None, start, CPU, print).student
    known = Restorer.from_pretrained(start).network.state_dict()
    assert all(torch.equal(value, known[name]) for name, value in student.state_dict().items())


def test_a_student_must_read_the_times_that_its_teacher_reads(pixels):
    with pytest.raises(ConfigError, match=r"network\.reads=both"):
        networks.build_networks(oftsr("r"), pixels("both"), None, CPU, print)


@pytest.mark.parametrize("time", ["add_r", "concat_mlp"])
@torch.no_grad()
def test_a_student_of_latents_does_too_and_its_teacher_stays(time, models, tiny, tmp_path):
    asked = tiny_run("smfsr_sd35", models, tiny)
    sizes = asked.network.model_copy(update={"time_conditioning": time})
    found = Restorer.from_pretrained(models("dit4sr_q"))
    network = randomised(build(sizes))
    if time == "add_r":  # whatever r's embedder says, t's can say then
        own = network.time_text_embed
        own.r_embedder.linear_1.load_state_dict(own.timestep_embedder.linear_1.state_dict())
    Restorer(found.config.model_copy(update={"network": sizes}), network).save_pretrained(
        tmp_path, torch.float32
    )
    before = copy.deepcopy(network.state_dict())
    built = networks.build_networks(asked.model_copy(update={"network": sizes}), tmp_path, None, CPU, print)
    t, r = torch.tensor([1.0, 0.7]), torch.tensor([0.0, 0.3])
    pooled = torch.randn(2, sizes.pooled_projection_dim)
    teacher, student = built.teacher.time_text_embed, built.student.time_text_embed
    assert not torch.allclose(teacher(t, r, pooled), teacher(t, t, pooled), atol=1e-2)
    torch.testing.assert_close(student(t, t, pooled), teacher(t, t, pooled), rtol=1e-3, atol=1e-3)
    assert torch.equal(student(t, r, pooled), student(t, t, pooled))
    assert all(torch.equal(value, before[name]) for name, value in built.teacher.state_dict().items())
