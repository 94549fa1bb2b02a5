"""Upscaling with networks that work on latents, through the same door as all others."""

import dataclasses

import pytest
import torch

from leapsr.errors import UsageError
from leapsr.networks import Prompt
from leapsr.pictures.picture import Picture
from leapsr.restorer import Restorer
from leapsr.upscaling import windows
from leapsr.upscaling.sizes import AS_THE_MODEL
from leapsr.upscaling.upscaler import Settings, Upscaler
from tests.hub.conftest import models, tiny  # noqa: F401

LARGEST = 96
"""Low-resolution pixels: the tiny MM-DiT knows 24 patches of 2 x 2 latents of 8 x 8 pixels, and x4."""


@pytest.fixture
def loaded(models):  # noqa: F811
    return lambda name, **options: Restorer.from_pretrained(models(name), **options)


def photo(height: int, width: int) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))


class Blocks:
    """An autoencoder without a network: means of squares, and squares again."""

    factor = 8

    def __init__(self, channels):
        self.channels = channels

    def encode(self, image):
        return torch.nn.functional.avg_pool2d(image, 8).repeat(1, 6, 1, 1)[:, : self.channels]

    def decode(self, latents, size=None):
        image = latents[:, :3].repeat_interleave(8, 2).repeat_interleave(8, 3)
        return image if size is None else image[..., : size[0], : size[1]]


def in_blocks(restorer: Restorer) -> Restorer:
    restorer.space = dataclasses.replace(
        restorer.space, autoencoder=Blocks(restorer.space.autoencoder.channels)
    )
    return restorer


def still(restorer: Restorer) -> Restorer:
    """Its network says that nothing moves."""
    with torch.no_grad():
        restorer.network.proj_out.weight.zero_()
        restorer.network.proj_out.bias.zero_()
    return restorer


@pytest.mark.parametrize("name", ["smfsr_f", "dit4sr_q", "dit4sr_r1", "sd21"])
@pytest.mark.parametrize("size", [(5, 7), (33, 50)])
def test_any_size(name, size, loaded):
    result = Upscaler(loaded(name))(photo(*size), steps=1 if name == "smfsr_f" else 2)
    assert result.shape == (3, 4 * size[0], 4 * size[1])
    assert result.std() > 0


def test_sizes_beyond_the_networks_positions(loaded):
    restorer = loaded("smfsr_f")
    assert restorer.largest == LARGEST
    with pytest.raises(UsageError, match=r"use tile 92"):
        Upscaler(restorer)(photo(8, 100), tile=0)
    with pytest.raises(UsageError, match="at most"):
        Upscaler(restorer)(photo(8, 100), tile=96)
    assert Upscaler(restorer)(photo(8, 96), tile=0).shape == (3, 32, 384)
    assert Upscaler(restorer)(photo(10, 101), tile=92).shape == (3, 40, 404)
    assert Upscaler(restorer)(photo(10, 101)).shape == (3, 40, 404)


@pytest.mark.usefixtures("no_guard")
@pytest.mark.parametrize("seamless", [False, True])
def test_noise_lies_where_the_picture_does(loaded, seamless):
    """Where nothing moves, the result is the noise itself: one field, whatever the windows."""
    upscaler = Upscaler(in_blocks(still(loaded("smfsr_f"))))
    small = photo(36, 80)
    options = {"color_fix": "none", "seamless": seamless}
    first = upscaler(small, tile=80, **options)
    assert first.std() > 0.2  # noise, cut at 0 and 1
    for tile in (32, 50, 64):
        assert (upscaler(small, tile=tile, **options) - first).abs().max() < 1e-5
    assert (upscaler(small, tile=64, seed=1, **options) - first).abs().max() > 0.5


@pytest.mark.usefixtures("no_guard")
def test_windows_keep_a_flat_picture_flat(loaded):
    """A network that moves every latent alike, on latents that know no border."""
    restorer = in_blocks(loaded("sd21"))
    with torch.no_grad():
        restorer.network.unet.conv_out.weight.zero_()
        restorer.network.unet.conv_out.bias.fill_(0.1)
    result = Upscaler(restorer)(torch.full((3, 41, 90), 0.4), tile=32)
    assert (result - result[:, :1, :1]).abs().max() < 1e-6
    assert (result.mean() - 0.35).abs() < 1e-5


def test_windows_of_another_size_make_another_result_but_not_by_much(loaded):
    """The tiny autoencoder's convolutions are local, its normalisations are not."""
    upscaler = Upscaler(still(loaded("smfsr_f")))
    small = photo(40, 80)
    whole, parts = (upscaler(small, tile=tile, color_fix="none") for tile in (0, 48))
    assert 0 < (whole - parts).abs().mean() < 0.1 * whole.std()


