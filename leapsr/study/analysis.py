"""What votes say: preference rates, strengths, agreement."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..metrics.intervals import DRAWS, LEAST, LEVEL
from .questions import Study
from .store import Vote


class Rate(NamedTuple):
    """Of one method: how often it was chosen where it was shown, with a 95 % interval (bootstrap over
    raters), and its strength."""

    method: str
    shown: int
    chosen: int
    rate: float
    low: float
    high: float
    strength: float
    """Bradley and Terry's, or Luce's where more than two are shown: a method is chosen with the probability
    of its share of the strengths that are shown. All sum to 1."""


class Outcome(NamedTuple):
    rates: list[Rate]
    """The strongest first."""
    votes: int
    raters: int
    undecided: int
    """Votes without preference; they are in no rate and no strength."""
    agreement: float
    """Of raters who answered the same question: 1 is one opinion, 0 is chance; NaN where no question has two
    votes. See `agreement`."""


def outcome(study: Study, votes: Sequence[Vote]) -> Outcome:
    decided = [vote for vote in votes if vote.method is not None]
    shown = {question.number: question.methods for question in study.questions}
    known = strengths(study.methods, [(shown[vote.question], str(vote.method)) for vote in decided])
    by_rater: dict[int, list[Vote]] = defaultdict(list)
    for vote in decided:
        by_rater[vote.rater].append(vote)
    rates = []
    for method in study.methods:
        counts = [
            (
                sum(vote.method == method for vote in own),
                sum(method in shown[vote.question] for vote in own),
            )
            for own in by_rater.values()
        ]
        chosen, offered = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
        low, high = _interval(counts)
        rate = chosen / offered if offered else math.nan
        rates.append(Rate(method, offered, chosen, rate, low, high, known[method]))
    rates.sort(key=lambda rate: -rate.strength)
    raters = {vote.rater for vote in votes}
    return Outcome(rates, len(votes), len(raters), len(votes) - len(decided), agreement(study, votes))


def strengths(
    methods: Sequence[str], choices: Sequence[tuple[Sequence[str], str]], iterations: int = 10_000
) -> dict[str, float]:
    """Most likely strengths of Luce's choice rule, by minorisation (Hunter 2004); of pairs, Bradley-Terry's.

    methods: all. choices: which were shown and which of them was chosen. Half a win and half a loss of each
    against an imagined average method keeps the strength of one that always won, or never, finite.
    Returns what sums to 1.
    """
    index = {method: i for i, method in enumerate(methods)}
    groups: dict[tuple[int, ...], int] = defaultdict(int)
    wins = np.full(len(methods), 0.5)
    for offered, chosen in choices:
        groups[tuple(index[method] for method in offered)] += 1
        wins[index[chosen]] += 1
    strength = np.ones(len(methods))
    for _ in range(iterations):
        expected = 1 / (strength + 1)  # one comparison with a method of strength 1
        for group, count in groups.items():
            members = list(group)
            expected[members] += count / strength[members].sum()
        new = wins / expected
        new /= np.exp(np.log(new).mean())
        if np.abs(np.log(new / strength)).max() < 1e-9:
            strength = new
            break
        strength = new
    shares = strength / strength.sum()
    return {method: float(shares[i]) for method, i in index.items()}


def agreement(study: Study, votes: Sequence[Vote]) -> float:
    """Krippendorff's alpha for names; no preference is an answer as any other.

    What chance would do is counted among the questions that show the same methods, and added up: of two
    methods nobody can choose a third.
    """
    shown = {question.number: frozenset(question.methods) for question in study.questions}
    answers: dict[frozenset[str], dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for vote in votes:
        answers[shown[vote.question]][vote.question].append(vote.method or "")
    observed: list[float] = []
    expected: list[float] = []
    for questions in answers.values():
        pairable = [Counter(given) for given in questions.values() if len(given) > 1]
        observed += map(_disagreement, pairable)
        expected += [_disagreement(sum(pairable, Counter()))] if pairable else []
    if not expected:
        return math.nan
    return 1 - sum(observed) / sum(expected) if any(expected) else 1.0


def _disagreement(answers: Counter[str]) -> float:
    """Pairs of answers that differ, as many as each answer has of others on average."""
    many = answers.total()
    return (many**2 - sum(count**2 for count in answers.values())) / (many - 1)


def _interval(counts: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Of chosen / shown, drawing with replacement among the raters who were shown it; unknown of fewer than
    five."""
    known = np.asarray([each for each in counts if each[1]], float)
    if len(known) < LEAST:
        return math.nan, math.nan
    drawn = known[np.random.default_rng(0).integers(len(known), size=(DRAWS, len(known)))].sum(1)
    rates = drawn[:, 0] / drawn[:, 1]
    low, high = np.quantile(rates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def as_dict(found: Outcome) -> Mapping[str, object]:
    return {**found._asdict(), "rates": [rate._asdict() for rate in found.rates]}
