"""What is asked: a small picture and the results of several methods, of the same place.

STUDY/study.json              the methods and the questions; not for raters
STUDY/pictures/NUMBER/...     source.png and one picture for each method, by its number
STUDY/votes.sqlite            see `store`
"""

import json
import random
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError

STUDY, PICTURES, SOURCE = "study.json", "pictures", "source.png"


class Question(NamedTuple):
    """One vote of each rater. methods: the names of those that are shown."""

    number: int
    picture: str
    methods: tuple[str, ...]


class Study(NamedTuple):
    """secret: decides the order in which each rater sees things; who knows it can tell the methods apart."""

    folder: Path
    title: str
    secret: str
    methods: tuple[str, ...]
    questions: tuple[Question, ...]

    def order(self, rater: int) -> list[Question]:
        """The questions in the order of one rater, random and always the same."""
        shuffled = list(self.questions)
        random.Random(f"{self.secret}/{rater}").shuffle(shuffled)
        return shuffled

    def slots(self, rater: int, question: Question) -> list[str]:
        """The methods from left to right, as one rater sees them."""
        shuffled = list(question.methods)
        random.Random(f"{self.secret}/{rater}/{question.number}").shuffle(shuffled)
        return shuffled

    def find(self, number: int) -> Question | None:
        return next((question for question in self.questions if question.number == number), None)

    def file(self, question: Question, method: str | None) -> Path:
        """A picture of the question. method: None is the source."""
        name = SOURCE if method is None else f"{self.methods.index(method)}.png"
        return self.folder / PICTURES / str(question.number) / name


def read(folder: Path) -> Study:
    """Raises DataError."""
    try:
        known = json.loads((folder / STUDY).read_text(encoding="utf-8"))
        questions = tuple(
            Question(each["number"], each["picture"], tuple(each["methods"])) for each in known["questions"]
        )
        return Study(folder, known["title"], known["secret"], tuple(known["methods"]), questions)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder} holds no study; make one with 'leapsr study make'.") from error
