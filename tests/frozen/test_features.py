import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils._python_dispatch import TorchDispatchMode

from leapsr.errors import MissingExtra, WeightsError
from leapsr.frozen import Clip, Dino, features
from leapsr.methods import Batch, Networks, Oftsr, Refine
from leapsr.networks import PRESETS, Condition, UNet
from leapsr.networks.discriminator import FeatureCritic, FeatureHeadsConfig

pytest.importorskip("transformers", reason="transformers is not installed: pip install 'leapsr[frozen]'")

import transformers

from tests.frozen.tiny_folders import make_clip_folder, make_dino_folder

REGISTERS = 3


@pytest.fixture(scope="module")
def vit(tmp_path_factory) -> Path:
    return make_dino_folder(tmp_path_factory.mktemp("vit"))


@pytest.fixture(scope="module")
def convnext(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("convnext")
    config = transformers.DINOv3ConvNextConfig(hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 2, 1])
    transformers.DINOv3ConvNextModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip_folder(tmp_path_factory.mktemp("clip"), longest=12)


def image(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_depths_are_blocks_counted_from_one(vit):
    """Against the blocks' own outputs, caught by hooks; class and register tokens come first."""
    dino, caught = Dino(vit, depths=(1, 5, 8)), {}
    for number, block in enumerate(dino.network.model.layer, start=1):
        block.register_forward_hook(lambda _, args, out, number=number: caught.update({number: out}))
    maps = dino(image(2, 3, 32, 48))
    assert [tuple(seen.shape) for seen in maps] == [(2, 32, 4, 6)] * 3
    for depth, seen in zip((1, 5, 8), maps, strict=True):
        tokens = dino.network.norm(caught[depth])[:, 1 + REGISTERS :]
        torch.testing.assert_close(seen, tokens.transpose(1, 2).reshape(2, 32, 4, 6))


def test_maps_lie_as_the_picture_does(vit):
    """Without attention, only the token of the patch that changed changes."""
    dino = Dino(vit)
    for block in dino.network.model.layer:
        torch.nn.init.zeros_(block.attention.o_proj.weight)
        torch.nn.init.zeros_(block.attention.o_proj.bias)
    picture = image(1, 3, 32, 48)
    other = picture.clone()
    other[..., 8:16, 32:40] *= -1
    for before, after in zip(dino(picture), dino(other), strict=True):
        assert (before != after).any(1).nonzero().tolist() == [[0, 1, 4]]


@pytest.mark.parametrize(
    ("blocks", "depths"), [(12, [3, 6, 9, 12]), (24, [6, 12, 18, 24]), (4, [1, 2, 3, 4]), (2, [1, 2])]
)
def test_default_depths_are_the_quarters(vit, blocks, depths):
    assert Dino(vit)._depths(blocks) == depths


def test_what_exceeds_the_patches_is_not_looked_at(vit):
    dino, picture = Dino(vit), image(1, 3, 35, 46)
    for whole, cut in zip(dino(picture), dino(picture[..., :32, :40]), strict=True):
        torch.testing.assert_close(whole, cut)


def test_stages_of_a_convnext(convnext):
    maps = Dino(convnext)(image(2, 3, 64, 96))
    assert [tuple(seen.shape[1:]) for seen in maps] == [(8, 16, 24), (12, 8, 12), (16, 4, 6), (20, 2, 3)]
    [last] = Dino(convnext, depths=[4])(image(2, 3, 64, 96))
    torch.testing.assert_close(last, maps[3])


def test_a_depth_that_there_is_not(vit):
    for depth in (0, 9):
        with pytest.raises(ValueError, match=r"1 \.\. 8"):
            Dino(vit, depths=(depth,))(image(1, 3, 16, 16))


@pytest.mark.parametrize("kind", ["vit", "convnext"])
def test_the_gradient_reaches_the_picture_and_no_weight(kind, request):
    dino, picture = Dino(request.getfixturevalue(kind)), image(1, 3, 32, 32).requires_grad_()
    sum(seen.square().sum() for seen in dino(picture)).backward()
    assert picture.grad.abs().min() > 0
    assert all(not weight.requires_grad and weight.grad is None for weight in dino.network.parameters())


def test_nothing_can_train_them(vit, clip):
    """They are no part of a module that holds them, so its train() and parameters() pass them by."""
    holder = torch.nn.Linear(1, 1)
    holder.dino, holder.clip = Dino(vit), Clip(clip)
    networks = [holder.dino.network, holder.clip.network]
    holder.train()
    assert not any(part.training for network in networks for part in network.modules())
    assert len(list(holder.parameters())) == 2


@pytest.mark.parametrize(
    ("said", "mean", "std"),
    [
        (None, features.IMAGENET.mean, features.IMAGENET.std),
        ((0.43, 0.41, 0.3), (0.43, 0.41, 0.3), (0.2, 0.2, 0.1)),
    ],
)
def test_input_is_normalised_from_minus_one_to_one(tmp_path, said, mean, std):
    """To what the folder says, or to ImageNet's: the mean colour becomes 0, one deviation more 1."""
    if said:
        settings = {"image_mean": said, "image_std": (0.2, 0.2, 0.1)}
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    normalise = features.normalisation(tmp_path, features.IMAGENET)
    colours = torch.tensor([mean, [m + s for m, s in zip(mean, std, strict=True)]]).T[None, :, None] * 2 - 1
    torch.testing.assert_close(
        normalise(colours), torch.tensor([0.0, 1]).expand(1, 3, 1, 2), atol=1e-6, rtol=0
    )


def test_normalising_copies_nothing_to_the_device():
    """A copy from the host would make a GPU wait in each call. (The meta device computes nothing else.)"""
    moved = []

    class Listening(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            found = function(*args, **(kwargs or {}))
            moved.append(function.overloadpacket in (torch.ops.aten._to_copy, torch.ops.aten.copy_))
            return found

    with Listening():
        assert features.IMAGENET(torch.empty(2, 3, 4, 5, device="meta")).shape == (2, 3, 4, 5)
    assert moved
    assert not any(moved)


def test_similarity_is_clips_own(clip):
    """Where no resize is needed: the logits of transformers' CLIP without their temperature."""
    texts, picture = ["good", "poor and blurry"], image(3, 3, 32, 32)
    ours = Clip(clip)
    model, tokenizer = ours.network, transformers.AutoTokenizer.from_pretrained(clip)
    tokens = tokenizer(texts, padding=True, truncation=True, max_length=12, return_tensors="pt")
    normal = torch.stack([features.OPENAI(one[None])[0] for one in picture])
    logits = model(pixel_values=normal, **tokens).logits_per_image / model.logit_scale.exp()
    torch.testing.assert_close(ours.similarity(picture, texts), logits)
    assert (logits[:, 0] - logits[:, 1]).abs().min() > 1e-4


def test_pictures_of_any_size_and_texts_of_any_length(clip):
    seen = Clip(clip).similarity(image(2, 3, 50, 70), ["a", "b " * 40, "good"])
    assert seen.shape == (2, 3)
    assert seen.abs().max() <= 1 + 1e-6


def test_the_alignment_loss_moves_the_picture_only(clip):
    """FlowSR's eq. 9 can be made of it: a step against the gradient brings the better text nearer."""
    likeness, texts = Clip(clip), ["good", "poor"]
    picture = image(1, 3, 40, 40).requires_grad_()

    def loss(picture: torch.Tensor) -> torch.Tensor:
        return -likeness.similarity(picture, texts).log_softmax(1)[:, 0].mean()

    before = loss(picture)
    before.backward()
    assert all(weight.grad is None for weight in likeness.network.parameters())
    assert loss((picture - 0.1 * picture.grad / picture.grad.norm()).detach()) < before
    assert not likeness.text(texts).requires_grad


def test_weights_are_read_once_and_not_before_they_are_needed(vit, tmp_path):
    Dino(tmp_path / "nowhere"), Clip(tmp_path / "nowhere")
    dino = Dino(vit)
    assert dino.network is dino.network


def test_folders_that_will_not_do(vit, clip, tmp_path):
    with pytest.raises(WeightsError, match="hf download facebook/dinov3"):
        Dino(tmp_path / "nowhere")(image(1, 3, 16, 16))
    with pytest.raises(WeightsError, match="holds a clip and not"):
        Dino(clip)(image(1, 3, 16, 16))
    (tmp_path / "config.json").write_text((vit / "config.json").read_text())
    with pytest.raises(WeightsError, match="cannot be read"):
        Dino(tmp_path)(image(1, 3, 16, 16))
    weights = load_file(vit / "model.safetensors")
    weights.pop("norm.weight")
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks weights \(norm\.weight\)"):
        Dino(tmp_path)(image(1, 3, 16, 16))


@pytest.mark.parametrize("kept", [0, 4, 0.5, 0.999])
def test_weights_that_are_cut_short(vit, tmp_path, kept):
    (tmp_path / "config.json").write_text((vit / "config.json").read_text())
    weights = (vit / "model.safetensors").read_bytes()
    end = kept if isinstance(kept, int) else int(kept * len(weights))
    (tmp_path / "model.safetensors").write_bytes(weights[:end])
    with pytest.raises(WeightsError, match="cannot be read"):
        Dino(tmp_path)(image(1, 3, 16, 16))


@pytest.mark.parametrize("change", [{"hidden_size": 40}, {"hidden_size": "wide"}])
def test_a_config_of_another_model(vit, tmp_path, change):
    config = json.loads((vit / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes((vit / "model.safetensors").read_bytes())
    with pytest.raises(WeightsError, match="cannot be read"):
        Dino(tmp_path)(image(1, 3, 16, 16))


@pytest.mark.parametrize(
    "text",
    [
        b'{"image_mean": [0.4',
        b"\xff\xfe",
        b"[]",
        b'{"image_mean": [0.4, 0.4], "image_std": [0.2, 0.2, 0.2]}',
        b'{"image_mean": [0.4, 0.4, 0.4], "image_std": [0.2, 0.2, 0]}',
    ],
)
def test_a_preprocessor_config_that_cannot_be_read(tmp_path, text):
    (tmp_path / "preprocessor_config.json").write_bytes(text)
    with pytest.raises(WeightsError, match=r"preprocessor_config\.json cannot be read"):
        features.normalisation(tmp_path, features.IMAGENET)


@pytest.mark.parametrize("said", ["{}", '{"image_mean": null, "size": {"height": 224}}'])
def test_a_preprocessor_config_that_says_nothing(tmp_path, said):
    (tmp_path / "preprocessor_config.json").write_text(said)
    assert features.normalisation(tmp_path, features.IMAGENET) is features.IMAGENET


def test_a_refinements_critic_can_look_through_dino(vit):
    """Heads on a frozen network's maps in the place of the small critic, in a step of a refinement."""
    torch.manual_seed(0)
    student, teacher, score = (UNet(PRESETS["tiny"]) for _ in range(3))
    critic = FeatureCritic(FeatureHeadsConfig(channels=(32, 32), width=8, norm="spectral"))
    auxiliary = {"score": score, "critic": critic}
    method = Refine(
        lambda known: Oftsr(known),
        Networks(student, student, teacher, None, auxiliary, auxiliary),
        features=Dino(vit, depths=(4, 8)),
    )
    photo, source = image(2, 3, 32, 32), image(2, 3, 32, 32)
    cond, generator = Condition(image(2, 3, 8, 8)), torch.Generator().manual_seed(0)
    for name, losses in method(Batch(photo, source, cond, generator, lambda: source)):
        found = {"student": student, "score": score, "critic": critic}[name]
        sum(losses.values()).backward(inputs=list(found.parameters()))
        if name != "score":
            assert any(weight.grad.abs().sum() > 0 for weight in found.parameters())
    scores = critic(method.show(photo), cond.lr)
    assert scores.shape == (2, 2 * 4 * 4)  # two maps, 4 x 4 patches


def test_clip_without_a_tokenizer(clip, tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((clip / name).read_bytes())
    with pytest.raises(WeightsError, match=r"lacks a tokenizer: hf download openai/clip"):
        Clip(tmp_path).similarity(image(1, 3, 32, 32), ["good"])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model": 1}'])
def test_clip_with_a_damaged_tokenizer(clip, tmp_path, text):
    shutil.copytree(clip, tmp_path / "clip")
    (tmp_path / "clip" / "tokenizer.json").write_text(text)
    with pytest.raises(WeightsError, match=r"tokenizer in .* cannot be read"):
        Clip(tmp_path / "clip").text(["good"])


def test_the_extra_is_named_where_the_library_is_missing(monkeypatch, vit):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"leapsr\[frozen\]"):
        Dino(vit)(image(1, 3, 16, 16))
