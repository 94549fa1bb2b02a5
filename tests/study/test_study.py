"""The blind study: what is asked, that votes are kept, and what they say."""

import csv
import io
import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.errors import DataError, LeapsrError
from leapsr.study import analysis, questions, server
from leapsr.study.questions import Question, Study
from leapsr.study.store import Store, Vote
from tests.conftest import picture_array

TestClient: Any = pytest.importorskip("fastapi.testclient", reason="needs leapsr[serve]").TestClient

METHODS = ("sharp", "soft", "odd")


def leapsr(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, words)])
    if isinstance(result.exception, LeapsrError):
        return result.exception.exit_code, str(result.exception)
    return result.exit_code, result.output


@pytest.fixture
def material(tmp_path: Path) -> Path:
    """LR and three folders of results of three pictures, each of one colour that tells it."""
    (tmp_path / "LR").mkdir()
    for i in range(3):
        Image.fromarray(picture_array(16, 24, i)).save(tmp_path / f"LR/{i}.png")
    for shade, method in enumerate(METHODS):
        (tmp_path / method).mkdir()
        for i in range(3):
            Image.new("RGB", (96, 64), (50 * (shade + 1), 10 * i, 0)).save(tmp_path / method / f"{i}_x4.png")
    return tmp_path


@pytest.fixture
def study(material: Path) -> Study:
    words = ["study", "make", *(material / method for method in METHODS), "--pairs", material / "LR"]
    code, out = leapsr(*words, "-o", material / "study", "--side", 32)
    assert code == 0, out
    return questions.read(material / "study")


def client(study: Study, **options: Any) -> Any:
    return TestClient(server.build(study, **options), base_url="http://testserver")


def rater(study: Study) -> Any:
    found = client(study)
    assert found.get("/").status_code == 200
    return found


def test_a_study_shows_the_same_place_of_every_method(study: Study) -> None:
    assert [question.methods for question in study.questions] == [METHODS] * 3
    for question in study.questions:
        for shade, method in enumerate(METHODS):
            with Image.open(study.file(question, method)) as image:
                assert image.size == (32, 32)
                assert image.getpixel((0, 0)) == (50 * (shade + 1), 10 * int(question.picture), 0)
        with Image.open(study.file(question, None)) as image:
            assert image.size == (32, 32)


def test_pairs_of_methods_and_a_draw(material: Path) -> None:
    words = ["study", "make", *(material / method for method in METHODS), "--pairs", material / "LR"]
    assert leapsr(*words, "-o", material / "two", "--pairwise", "--count", 2, "--side", 0)[0] == 0
    made = questions.read(material / "two")
    assert len(made.questions) == 6
    assert {len(question.methods) for question in made.questions} == {2}
    with Image.open(made.file(made.questions[0], None)) as image:
        assert image.size == (96, 64)
    assert leapsr(*words, "-o", material / "two")[0] == 2
    assert (
        leapsr("study", "make", material / "sharp", "--pairs", material / "LR", "-o", material / "x")[0] == 2
    )
    (material / "odd/1_x4.png").unlink()
    code, said = leapsr(*words, "-o", material / "y")
    assert (code, "no result of 1" in said) == (1, True)
    with pytest.raises(DataError, match="holds no study"):
        questions.read(material)


def test_raters_see_no_names_and_orders_of_their_own(study: Study) -> None:
    orders = set()
    for number in range(1, 9):
        one = rater(study)
        page = one.get("/").text
        asked = one.get("/api/question").json()
        assert (asked["done"], asked["total"], asked["question"]["slots"]) == (0, 3, 3)
        assert not any(method in page + json.dumps(asked) for method in METHODS)
        found = study.find(asked["question"]["number"])
        assert found is not None
        answer = one.get(f"/picture/{found.number}/0")
        assert "private" in answer.headers["Cache-Control"]
        assert not any(method in str(answer.headers) for method in METHODS)
        with Image.open(io.BytesIO(answer.content)) as image:
            shade = image.getpixel((0, 0))[0] // 50 - 1  # type: ignore[index]
        assert METHODS[shade] == study.slots(number, found)[0]
        orders.add((found.number, *study.slots(number, found)))
    assert len(orders) > 3


def test_one_vote_a_question_and_the_first_counts(study: Study) -> None:
    one, store = rater(study), Store(study.folder)
    asked = one.get("/api/question").json()["question"]["number"]
    ballot = {"question": asked, "slot": 1, "seconds": 2.5}
    assert one.post("/api/vote", json=ballot).json() == {"recorded": True, "first": True}
    assert one.post("/api/vote", json={**ballot, "slot": 0}).json() == {"recorded": True, "first": False}
    [vote] = store.votes()
    question = study.find(asked)
    assert question is not None
    assert (vote.question, vote.slot, vote.seconds) == (asked, 1, 2.5)
    assert vote.method == study.slots(vote.rater, question)[1]
    state = one.get("/api/question").json()
    assert state["done"] == 1
    assert state["question"]["number"] != asked
    for slot in (None, 2):
        number = one.get("/api/question").json()["question"]["number"]
        one.post("/api/vote", json={"question": number, "slot": slot})
    assert one.get("/api/question").json()["question"] is None
    assert sum(vote.method is None for vote in store.votes()) == 1


