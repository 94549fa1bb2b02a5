"""Folders as the hubs have them, with random weights of a few hundred kilobytes, made by the real libraries.

Nothing is downloaded. Every function fills `path`, which it creates, and returns it; the weights are the same
each time. Widths differ from each other wherever the published ones do, so that a mix-up shows.
"""

from pathlib import Path
from typing import Any

import torch
import transformers

from tests.frozen import tiny_tokenizers

Sizes = dict[str, Any]

CLIP_TEXT: Sizes = {"num_hidden_layers": 3, "num_attention_heads": 2, "max_position_embeddings": 77}
SD35_CLIP_L, SD35_CLIP_G, SD35_T5 = 16, 24, 48  # CLIP-L, CLIP-G and T5-XXL: 768, 1280 and 4096
SD35_POOLED = SD35_CLIP_L + SD35_CLIP_G

SD35_TRANSFORMER: Sizes = {
    "sample_size": 16,
    "patch_size": 2,
    "in_channels": 16,
    "out_channels": 16,
    "num_layers": 3,
    "attention_head_dim": 8,
    "num_attention_heads": 4,
    "caption_projection_dim": 32,
    "joint_attention_dim": SD35_T5,
    "pooled_projection_dim": SD35_POOLED,
    "pos_embed_max_size": 24,
    "dual_attention_layers": (0, 1),
    "qk_norm": "rms_norm",
}
SD21_UNET: Sizes = {
    "sample_size": 8,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (8, 16, 16, 16),
    "layers_per_block": 1,
    "attention_head_dim": (2, 4, 4, 4),
    "cross_attention_dim": 20,
    "norm_num_groups": 4,
    "use_linear_projection": True,
}
VAE: Sizes = {
    "block_out_channels": (8, 8, 16, 16),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "sample_size": 64,
}


def make_sd35_folder(path: Path, transformer: Sizes | None = None) -> Path:
    """Stable Diffusion 3.5: three text encoders with tokenizers, a 16-channel VAE, a transformer.

    transformer: sizes that differ from SD35_TRANSFORMER.
    """
    import diffusers

    torch.manual_seed(0)
    small, large = (tiny_tokenizers.clip_tokenizer(pad=pad) for pad in ("<|endoftext|>", "!"))
    t5 = tiny_tokenizers.t5_tokenizer()
    diffusers.StableDiffusion3Pipeline(
        transformer=diffusers.SD3Transformer2DModel(**SD35_TRANSFORMER | (transformer or {})),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=diffusers.AutoencoderKL(
            **VAE,
            latent_channels=16,
            scaling_factor=1.5305,
            shift_factor=0.0609,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
        text_encoder=_clip_text(transformers.CLIPTextModelWithProjection, small, SD35_CLIP_L, "quick_gelu"),
        tokenizer=small,
        text_encoder_2=_clip_text(transformers.CLIPTextModelWithProjection, large, SD35_CLIP_G, "gelu"),
        tokenizer_2=large,
        text_encoder_3=_t5(t5),
        tokenizer_3=t5,
    ).save_pretrained(path)
    return path


def make_sd21_folder(path: Path, unet: Sizes | None = None) -> Path:
    """Stable Diffusion 2.1: CLIP-H's text encoder with a tokenizer, a 4-channel VAE, a U-Net.

    unet: sizes that differ from SD21_UNET.
    """
    import diffusers

    torch.manual_seed(0)
    tokenizer = tiny_tokenizers.clip_tokenizer(pad="!")
    diffusers.StableDiffusionPipeline(
        vae=diffusers.AutoencoderKL(**VAE, latent_channels=4),
        text_encoder=_clip_text(
            transformers.CLIPTextModel, tokenizer, SD21_UNET["cross_attention_dim"], "gelu"
        ),
        tokenizer=tokenizer,
        unet=diffusers.UNet2DConditionModel(**SD21_UNET | (unet or {})),
        scheduler=diffusers.DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(path)
    return path


def make_vq_folder(path: Path) -> Path:
    """A quantised autoencoder, 4x and 3 channels, as ResShift's and LDM's f4."""
    import diffusers

    torch.manual_seed(0)
    sizes = {**VAE, "block_out_channels": (8, 8, 16)}
    sizes |= {"down_block_types": ("DownEncoderBlock2D",) * 3, "up_block_types": ("UpDecoderBlock2D",) * 3}
    diffusers.VQModel(
        **sizes, latent_channels=3, num_vq_embeddings=32, scaling_factor=1.0, mid_block_add_attention=False
    ).save_pretrained(path)
    return path


def make_taesd_folder(path: Path, channels: int = 16) -> Path:
    """TAESD in diffusers' format, as taesd3."""
    import diffusers

    torch.manual_seed(0)
    blocks = {"encoder_block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4}
    diffusers.AutoencoderTiny(**blocks, latent_channels=channels).save_pretrained(path)
    return path


def make_clip_folder(path: Path, longest: int = 77, image_size: int = 32) -> Path:
    """CLIP, both towers, with a tokenizer."""
    torch.manual_seed(0)
    tokenizer = tiny_tokenizers.clip_tokenizer(longest)
    tower = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**tower, "projection_dim": 16, "max_position_embeddings": longest, **_ends(tokenizer)}
    vision = {**tower, "projection_dim": 16, "image_size": image_size, "patch_size": 8}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
    transformers.CLIPModel(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def make_dino_folder(path: Path, depth: int = 8) -> Path:
    """DINOv3's vision transformer, patches of 8 pixels, 3 registers."""
    torch.manual_seed(0)
    config = transformers.DINOv3ViTConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=depth,
        num_attention_heads=2,
        patch_size=8,
        num_register_tokens=3,
    )
    transformers.DINOv3ViTModel(config).save_pretrained(path)
    return path


def make_llava_folder(path: Path) -> Path:
    """LLaVA 1.5: a CLIP tower that sees 32x32 pixels, a small Llama, a processor with its template."""
    torch.manual_seed(0)
    tokenizer = tiny_tokenizers.llama_tokenizer()
    tower = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2}
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**tower, image_size=32, patch_size=8),
        text_config=transformers.LlamaConfig(
            **tower, vocab_size=len(tokenizer), bos_token_id=1, eos_token_id=2, pad_token_id=3
        ),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=16,
    )
    transformers.LlavaForConditionalGeneration(config).save_pretrained(path)
    transformers.LlavaProcessor(
        transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LLAVA_TEMPLATE,
    ).save_pretrained(path)
    return path