def test_every_window_is_restored_from_a_part(loaded, monkeypatch):
    """So that memory does not grow with the picture: neither network nor decoder is shown the whole of it."""
    restorer = loaded("smfsr_f")
    shown = []
    codec = restorer.space.autoencoder.codec
    decode = codec.decode

    def recorded(latents):
        shown.append(tuple(latents.shape[-2:]))
        return decode(latents)

    object.__setattr__(codec, "decode", recorded)
    Upscaler(restorer)(photo(40, 200), tile=48, color_fix="none")
    assert len(shown) == 6
    assert max(map(max, shown)) == 24


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
@pytest.mark.parametrize("fidelity", [0.0, 0.5, 1.0])
def test_students_take_any_steps_and_have_a_dial(loaded, steps, fidelity):
    upscaler = Upscaler(loaded("smfsr_q"))
    options = {"steps": steps, "color_fix": "none"}
    result = upscaler(photo(8, 8), fidelity=fidelity, **options)
    other = upscaler(photo(8, 8), fidelity=0.25, **options)
    assert result.isfinite().all()
    assert not torch.equal(result, other)


@pytest.mark.parametrize("fidelity", [0.0, 1.0])
def test_a_student_of_the_source_edge_on_latents_has_a_dial(loaded, fidelity):
    known = loaded("smfsr_q")
    config = known.config.model_copy(update={"method": "oftsr"})
    upscaler = Upscaler(Restorer(config, known.network, known.space))
    assert not torch.equal(upscaler(photo(8, 8), fidelity=fidelity), upscaler(photo(8, 8), fidelity=0.5))
    with pytest.raises(UsageError, match="one step"):
        upscaler(photo(8, 8), steps=2)


@pytest.mark.parametrize("steps", [20, 40])
def test_teachers_take_many_steps_and_are_guided(loaded, steps):
    upscaler = Upscaler(loaded("dit4sr_q"))
    options = {"steps": steps, "color_fix": "none"}
    own, stronger, none = (upscaler(photo(8, 8), guidance=value, **options) for value in (None, 8.0, 1.0))
    assert torch.equal(own, stronger)
    assert not torch.equal(own, none)


def test_students_are_not_guided(loaded):
    with pytest.raises(UsageError, match="for teachers"):
        Upscaler(loaded("smfsr_f"))(photo(8, 8), guidance=2.0)


def test_transparency_is_restored_without_guidance_or_caption(loaded):
    """Colours take an evaluation for the model's prompt and one for the bad picture's, alpha takes one."""
    restorer = loaded("dit4sr_q")
    asked = []
    restorer.network.register_forward_hook(lambda *call: asked.append(call))
    alpha = torch.linspace(0, 1, 64).view(1, 8, 8)
    result = Upscaler(restorer).upscale(Picture(torch.cat([photo(8, 8), alpha])))
    assert len(asked) == 3
    assert result.alpha is not None
    assert result.alpha.std() > 0.1


def test_colours_are_those_of_the_source(loaded):
    """adain, these models' own choice, over the whole of the picture and not window by window."""
    small = photo(40, 80) * 0.3 + torch.tensor([0.1, 0.3, 0.5])[:, None, None]
    small[:, :, 40:] += 0.2
    result = Upscaler(loaded("smfsr_f"))(small, tile=48)
    for part in (slice(0, 160), slice(160, 320)):
        assert (result[..., part].mean((1, 2)) - result.mean((1, 2))).abs().max() < 0.15
    assert (result.mean((1, 2)) - small.mean((1, 2))).abs().max() < 0.02


def test_half_precision_is_bfloat16(loaded):
    full, half = (Upscaler(loaded("smfsr_f", dtype=dtype)) for dtype in (torch.float32, torch.bfloat16))
    assert half.restorer.config.preferred_half == torch.bfloat16
    results = [upscaler(photo(16, 24), color_fix="none") for upscaler in (full, half)]
    assert (results[0] - results[1]).abs().mean() < 0.05


def test_windows_are_of_128_latents_and_shrink_to_64(loaded):
    restorer = loaded("sd21")
    assert (windows.default_size(restorer), windows.smallest_size(restorer)) == (256, 128)
    restorer = loaded("smfsr_f")
    assert (windows.default_size(restorer), windows.smallest_size(restorer)) == (92, 92)


def test_a_prompt_replaces_the_models_own(loaded):
    restorer = loaded("smfsr_f")
    lr, noise = photo(8, 8)[None], torch.zeros(1, *restorer.space.state_shape(8, 8))
    own = restorer.space.prompts[1]
    same, other = (restorer.restore(lr, noise, prompt=prompt) for prompt in (own, louder(own)))
    assert torch.equal(same, restorer.restore(lr, noise))
    assert not torch.equal(other, same)
    with pytest.raises(UsageError, match="channels"):
        restorer.restore(lr, noise, prompt=Prompt(own.tokens[..., :8], own.pooled))


def louder(prompt: Prompt) -> Prompt:
    return Prompt(2 * prompt.tokens, 2 * prompt.pooled)


def test_results_of_one_seed_are_the_same_whatever_came_before(loaded):
    upscaler = Upscaler(loaded("smfsr_f"))
    first = upscaler.upscale(Picture(photo(20, 60)), AS_THE_MODEL, Settings(tile=32))
    upscaler(photo(9, 9), seed=4)
    again = upscaler.upscale(Picture(photo(20, 60)), AS_THE_MODEL, Settings(tile=32))
    assert torch.equal(first.pixels, again.pixels)
