"""The public page on which a customer says how it was. No script; all that is not ours passes `esc`."""

import html
import secrets
from pathlib import Path

from contact_center.model.surveys import COMMENT_LIMIT, ENDS, SCALES, SurveyKind, question

HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow, noarchive"}
WORDS = {
    "en": {
        "title": "How was it?", "about": "Your request #{number}", "comment": "Anything you want to add?", "optional": "optional",
        "send": "Send", "change": "Change my answer", "thanks": "Thank you!", "kept": "We have your answer: {score} of {high}.",
        "gone": "This page is not open any more", "gone_text": "The time to answer has passed, or the address is not complete.",
        "missing": "Choose a number first.", "busy": "Too many attempts. Wait a minute, then try again.",
        "sample": "This is what customers will see.",
    },
    "ru": {
        "title": "Как мы справились?", "about": "Обращение №{number}", "comment": "Хотите что-то добавить?", "optional": "необязательно",
        "send": "Отправить", "change": "Изменить ответ", "thanks": "Спасибо!", "kept": "Ваш ответ: {score} из {high}.",
        "gone": "Страница больше не открыта", "gone_text": "Время для ответа истекло или адрес неполон.",
        "missing": "Сначала выберите число.", "busy": "Слишком много попыток. Подождите минуту и попробуйте ещё раз.",
        "sample": "Так это увидят клиенты.",
    },
}  # fmt: skip
STYLE = (Path(__file__).parent / "page.css").read_text("utf-8")


def esc(value: object) -> str:
    """Text as text, in markup and in attributes."""
    return html.escape(str(value), quote=True)


def form(
    kind: SurveyKind, language: str, own: str, number: int, *, score: int | None, comment: str = "", error: str = "", sample: bool = False
) -> str:
    """The question with its scale, a chosen score and a comment; a sample cannot be sent."""
    said, (low, high), (worst, best) = WORDS[language], SCALES[kind], ENDS[language, kind]
    marks = "".join(
        f'<label><input type="radio" name="score" value="{each}" required{" checked" if each == score else ""}><span>{each}</span></label>'
        for each in range(low, high + 1)
    )
    wrong = f'<p class="error" role="alert">{esc(said[error])}</p>' if error else ""
    about = said["sample"] if sample else said["about"].replace("{number}", str(number))
    return f"""<h1>{esc(said["title"])}</h1><p class="muted">{esc(about)}</p>{wrong}
<form method="post"><fieldset><legend>{esc(question(kind, language, own))}</legend>
<div class="scale">{marks}</div><div class="ends"><span>{low}: {esc(worst)}</span><span>{high}: {esc(best)}</span></div></fieldset>
<label class="text"><span>{esc(said["comment"])} <small>{esc(said["optional"])}</small></span>
<textarea name="comment" maxlength="{COMMENT_LIMIT}">{esc(comment)}</textarea></label>
<div><button{" disabled" if sample else ""}>{esc(said["send"])}</button></div></form>"""


def thanks(kind: SurveyKind, language: str, score: int, comment: str, path: str) -> str:
    """The answer is here, and can be changed until the page closes."""
    said = WORDS[language]
    kept = said["kept"].replace("{score}", str(score)).replace("{high}", str(SCALES[kind][1]))
    quote = f'<p class="quote">{esc(comment)}</p>' if comment else ""
    return f'<h1>{esc(said["thanks"])}</h1><p role="status">{esc(kept)}</p>{quote}<a href="{esc(path)}?change=1">{esc(said["change"])}</a>'


def note(language: str, title: str, text: str) -> str:
    """A page that only says something."""
    return f"<h1>{esc(WORDS[language][title])}</h1><p>{esc(WORDS[language][text])}</p>"


def document(language: str, body: str, *, framed: bool = False) -> tuple[str, dict[str, str]]:
    """A whole page, and its headers. `framed`: our own console may show it."""
    nonce = secrets.token_urlsafe(16)
    ancestors = "'self'" if framed else "'none'"
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )
    page = f"""<!doctype html><html lang="{esc(language)}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow"><title>{esc(WORDS[language]["title"])}</title><link rel="icon" href="data:,">
<style nonce="{nonce}">{STYLE}</style></head><body><main><div class="card">{body}</div></main></body></html>
"""
    return page, HEADERS | {"Content-Security-Policy": policy}
