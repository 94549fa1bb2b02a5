"""The page that raters see (extra "serve")."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from ..errors import optional
from .questions import Question, Study
from .store import Store

PAGE = Path(__file__).with_name("page.html")
COOKIE = "leapsr_rater"
"""With some digits of the study: a browser gives cookies to every port of a host."""
YEAR = 365 * 24 * 3600


class Ballot(BaseModel):
    """slot: which of the results, from 0; None is no preference. seconds: since the question was shown.
    order: as the question told it, so that a page that was opened by another rater is refused."""

    question: int
    slot: int | None = Field(None, ge=0)
    seconds: float | None = Field(None, ge=0)
    order: str | None = None


def build(study: Study, invited_only: bool = False) -> Any:
    """The application (FastAPI). A rater is known by a cookie, so that nobody can vote for another.

    invited_only: only links of `Store.add_rater` may vote. Raises MissingExtra.
    """
    fastapi: Any = optional("fastapi", "serve")
    responses: Any = optional("fastapi.responses", "serve")
    store = Store(study.folder)
    cookie = cookie_of(study)
    app = fastapi.FastAPI(title=study.title, docs_url=None, redoc_url=None, openapi_url=None)

    def rater_of(request: Any) -> int:
        token = request.cookies.get(cookie)
        found = None if token is None else store.rater(token, invited_only)
        if found is None:
            raise fastapi.HTTPException(401, "Open the first page of this study again.")
        return found

    def page(request: Any, rater: str | None = None) -> Any:
        token = rater if rater is not None else request.cookies.get(cookie)
        if token is None or store.rater(token, invited_only) is None:
            if invited_only:
                raise fastapi.HTTPException(403, "This study is for those who were sent a link of their own.")
            token = store.add_rater()
        answer = responses.HTMLResponse(PAGE.read_text(encoding="utf-8"))
        answer.set_cookie(cookie, token, max_age=YEAR, httponly=True, samesite="lax")
        return answer

    def question(request: Any) -> dict[str, Any]:
        rater = rater_of(request)
        answered = store.answered(rater)
        asked = study.order(rater)
        left = [each for each in asked if each.number not in answered]
        known = {"title": study.title, "done": len(asked) - len(left), "total": len(asked)}
        if not left:
            return {**known, "question": None}
        number, slots = left[0].number, len(left[0].methods)
        order = _digest(f"{study.secret}/{rater}/{number}")
        return {**known, "question": {"number": number, "slots": slots, "order": order}}

    def picture(request: Any, number: int, slot: str) -> Any:
        rater, asked = rater_of(request), _known(fastapi, study, number)
        shown = study.slots(rater, asked)
        if slot != "source" and not (slot.isdecimal() and int(slot) < len(shown)):
            raise fastapi.HTTPException(404, "There is no such picture.")
        file = study.file(asked, None if slot == "source" else shown[int(slot)])
        # The same address shows another method to another rater, so that no cache may share it.
        return responses.FileResponse(
            file, media_type="image/png", headers={"Cache-Control": "private, no-store"}
        )

    def vote(request: Any, ballot: Ballot) -> dict[str, bool]:
        rater, asked = rater_of(request), _known(fastapi, study, ballot.question)
        shown = study.slots(rater, asked)
        if ballot.slot is not None and ballot.slot >= len(shown):
            raise fastapi.HTTPException(422, "There is no such result.")
        if ballot.order not in (None, _digest(f"{study.secret}/{rater}/{asked.number}")):
            raise fastapi.HTTPException(409, "Somebody else has opened this study here: load the page again.")
        method = None if ballot.slot is None else shown[ballot.slot]
        counted = store.vote(rater, asked.number, method, ballot.slot, ballot.seconds)
        return {"recorded": True, "first": counted}

    for function in (page, question, picture, vote):
        function.__annotations__["request"] = fastapi.Request
    app.get("/", response_class=responses.HTMLResponse)(page)
    app.get("/api/question")(question)
    app.get("/picture/{number}/{slot}")(picture)
    app.post("/api/vote")(vote)
    return app


def cookie_of(study: Study) -> str:
    """The name of its cookies."""
    return f"{COOKIE}_{_digest(study.secret)}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _known(fastapi: Any, study: Study, number: int) -> Question:
    found = study.find(number)
    if found is None:
        raise fastapi.HTTPException(404, "There is no such question.")
    return found


def serve(study: Study, host: str, port: int, invited_only: bool = False) -> None:
    """Until it is stopped. Raises MissingExtra."""
    uvicorn: Any = optional("uvicorn", "serve")
    uvicorn.run(build(study, invited_only), host=host, port=port, log_level="warning")
