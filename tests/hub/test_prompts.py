"""Captions and prompts of single pictures, and weights that wait where they do not cost."""

import pytest
import torch

from leapsr.errors import UsageError, WeightsError
from leapsr.frozen import FixedCaption, describe, text_encoder
from leapsr.pictures.picture import Picture
from leapsr.restorer import Restorer
from leapsr.upscaling.prompts import PromptBuilder
from leapsr.upscaling.settings import Settings
from leapsr.upscaling.sizes import AS_THE_MODEL
from leapsr.upscaling.upscaler import Upscaler


def photo(height: int, width: int) -> Picture:
    return Picture(torch.rand(3, height, width, generator=torch.Generator().manual_seed(0)))


def pixels(upscaler: Upscaler, picture: Picture, **settings: object) -> torch.Tensor:
    return upscaler.upscale(picture, AS_THE_MODEL, Settings(color_fix="none", **settings)).pixels


class Counted(FixedCaption):
    def __init__(self, text):
        super().__init__(text)
        self.shown = []

    def caption(self, image):
        self.shown.append((tuple(image.shape), image.min().item(), image.max().item()))
        return super().caption(image)


@pytest.fixture
def upscaler(models):
    return Upscaler(Restorer.from_pretrained(models("smfsr_f")))


def test_a_caption_is_read_by_the_base_models_encoders(upscaler, tiny):
    own = pixels(upscaler, photo(8, 8))
    said = pixels(upscaler, photo(8, 8), caption="A cat.")
    assert not torch.equal(own, said)
    assert torch.equal(pixels(upscaler, photo(8, 8), caption="A cat.", text_encoder=str(tiny("sd35"))), said)
    assert torch.equal(pixels(upscaler, photo(8, 8)), own)


def test_no_caption_is_the_models_own_prompt(upscaler):
    """Its file holds what the encoder makes of an empty caption."""
    own, empty = pixels(upscaler, photo(8, 8)), pixels(upscaler, photo(8, 8), caption="")
    torch.testing.assert_close(own, empty, atol=1e-4, rtol=0)


def test_a_picture_is_captioned_once_and_its_caption_encoded_once(tiny):
    captioner, encoder = Counted("A dog."), text_encoder(tiny("sd35"), after="release")
    texts, encode = [], encoder.encode
    encoder.encode = lambda asked, device: texts.extend(asked) or encode(asked, device)
    builder = PromptBuilder(captioner, encoder)
    first, second = photo(6, 9), photo(6, 9)
    prompts = [builder.build(picture, torch.device("cpu")) for picture in (first, first, second)]
    assert len(captioner.shown) == 2
    assert captioner.shown[0][0] == (3, 6, 9)
    assert -1 <= captioner.shown[0][1] < -0.5
    assert 0.5 < captioner.shown[0][2] <= 1
    assert texts == [describe("A dog.")]
    assert prompts[0] is prompts[1] is prompts[2]
    assert not any(each.is_loaded for each in (*encoder.clips, encoder.t5))


def test_a_captioner_says_what_is_in_the_picture(upscaler, tiny):
    settings = {"captioner": str(tiny("llava"))}
    result = pixels(upscaler, photo(24, 24), **settings)
    assert torch.equal(pixels(upscaler, photo(24, 24), **settings), result)
    assert not upscaler._prompts[1].captioner.model.is_loaded


def test_what_cannot_work_is_said(upscaler, tmp_path, tiny_model, tiny):
    with pytest.raises(UsageError, match="not both"):
        Settings(caption="A cat.", captioner="llava")
    with pytest.raises(UsageError, match="nothing to encode"):
        Settings(text_encoder="sd35")
    with pytest.raises(UsageError, match="reads no"):
        pixels(Upscaler.from_pretrained(tiny_model), photo(8, 8), caption="A cat.")
    with pytest.raises(WeightsError, match="hf download"):
        pixels(upscaler, photo(8, 8), caption="A cat.", text_encoder=str(tmp_path))
    with pytest.raises(UsageError, match="own base model"):
        pixels(upscaler, photo(8, 8), caption="A cat.", text_encoder=str(tiny("sd21")))


@pytest.fixture
def moves(monkeypatch, models):
    """An offloaded restorer on "cpu:0", which is the CPU and is not called so, and where its parts went."""
    restorer = Restorer.from_pretrained(models("smfsr_f")).offload().to("cpu:0")
    went = []
    for name, part in (("network", restorer.network), ("codec", restorer.space.autoencoder.codec.network)):
        to = part.to

        def recorded(device, *rest, name=name, to=to):
            went.append((name, str(device)))
            return to(device, *rest)

        monkeypatch.setattr(part, "to", recorded)
    return restorer, went


def test_offloaded_parts_take_turns_on_the_device(moves, models):
    restorer, went = moves
    assert restorer.device == torch.device("cpu:0")
    result = pixels(Upscaler(restorer), photo(8, 8))
    codec = [("codec", "cpu"), ("codec", "cpu")]  # it follows the picture, and a tensor on cpu:0 says cpu
    assert went == [*codec, ("network", "cpu:0"), ("network", "cpu"), *codec]
    assert torch.equal(result, pixels(Upscaler(Restorer.from_pretrained(models("smfsr_f"))), photo(8, 8)))


def test_offloaded_parts_leave_the_device_also_after_a_failure(moves):
    restorer, went = moves
    restorer.network.forward = lambda *inputs: 1 / 0
    with pytest.raises(ZeroDivisionError):
        pixels(Upscaler(restorer), photo(8, 8))
    assert went[-1] == ("network", "cpu")


def test_upscaler_offloads(models):
    upscaler = Upscaler.from_pretrained(models("smfsr_f"), "cpu", offload=True)
    assert upscaler.restorer.space.autoencoder.after == "cpu"
    assert pixels(upscaler, photo(8, 8)).shape == (3, 32, 32)


def test_weights_on_another_device(models):
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU for weights to be moved to and back")
    upscaler = Upscaler.from_pretrained(models("smfsr_f"), "cuda", offload=True)
    pixels(upscaler, photo(40, 60))
    assert {weight.device.type for weight in upscaler.restorer.network.parameters()} == {"cpu"}
    codec = upscaler.restorer.space.autoencoder.codec.network
    assert {weight.device.type for weight in codec.parameters()} == {"cpu"}
