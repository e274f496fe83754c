"""Surveys: what a queue asks, a look at it beforehand, and the public page on which customers answer."""

from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from contact_center.api import bodies
from contact_center.api.addresses import client_address
from contact_center.api.context import Context
from contact_center.api.handlers.hooks import POSTS
from contact_center.api.survey_schemas import PageQuery, SurveyAsked, SurveyBody, SurveyPreview
from contact_center.errors import Gone, Invalid, NotFound
from contact_center.model import surveys as rules
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.people import Viewer
from contact_center.model.surveys import SCALES, SurveyKind, SurveySettings
from contact_center.store import Connection, Row, audit
from contact_center.store.repositories import access, surveys
from contact_center.surveys import answering, asking, pages

BODY_LIMIT = 32 * 1024
A_MINUTE = 30
DOOR = -1  # what posts to these pages are counted under, beside channel accounts
SAMPLE_NUMBER = 117


async def get_survey(ctx: Context, queue_id: int) -> SurveyAsked:
    """What a queue asks after its tickets were resolved; `settings` is empty where it asks nothing."""
    return SurveyAsked(await ctx.read(_settings, ctx.viewer, queue_id))


async def set_survey(ctx: Context, queue_id: int, body: SurveyBody) -> SurveyAsked:
    """Let a queue ask, or stop asking. Only what is resolved from then on is asked about."""
    return SurveyAsked(await ctx.write(_set, ctx.act(), ctx.viewer, queue_id, body))


async def preview(ctx: Context, body: SurveyBody) -> SurveyPreview:
    """The words that customers would get, without saving or sending anything."""
    if body.kind is None:
        raise Invalid("Choose what is asked.", field="kind")
    kind, language, own = body.kind, body.language, body.question
    url = f"{ctx.services.settings.base_url.rstrip('/')}/surveys/…"
    subject = rules.SUBJECTS[language].replace("{number}", str(SAMPLE_NUMBER))
    letter = rules.letter(kind, language, own, SAMPLE_NUMBER, url)
    return SurveyPreview(subject, letter, rules.text_message(kind, language, own, SAMPLE_NUMBER))


async def sample_page(ctx: Context, query: PageQuery) -> web.StreamResponse:
    """The page that customers would see, for a frame of the console; it cannot be sent."""
    body = pages.form(query.kind, query.language, query.question, SAMPLE_NUMBER, score=SCALES[query.kind][1], sample=True)
    return _page(query.language, body, framed=True)


async def show(ctx: Context, token: str) -> web.StreamResponse:
    """The page of a survey. Looking at it answers nothing: programs that follow the links of a mail must not vote."""
    row = await _open(ctx, token)
    if row is None:
        return _closed(ctx)
    kind, query = SurveyKind(row["kind"]), ctx.request.query
    if row["score"] is not None and not ({"change", "score"} & set(query)):
        return _page(row["language"], pages.thanks(kind, row["language"], row["score"], row["comment"], ctx.request.path))
    chosen = _score(query.get("score", "")) if "score" in query else row["score"]
    return _page(row["language"], pages.form(kind, row["language"], row["question"], row["number"], score=chosen, comment=row["comment"]))


async def answer(ctx: Context, token: str) -> web.StreamResponse:
    """Take in an answer. Until the page closes it can be changed."""
    row = await _open(ctx, token)
    if row is None:
        return _closed(ctx)
    language, kind = row["language"], SurveyKind(row["kind"])
    if not ctx.request.app[POSTS].allows(DOOR, client_address(ctx.request), A_MINUTE):
        return _page(language, pages.note(language, "title", "busy"), status=429)
    score, comment = await _sent(ctx.request)
    try:
        if score is None:
            raise Invalid
        await ctx.store.write(answering.answer, Act(ctx.services.clock()), row["id"], score, comment)
    except Invalid:
        body = pages.form(kind, language, row["question"], row["number"], score=None, comment=comment, error="missing")
        return _page(language, body, status=422)
    except Gone:
        return _closed(ctx, language)
    return web.Response(status=303, headers={"Location": ctx.request.path, **pages.HEADERS})


async def _open(ctx: Context, token: str) -> Row | None:
    """The survey that can be answered at this address; None: the address is none of ours, or its time has passed."""
    survey_id = asking.survey_of(ctx.services.keys, token)
    row = await ctx.read(surveys.find, survey_id) if survey_id is not None else None
    if row is None or row["expires_at"] is None or row["expires_at"] <= ctx.services.clock():
        return None
    return row


async def _sent(request: web.Request) -> tuple[int | None, str]:
    content = bytearray()

    async def keep(chunk: bytes) -> None:
        content.extend(chunk)

    await bodies.receive(request, BODY_LIMIT, "That is too much.", bodies.STRANGERS, keep)
    try:
        values = parse_qs(bytes(content).decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:  # so many fields has no form of ours
        return None, ""
    return _score(values.get("score", [""])[-1]), values.get("comment", [""])[-1]


def _score(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 3 else None


def _closed(ctx: Context, language: str = "") -> web.Response:
    """One page for what there never was and what is over: nobody learns which."""
    if not language:
        language = "ru" if ctx.request.headers.get("Accept-Language", "").lower().startswith("ru") else "en"
    return _page(language, pages.note(language, "gone", "gone_text"), status=410)


def _page(language: str, body: str, *, status: int = 200, framed: bool = False) -> web.Response:
    text, headers = pages.document(language, body, framed=framed)
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def _settings(connection: Connection, viewer: Viewer, queue_id: int) -> SurveySettings | None:
    if access.find_queue(connection, viewer.project_id, queue_id) is None:
        raise NotFound
    return surveys.settings(connection, queue_id)


def _set(connection: Connection, act: Act, viewer: Viewer, queue_id: int, body: SurveyBody) -> SurveySettings | None:
    before = _settings(connection, viewer, queue_id)
    wanted = None
    if body.kind is not None:
        values: dict[str, Any] = {name: getattr(body, name) for name in type(body).model_fields}
        wanted = SurveySettings(**values)
        low, high = SCALES[wanted.kind]
        if wanted.low_score is not None and not low <= wanted.low_score < high:
            raise Invalid("This score is not on the scale.", field="low_score")
    surveys.keep_settings(connection, queue_id, wanted, act.now)
    if wanted != before:
        audit.note(connection, act, Action.QUEUE_CHANGED, Subject.QUEUE, queue_id, fields=["survey"])
    return wanted
