"""Tokenizers with a few dozen tokens, made on the spot by the libraries that read the published ones."""

import string
from typing import Any

import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

LETTERS = string.ascii_lowercase + string.digits
MARKS = ".,:;?!'\"()-"
MERGES = [("t", "h"), ("th", "e</w>"), ("a", "n"), ("an", "d</w>"), ("o", "f</w>")]
T5_WORDS = ("the", "and", "of", "a", "photo", "sharp", "blurring", "quality")


def clip_tokenizer(longest: int = 77, pad: str = "<|endoftext|>") -> Any:
    """Byte-pair encoding as CLIP has it. pad: "!" for the bigger CLIPs of SD2.1 and SD3.5."""
    characters = [*MARKS[::-1], *LETTERS]
    # "!" is token 0 in the published vocabularies, and what the bigger models are padded with.
    characters.sort(key=lambda mark: mark != "!")
    tokens = [character + end for end in ("", "</w>") for character in characters]
    tokens += ["".join(pair) for pair in MERGES] + ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    return transformers.CLIPTokenizer(
        vocab=vocabulary, merges=MERGES, pad_token=pad, model_max_length=longest
    )


def t5_tokenizer(longest: int = 512) -> Any:
    """Unigram pieces as T5's sentencepiece model has them: <pad> 0, </s> 1, <unk> 2, then pieces."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    pieces += [("▁" + word, -2.0 - len(word) / 10) for word in T5_WORDS]
    pieces += [(letter, -5.0) for letter in LETTERS + MARKS]
    return transformers.T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=longest)


def llama_tokenizer() -> Any:
    """One token a character, with the marks that LLaVA's has."""
    special = ["<unk>", "<s>", "</s>", "<pad>", "<image>"]
    letters = [*LETTERS, *string.ascii_uppercase, *MARKS, "▁", "\n", "<", ">"]
    vocabulary = {token: i for i, token in enumerate([*special, *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="never")
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        additional_special_tokens=["<image>"],
    )


def qwen_tokenizer() -> Any:
    """Bytes as tokens, with the marks that Qwen2-VL's has."""
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"]
    special += ["<|image_pad|>", "<|video_pad|>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*alphabet, *special])}
    return transformers.Qwen2Tokenizer(vocab=vocabulary, merges=[], additional_special_tokens=special)