def make_qwen2_vl_folder(path: Path) -> Path:
    """Qwen2-VL: a vision transformer with patches of 8 pixels, merged by 2x2, and a small Qwen2."""
    torch.manual_seed(0)
    tokenizer = tiny_tokenizers.qwen_tokenizer()
    ids = {
        f"{kind}_token_id": tokenizer.convert_tokens_to_ids(f"<|{kind}_pad|>") for kind in ("image", "video")
    }
    ids |= {
        f"vision_{end}_token_id": tokenizer.convert_tokens_to_ids(f"<|vision_{end}|>")
        for end in ("start", "end")
    }
    text = transformers.models.qwen2_vl.configuration_qwen2_vl.Qwen2VLTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
        bos_token_id=tokenizer.convert_tokens_to_ids("<|endoftext|>"),
        eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
    )
    vision = {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "patch_size": 8}
    config = transformers.Qwen2VLConfig(text_config=text.to_dict(), vision_config=vision, **ids)
    transformers.Qwen2VLForConditionalGeneration(config).save_pretrained(path)
    pixels = {"patch_size": 8, "size": {"shortest_edge": 16 * 16, "longest_edge": 64 * 64}}
    transformers.Qwen2VLProcessor(
        transformers.Qwen2VLImageProcessor(**pixels),
        tokenizer,
        transformers.Qwen2VLVideoProcessor(**pixels),
        chat_template=QWEN_TEMPLATE,
    ).save_pretrained(path)
    return path


def _ends(tokenizer: Any) -> Sizes:
    return {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _clip_text(model: Any, tokenizer: Any, width: int, activation: str) -> Any:
    sizes = {"hidden_size": width, "intermediate_size": 2 * width, "projection_dim": width}
    return model(
        transformers.CLIPTextConfig(**CLIP_TEXT, **sizes, **_ends(tokenizer), hidden_act=activation)
    ).eval()


def _t5(tokenizer: Any) -> Any:
    config = transformers.T5Config(
        vocab_size=len(tokenizer),
        d_model=SD35_T5,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
    )
    return transformers.T5EncoderModel(config).eval()


LLAVA_TEMPLATE = (
    "{% for message in messages %}USER: "
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>\n{% endif %}{% endfor %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }} {% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
QWEN_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