def test_a_page_that_another_rater_opened_is_refused(study: Study) -> None:
    one, other = client(study), client(study)
    for each in (one, other):
        each.get("/")
    asked = other.get("/api/question").json()["question"]
    ballot = {"question": asked["number"], "slot": 0, "order": asked["order"]}
    assert one.post("/api/vote", json=ballot).status_code == 409
    assert other.post("/api/vote", json=ballot).status_code == 200


def test_nobody_votes_for_others(study: Study) -> None:
    stranger = client(study)
    ballot = {"question": 1, "slot": 0}
    assert stranger.post("/api/vote", json=ballot).status_code == 401
    assert stranger.get("/api/question").status_code == 401
    assert stranger.get("/picture/1/0").status_code == 401
    stranger.cookies.set(server.cookie_of(study), "1")
    assert stranger.post("/api/vote", json=ballot).status_code == 401
    assert Store(study.folder).votes() == []
    one, other = rater(study), rater(study)
    one.post("/api/vote", json=ballot)
    assert other.get("/api/question").json()["done"] == 0
    other.post("/api/vote", json={**ballot, "slot": 1})
    assert len(Store(study.folder).votes()) == 2
    header = one.get("/").headers["set-cookie"].lower()
    assert "httponly" in header
    assert "samesite=lax" in header


@pytest.mark.parametrize(
    ("ballot", "status"),
    [
        ({"question": 99, "slot": 0}, 404),
        ({"question": 1, "slot": 3}, 422),
        ({"question": 1, "slot": -1}, 422),
        ({"question": "x"}, 422),
    ],
)
def test_what_is_no_vote_is_refused(study: Study, ballot: dict[str, Any], status: int) -> None:
    one = rater(study)
    assert one.post("/api/vote", json=ballot).status_code == status
    assert one.get("/picture/1/9").status_code == 404
    assert one.get("/picture/1/..%2Fstudy.json").status_code == 404
    assert Store(study.folder).votes() == []


def test_invited_raters_only(study: Study) -> None:
    code, out = leapsr("study", "invite", study.folder, 2, "--address", "http://testserver/")
    links = out.split()
    assert (code, len(set(links))) == (0, 2)
    assert client(study, invited_only=True).get("/").status_code == 403
    one = client(study, invited_only=True)
    assert one.get(links[0]).status_code == 200
    assert one.post("/api/vote", json={"question": 1, "slot": 0}).status_code == 200
    again = client(study, invited_only=True)  # the same person on another device goes on
    again.get(links[0])
    assert again.get("/api/question").json()["done"] == 1


def test_who_walked_in_before_was_not_invited(study: Study) -> None:
    one = client(study)
    assert one.get("/").status_code == 200
    closed = client(study, invited_only=True)
    closed.cookies = one.cookies
    assert closed.get("/").status_code == 403
    assert closed.get("/api/question").status_code == 401


def asked(methods: tuple[str, ...], count: int) -> Study:
    return Study(Path(), "", "", methods, tuple(Question(i, str(i), methods) for i in range(count)))


def simulated(strengths: dict[str, float], raters: int, count: int) -> tuple[Study, list[Vote]]:
    study, chance = asked(tuple(strengths), count), random.Random(0)
    votes = [
        Vote(person, i, chance.choices(list(strengths), list(strengths.values()))[0], 0, 1.0, "")
        for person in range(raters)
        for i in range(count)
    ]
    return study, votes


def test_strengths_come_back() -> None:
    truth = {"a": 0.5, "b": 0.3, "c": 0.15, "d": 0.05}
    study, votes = simulated(truth, 20, 200)
    found = analysis.outcome(study, votes)
    assert [rate.method for rate in found.rates] == ["a", "b", "c", "d"]
    for rate in found.rates:
        assert rate.strength == pytest.approx(truth[rate.method], abs=0.03)
        assert rate.low < truth[rate.method] < rate.high
    assert abs(found.agreement) < 0.02  # raters draw on their own, but all from one law
    assert (found.votes, found.raters, found.undecided) == (4000, 20, 0)


def test_pairs_give_bradley_and_terry() -> None:
    """Of two methods the strength is the odds; of three, those of the pairs even where two never met."""
    choices = [(("a", "b"), "a")] * 300 + [(("a", "b"), "b")] * 100
    found = analysis.strengths(("a", "b"), choices)
    assert found["a"] / found["b"] == pytest.approx(3, rel=0.02)
    choices += [(("b", "c"), "b")] * 200 + [(("b", "c"), "c")] * 100
    found = analysis.strengths(("a", "b", "c"), choices)
    assert found["a"] / found["c"] == pytest.approx(6, rel=0.03)
    assert sum(found.values()) == pytest.approx(1)
    certain = analysis.strengths(("a", "b"), [(("a", "b"), "a")] * 10)
    assert 0 < certain["b"] < 0.2


