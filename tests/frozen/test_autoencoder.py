import json
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from leapsr.errors import MissingExtra, WeightsError
from leapsr.frozen import Identity, Pretrained
from leapsr.hub.repositories import SD35

FOLDERS = {"sd35": (8, 16), "sd21": (8, 4), "vq": (4, 3), "taesd": (8, 16)}


def image(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture(params=FOLDERS)
def kind(request):
    return request.param


def test_sizes(tiny, kind):
    factor, channels = FOLDERS[kind]
    autoencoder = Pretrained(tiny(kind))
    assert (autoencoder.factor, autoencoder.channels) == (factor, channels)
    for height, width in [(32, 48), (33, 50), (1, 5)]:
        latents = autoencoder.encode(image(2, 3, height, width))
        assert latents.shape == (2, channels, -(-height // factor), -(-width // factor))
        assert autoencoder.decode(latents, (height, width)).shape == (2, 3, height, width)
        assert autoencoder.decode(latents).shape[-1] == latents.shape[-1] * factor


@pytest.mark.parametrize("kind", ["sd35", "sd21"])
def test_latents_are_scaled_as_the_config_says(tiny, kind):
    """Against diffusers' own network, with SD3.5's and SD2.1's published numbers."""
    from diffusers import AutoencoderKL

    network = AutoencoderKL.from_pretrained(tiny(kind) / "vae").eval()
    scale, shift = {"sd35": (1.5305, 0.0609), "sd21": (0.18215, 0.0)}[kind]
    autoencoder, picture = Pretrained(tiny(kind)), image(2, 3, 32, 48)
    with torch.no_grad():
        latents = (network.encode(picture).latent_dist.mode() - shift) * scale
        torch.testing.assert_close(autoencoder.encode(picture), latents)
        again = network.decode(latents / scale + shift).sample
        torch.testing.assert_close(autoencoder.decode(latents), again)


def test_a_pipelines_folder_or_the_autoencoders_own(tiny):
    picture = image(1, 3, 16, 16)
    within, itself = (Pretrained(folder) for folder in (tiny("sd35"), tiny("sd35") / "vae"))
    assert torch.equal(within.encode(picture), itself.encode(picture))


def test_the_same_latents_every_time(tiny, kind):
    autoencoder = Pretrained(tiny(kind))
    first, second = (autoencoder.encode(image(1, 3, 32, 32)) for _ in range(2))
    assert torch.equal(first, second)


def test_a_quantised_autoencoder_without_a_scale_has_none(tiny, tmp_path):
    """diffusers would scale by 0.18215, which the published weights know nothing of."""
    shutil.copytree(tiny("vq"), tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["scaling_factor"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    picture = image(1, 3, 16, 16)
    assert torch.equal(Pretrained(tmp_path).encode(picture), Pretrained(tiny("vq")).encode(picture))


def test_decoding_quantises(tiny):
    autoencoder = Pretrained(tiny("vq"))
    codes = autoencoder.codec.network.quantize.embedding.weight
    latents = codes[:6].T.reshape(1, 3, 2, 3)
    torch.testing.assert_close(autoencoder.decode(latents + 1e-5), autoencoder.decode(latents))


def test_the_gradient_reaches_the_picture_and_not_the_weights(tiny, kind):
    """Also where the folder was first read without gradients, and in windows."""
    autoencoder = Pretrained(tiny(kind), tile=4, overlap=2)
    with torch.inference_mode():
        autoencoder.encode(image(1, 3, 32, 32))
    picture = image(1, 3, 40, 33).requires_grad_()
    autoencoder.decode(autoencoder.encode(picture), (40, 33)).square().sum().backward()
    assert picture.grad.abs().sum() > 0
    assert not any(weight.requires_grad for weight in autoencoder.codec.network.parameters())


def test_windows_are_close_to_the_whole_and_closer_with_more_context(tiny):
    """A random network's normalisations differ from window to window, so only roughly."""
    picture = torch.nn.functional.avg_pool2d(image(1, 3, 105, 133), 9, 1, 4)
    whole = Pretrained(tiny("taesd"), tile=None)
    latents = whole.encode(picture)
    decoded = whole.decode(latents, (105, 133))
    errors = []
    for overlap in (0, 6):
        windows = Pretrained(tiny("taesd"), tile=12, overlap=overlap)
        assert windows.encode(picture).shape == latents.shape
        errors.append((windows.decode(latents, (105, 133)) - decoded).square().mean())
    assert errors[1] < errors[0] / 2
    assert errors[1] < 1e-4 * decoded.var()


def test_less_precise_weights_keep_the_pictures_dtype(tiny):
    autoencoder, picture = Pretrained(tiny("sd35"), dtype=torch.bfloat16), image(1, 3, 16, 16)
    latents = autoencoder.encode(picture)
    assert latents.dtype == torch.float32
    torch.testing.assert_close(latents, Pretrained(tiny("sd35")).encode(picture), atol=0.05, rtol=0.05)


def test_released_weights_are_read_again(tiny):
    autoencoder = Pretrained(tiny("sd35"))
    before = autoencoder.codec
    autoencoder.release()
    assert autoencoder.codec is not before


def test_pixels_are_their_own_latents():
    picture = image(1, 3, 7, 5)
    assert Identity().encode(picture) is picture
    assert Identity().decode(picture, (7, 5)).shape == picture.shape


def test_more_than_there_is_cannot_be_cut():
    with pytest.raises(ValueError, match="cannot be cut"):
        Identity().decode(image(1, 3, 7, 5), (8, 5))


def test_tiles_that_cannot_be():
    with pytest.raises(ValueError, match="at most half"):
        Pretrained("nowhere", tile=16, overlap=9)


def test_folders_that_will_not_do(tiny, tmp_path):
    command = re.escape(f"hf download {SD35.name} --local-dir {tmp_path}")
    with pytest.raises(WeightsError, match=f"{command}.*Stability AI Community License"):
        Pretrained(tmp_path).encode(image(1, 3, 8, 8))
    (tmp_path / "config.json").write_text('{"_class_name": "UNet2DModel"}')
    with pytest.raises(WeightsError, match="holds UNet2DModel and no autoencoder"):
        Pretrained(tmp_path).encode(image(1, 3, 8, 8))
    (tmp_path / "config.json").write_text("[1")
    with pytest.raises(WeightsError, match="cannot be read"):
        Pretrained(tmp_path).encode(image(1, 3, 8, 8))


@pytest.mark.parametrize("kind", ["sd35/vae", "vq", "taesd"])
@pytest.mark.parametrize("damage", ["absent", "short", "one lost"])
def test_weights_that_are_not_all_there(tiny, tmp_path, kind, damage):
    folder, _, part = kind.partition("/")
    source, name = tiny(folder) / part, "diffusion_pytorch_model.safetensors"
    shutil.copyfile(source / "config.json", tmp_path / "config.json")
    if damage == "short":
        (tmp_path / name).write_bytes((source / name).read_bytes()[:-100])
    elif damage == "one lost":
        weights = load_file(source / name)
        weights.pop(max(weights))
        save_file(weights, tmp_path / name, {"format": "pt"})
    with pytest.raises(WeightsError, match="hf download"):
        Pretrained(tmp_path).encode(image(1, 3, 8, 8))


def test_the_extra_is_named_where_the_library_is_missing(monkeypatch, tiny):
    folder = tiny("sd35")
    monkeypatch.setitem(__import__("sys").modules, "diffusers", None)
    with pytest.raises(MissingExtra, match=r"leapsr\[sd\]"):
        Pretrained(folder).encode(image(1, 3, 8, 8))
