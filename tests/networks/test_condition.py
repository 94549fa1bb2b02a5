"""Rows, labels and prompts stay together when batches are taken apart and joined."""

import pytest
import torch

from leapsr.networks import Condition, Prompt, Quality


def prompt(value: float, samples: int = 2) -> Prompt:
    return Prompt(torch.full((samples, 3, 4), value), torch.full((samples, 5), value))


def condition(samples: int = 2) -> Condition:
    prompts = {Quality.GOOD: prompt(1, samples), Quality.BAD: prompt(2, samples)}
    return Condition(torch.zeros(samples, 3, 4, 4), None, prompts[Quality.GOOD], prompts)


def test_a_label_brings_its_prompt_and_guidance_asks_both_in_one_batch():
    cond = condition()
    both = cond.labelled(Quality.GOOD) + cond.labelled(Quality.BAD)
    assert both.prompt is not None
    assert both.prompt.pooled is not None
    assert both.prompt.tokens[:, 0, 0].tolist() == [1, 1, 2, 2]
    assert both.prompt.pooled[:, 0].tolist() == [1, 1, 2, 2]
    assert both.labels.tolist() == [1, 1, 2, 2]
    assert both.take(slice(1, 3)).prompt.tokens[:, 0, 0].tolist() == [1, 2]


def test_a_label_without_a_prompt_keeps_the_one_there_is():
    assert condition().labelled(Quality.NONE).prompt is not None
    assert Condition(torch.zeros(2, 3, 4, 4)).labelled(Quality.BAD).prompt is None


def test_one_prompt_for_all():
    assert prompt(3, samples=1).expand(4).tokens.shape == (4, 3, 4)


def test_prompts_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="same number of tokens"):
        prompt(1) + Prompt(torch.zeros(2, 7, 4), torch.zeros(2, 5))
    with pytest.raises(ValueError, match="same prompts"):
        condition() + Condition(torch.zeros(2, 3, 4, 4))