def test_agreement_is_krippendorffs() -> None:
    """His example of nominal data (2011): 12 units, 4 observers, alpha 0.743."""
    rows = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    votes = [
        Vote(person, unit, str(value), 0, None, "")
        for person, row in enumerate(rows)
        for unit, value in enumerate(row)
        if value is not None
    ]
    study = asked(("1", "2", "3", "4", "5"), 12)
    assert analysis.agreement(study, votes) == pytest.approx(0.743, abs=0.001)
    assert math.isnan(analysis.agreement(study, votes[:0]))
    same = [Vote(person, 0, "1", 0, None, "") for person in range(3)]
    assert analysis.agreement(study, same) == 1


def test_raters_who_toss_coins_do_not_agree_in_pairs_either() -> None:
    """What chance does is counted for each pair of methods: of all methods together it would be too much,
    and coins would look like an opinion."""
    pairs = [("a", "b"), ("a", "c"), ("b", "c"), ("c", "d"), ("a", "d"), ("b", "d")]
    methods = ("a", "b", "c", "d")
    study = Study(Path(), "", "", methods, tuple(Question(i, str(i), pairs[i % 6]) for i in range(240)))
    coin = random.Random(0)
    votes = [
        Vote(person, question.number, coin.choice(question.methods), 0, None, "")
        for person in range(10)
        for question in study.questions
    ]
    assert abs(analysis.agreement(study, votes)) < 0.03
    agreed = [vote._replace(method=study.questions[vote.question].methods[0]) for vote in votes]
    assert analysis.agreement(study, agreed) == 1
    # A pair of which nothing is known by two raters changes nothing.
    alone = [*votes, Vote(11, 240, "e", 0, None, "")]
    more = study._replace(questions=(*study.questions, Question(240, "x", ("e", "f"))))
    assert analysis.agreement(more, alone) == analysis.agreement(study, votes)


def test_votes_without_preference_are_in_no_rate() -> None:
    study = asked(("a", "b"), 4)
    votes = [Vote(1, 0, None, None, 1.0, ""), Vote(1, 1, "a", 0, 1.0, ""), Vote(2, 0, "a", 1, 1.0, "")]
    found = analysis.outcome(study, votes)
    assert (found.undecided, found.votes) == (1, 3)
    assert [(rate.method, rate.chosen, rate.shown) for rate in found.rates] == [("a", 2, 2), ("b", 0, 2)]
    assert math.isnan(analysis.outcome(study, votes[1:2]).rates[0].low)


def test_raters_who_were_not_shown_a_method_say_nothing_about_it() -> None:
    """Draws without a rater who was would count as if nobody had chosen it."""
    study = Study(
        Path(), "", "", ("a", "b", "c"), (Question(0, "0", ("a", "b")), Question(1, "1", ("b", "c")))
    )
    votes = [Vote(person, 0, "a", 0, 1.0, "") for person in range(5)]
    votes += [Vote(person, 1, "b", 0, 1.0, "") for person in range(5, 50)]
    rates = {rate.method: rate for rate in analysis.outcome(study, votes).rates}
    assert (rates["a"].low, rates["a"].high) == (1, 1)
    few = [vote for vote in votes if vote.rater not in (0, 1)]
    assert math.isnan(next(rate.low for rate in analysis.outcome(study, few).rates if rate.method == "a"))


def test_results_and_export(study: Study) -> None:
    assert leapsr("study", "results", study.folder)[0] == 2
    for person in range(2):
        one = rater(study)
        while (state := one.get("/api/question").json()["question"]) is not None:
            question = study.find(state["number"])
            assert question is not None
            slot = study.slots(person + 1, question).index("sharp")
            one.post("/api/vote", json={"question": state["number"], "slot": slot, "seconds": 1})
    code, out = leapsr("study", "results", study.folder)
    assert code == 0
    assert "100.0%" in out
    assert "6 votes of 2 raters" in out
    stored = json.loads(leapsr("study", "results", study.folder, "--json")[1])
    assert stored["rates"][0]["method"] == "sharp"
    rows = list(csv.DictReader(io.StringIO(leapsr("study", "export", study.folder)[1])))
    assert [row["method"] for row in rows] == ["sharp"] * 6
    assert all(sorted(row["shown"].split(" | ")) == sorted(METHODS) for row in rows)


def test_threads_share_the_votes(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    store = Store(tmp_path)
    people = [store.rater(store.add_rater()) for _ in range(4)]

    def vote(at: int) -> bool:
        return store.vote(people[at % 4] or 0, at // 4 % 10, "a", 0, None)

    with ThreadPoolExecutor(8) as pool:
        counted = list(pool.map(vote, np.random.default_rng(0).permutation(80).tolist()))
    assert sum(counted) == len(store.votes()) == 40
