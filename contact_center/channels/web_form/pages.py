"""The pages that customers see. Everything from outside passes `esc` on its way in; the policy forbids any other script."""

import hashlib
import html
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contact_center.channels.base import HookReply
from contact_center.channels.web_form import reading, words
from contact_center.channels.web_form.fields import FormField
from contact_center.channels.web_form.options import WebFormOptions
from contact_center.model.messages import PublicEntry, PublicFile, PublicTicket
from contact_center.model.words import Status

STATIC = Path(__file__).parent / "static"
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
TONES = {Status.OPEN: "accent", Status.WAITING: "ok", Status.RESOLVED: "ok", Status.CLOSED: ""}
SCRIPT_WORDS = (
    *("checking", "failed", "copied", "called", "message_sent"),
    *("required_field", "bad_choice", "consent_needed", "too_much", "errors_title", "no_files"),
)
PRIVATE = {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cache-Control": "no-store",
}
_COMPLETES = {"email": "email", "phone": "tel"}
_INPUTS = {"email": "email", "phone": "tel"}


def esc(value: object) -> str:
    """Text as text, in markup and in attributes."""
    return html.escape(str(value), quote=True)


@cache
def asset(name: str) -> bytes:
    """One of our own files."""
    return (STATIC / name).read_bytes()


@cache
def version(name: str) -> str:
    """Changes with the file, so that browsers may keep it for good."""
    return hashlib.sha256(asset(name)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Site:
    """What every page of one form needs."""

    options: WebFormOptions
    base: str
    """Path of the form without a slash at its end; pages name no host, so that they work behind any."""
    light: bool = False
    """The page around it is light whatever the visitor's system prefers."""

    @property
    def words(self) -> Mapping[str, str]:
        """The form's own words."""
        return words.of(self.options.language)

    @property
    def heading(self) -> str:
        """What stands over the form."""
        return self.options.title or self.words["title"]

    def reply(self, title: str, body: str, *, status: int = 200, private: bool = False, challenge: str = "") -> HookReply:
        """A whole page. `challenge` is where its script gets its work."""
        nonce = secrets.token_urlsafe(16)
        ancestors = "'none'" if private else self.options.frame_ancestors
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; "
            f"worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
        )
        headers = {"Content-Security-Policy": policy} | (
            PRIVATE if private else {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        )
        return HookReply(status, self._document(title, body, nonce, private, challenge).encode(), "text/html; charset=utf-8", headers)

    def _document(self, title: str, body: str, nonce: str, private: bool, challenge: str) -> str:
        robots = '<meta name="robots" content="noindex, nofollow">' if private else ""
        said = json.dumps({name: self.words[name] for name in SCRIPT_WORDS}, ensure_ascii=False)
        return f"""<!doctype html>
<html lang="{esc(self.options.language)}"{' data-theme="light"' if self.light else ""}>
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">{robots}
<title>{esc(title)}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="{self.file("form.css")}" nonce="{nonce}">
{self._colours(nonce)}<script src="{self.file("form.js")}" nonce="{nonce}" defer></script>
</head>
<body data-worker="{self.file("pow.js")}" data-challenge="{esc(challenge)}" data-words="{esc(said)}">
<main>{body}</main>
</body>
</html>
"""

    def file(self, name: str) -> str:
        """Address of one of our own files."""
        return f"{esc(self.base)}/{name}?v={version(name)}"

    def _colours(self, nonce: str) -> str:
        if not self.options.colour:
            return ""
        return f'<style nonce="{nonce}">:root{{--button:{self.options.colour};--button-text:{readable_on(self.options.colour)}}}</style>\n'


def readable_on(colour: str) -> str:
    """Black or white, whichever stands out more on a colour; one of them always has a contrast of 4.5."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


# The form.


def form(site: Site, values: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None, notice: str = "") -> str:
    """The form itself, with what was written and what is wrong with it."""
    values, errors, said, options = values or {}, errors or {}, site.words, site.options
    inner = "".join(field(question, said, values.get(question.name, ""), errors.get(question.name, "")) for question in options.questions)
    intro = f'<p class="intro">{esc(options.intro)}</p>' if options.intro else ""
    return f"""<section class="card"><h1>{esc(site.heading)}</h1>{intro}
<noscript><p class="notice warn">{esc(said["no_script"])}</p></noscript>
<div class="notice danger" role="alert" data-notice{"" if notice else " hidden"}>{esc(notice)}</div>
<form method="post" action="{esc(site.base)}" enctype="multipart/form-data" novalidate data-send="form">
{inner}{_callback(options, said, values)}{_consent(options, errors.get("consent", ""))}{_hidden(said)}
<div class="actions"><button class="button" type="submit">{esc(said["send"])}</button></div>
</form>{_code(options, said)}</section>"""


def field(question: FormField, said: Mapping[str, str], value: str = "", error: str = "") -> str:
    """One question with its label, its control and the place where its error is told."""
    ident = f"{reading.PREFIX}{question.name}"
    control = _control(question, ident, said, value, error)
    if question.type == "checkbox":
        label = f'<label class="check">{control}<span>{esc(question.label)}</span></label>'
    else:
        optional = "" if question.required else f' <span class="optional">{esc(said["optional"])}</span>'
        label = f'<label for="{ident}">{esc(question.label)}{optional}</label>{control}'
    hint = f'<p class="hint" id="{ident}-hint">{esc(said["files_hint"])}</p>' if question.type == "file" else ""
    return f'<div class="field">{label}{hint}{_error(ident, error)}</div>\n'


def _control(question: FormField, ident: str, said: Mapping[str, str], value: str, error: str) -> str:
    hint = f" {ident}-hint" if question.type == "file" else ""
    common = f'id="{ident}" name="{ident}" aria-describedby="{ident}-error{hint}"'
    common += (" required" if question.required else "") + (' aria-invalid="true"' if error else "")
    match question.type:
        case "textarea":
            return f'<textarea {common} rows="5" maxlength="{question.limit}">{esc(value)}</textarea>'
        case "choice":
            chosen = "".join(f"<option{' selected' if choice == value else ''}>{esc(choice)}</option>" for choice in question.choices)
            return f'<select {common}><option value="">{esc(said["choose"])}</option>{chosen}</select>'
        case "checkbox":
            return f'<input {common} type="checkbox"{" checked" if value else ""}>'
        case "file":
            return files(common, said)
    completes = _COMPLETES.get(question.type, "name" if question.name == "name" else "on")
    kind = _INPUTS.get(question.type, "text")
    return f'<input {common} type="{kind}" autocomplete="{completes}" maxlength="{question.limit}" value="{esc(value)}">'


def files(common: str, said: Mapping[str, str]) -> str:
    """The choice of files in the form's own language: a browser would name its button in its user's."""
    shown = f'<span class="button quiet">{esc(said["choose_files"])}</span><span class="picked" data-picked>{esc(said["no_files"])}</span>'
    return f'<div class="drop"><input {common} type="file" multiple><div aria-hidden="true">{shown}</div></div>'


def _error(ident: str, error: str) -> str:
    return f'<p class="error" id="{ident}-error"{"" if error else " hidden"}>{esc(error)}</p>'


def _callback(options: WebFormOptions, said: Mapping[str, str], values: Mapping[str, str]) -> str:
    if not options.callback:
        return ""
    checked = " checked" if values.get("callback") else ""
    box = f'<input type="checkbox" name="callback"{checked}>'
    return f'<div class="field"><label class="check">{box}<span>{esc(said["callback"])}</span></label></div>'


def _consent(options: WebFormOptions, error: str) -> str:
    if not options.consent_text:
        return ""
    box = '<input type="checkbox" id="consent" name="consent" required aria-describedby="consent-error">'
    label = f'<label class="check">{box}<span>{esc(options.consent_text)}</span></label>'
    return f'<div class="field">{label}{_error("consent", error)}</div>'


def _hidden(said: Mapping[str, str]) -> str:
    """What the script fills in, and the trap: people do not see it, machines fill in everything."""
    return (
        f'<div class="trap" aria-hidden="true"><label>{esc(said["leave_empty"])}'
        f'<input name="leave_empty" tabindex="-1" autocomplete="off"></label></div>'
        f'<input type="hidden" name="challenge"><input type="hidden" name="solution"><input type="hidden" name="attribution">'
    )


def _code(options: WebFormOptions, said: Mapping[str, str]) -> str:
    if not options.code_shown:
        return ""
    return (
        f'<p class="code" data-code-line hidden>{esc(said["visit_code"])}: <strong data-code></strong> '
        f'<span class="muted">{esc(said["visit_code_hint"])}</span></p>'
    )


def thanks(site: Site, path: str, known: str) -> str:
    """What is shown after sending, with the private link. `known` says what became of it, empty as long as nobody knows."""
    said, options = site.words, site.options
    return f"""<section class="card thanks" tabindex="-1" data-thanks="{esc(path)}" data-settled="{int(bool(known))}">
<div class="tick" aria-hidden="true">✓</div><h1>{esc(said["thanks_title"])}</h1>
<p class="intro">{esc(options.thank_you or said["thanks"])}</p>
<p class="number" role="status" data-number="{esc(said["number"])}">{esc(known or said["number_comes"])}</p>
<div class="box"><h2>{esc(said["link_title"])}</h2><p class="muted">{esc(said["link_text"])}</p>
<div class="actions"><a class="button" href="{esc(path)}" target="_blank" rel="noopener">{esc(said["open_link"])}</a>
<button class="button quiet" type="button" data-copy="{esc(path)}" hidden>{esc(said["copy_link"])}</button></div></div>
<p><a class="again" href="{esc(site.base)}">{esc(said["once_more"])}</a></p></section>"""


# The private page.


def processing(site: Site) -> str:
    """The private page before its message has been understood."""
    said = site.words
    return (
        f'<section class="card" data-ticket data-version="0"><div class="wait" aria-hidden="true"></div>'
        f'<h1>{esc(said["processing_title"])}</h1><p class="intro" role="status">{esc(said["processing"])}</p></section>'
    )


def ticket(site: Site, path: str, found: PublicTicket, phone: str, *, joined: bool) -> str:
    """The private page: what was said, and what can be done."""
    said = site.words
    note = f'<p class="notice">{esc(said["joined"])}</p>' if joined else ""
    return f"""<section class="card" data-ticket data-version="{stamp(found)}">{summary(site, found, joined=joined)}{note}
<div role="log" aria-label="{esc(said["conversation"])}" data-log>{thread(site, path, found)}</div></section>
{_write(site, path, found)}{_call(site, path, phone)}
<p class="footnote">{esc(said["keep_link"])}</p>"""


def summary(site: Site, found: PublicTicket, *, joined: bool) -> str:
    """Number, subject and status of a ticket. One that was joined tells nothing of the older one."""
    said = site.words
    if joined:
        return f"<div data-summary><h1>{esc(said['callback'])}</h1></div>"
    status = f'<span class="badge {TONES[found.status]}">{esc(said[f"status_{found.status}"])}</span>'
    opened = esc(said["opened"]).format(date=_time(found.created_at.isoformat()))
    number = f"<span>{esc(said['request'].format(number=found.number))}</span>"
    meta = f'<p class="meta">{status} {number} <span class="muted">{opened}</span></p>'
    asks = any((entry.facts or {}).get("callback") for entry in found.entries[:1])
    return f"<div data-summary><h1>{esc(found.subject or (said['callback'] if asks else site.heading))}</h1>{meta}</div>"


def thread(site: Site, path: str, found: PublicTicket) -> str:
    """What was said, the oldest first."""
    return f'<ol class="thread">{"".join(_entry(site, path, entry) for entry in found.entries)}</ol>'


def stamp(found: PublicTicket) -> str:
    """Changes when there is something new to see."""
    return f"{found.status}-{len(found.entries)}"


def _entry(site: Site, path: str, entry: PublicEntry) -> str:
    said = site.words
    who = (entry.author or said["we"]) if entry.ours else said["you"]
    names = "".join(f'<li class="file">{_file(path, entry, file)}</li>' for file in entry.files)
    head = f'<p class="who"><strong>{esc(who)}</strong> {_time(entry.at.isoformat())}</p>'
    below = f'<ul class="files">{names}</ul>' if names else ""
    return f'<li class="entry {"ours" if entry.ours else "theirs"}">{head}{_text(entry)}{below}</li>'


def _file(path: str, entry: PublicEntry, file: PublicFile) -> str:
    """What we sent can be downloaded; of what customers sent they see the name."""
    return f'<a href="{esc(path)}/files/{file.id}" download>{esc(file.filename)}</a>' if entry.ours else esc(file.filename)


def _text(entry: PublicEntry) -> str:
    """What was said; a filled-in form as its fields."""
    fields = (entry.facts or {}).get("fields", ())
    if entry.ours or len(fields) < 2:
        return f'<div class="text">{esc(entry.text)}</div>'
    rows = "".join(f"<dt>{esc(row['label'])}</dt><dd>{esc(row['value'])}</dd>" for row in fields)
    return f'<dl class="fields">{rows}</dl>'


def _time(iso: str) -> str:
    return f'<time datetime="{esc(iso)}">{esc(iso[:16].replace("T", " "))} UTC</time>'


def _write(site: Site, path: str, found: PublicTicket) -> str:
    said = site.words
    done = f'<p class="muted">{esc(said["write_done"])}</p>' if found.status in (Status.RESOLVED, Status.CLOSED) else ""
    return f"""<section class="card"><noscript><p class="notice warn">{esc(said["no_script_ticket"])}</p></noscript>
<div class="notice danger" role="alert" data-notice hidden></div><div class="notice ok" role="status" data-done hidden></div>
<form method="post" action="{esc(path)}/messages" enctype="multipart/form-data" novalidate data-send="message">{done}
<div class="field"><label for="text">{esc(said["write"])}</label>
<textarea id="text" name="text" rows="4" maxlength="5000" aria-describedby="text-error"></textarea>{_error("text", "")}</div>
<div class="field"><label for="files">{esc(said["add_files"])} <span class="optional">{esc(said["optional"])}</span></label>
{files(f'id="files" name="{reading.PREFIX}files" aria-describedby="files-hint"', said)}
<p class="hint" id="files-hint">{esc(said["files_hint"])}</p></div>
{_hidden(said)}<div class="actions"><button class="button" type="submit">{esc(said["send_message"])}</button></div></form></section>"""


def _call(site: Site, path: str, phone: str) -> str:
    said = site.words
    if not site.options.callback:
        return ""
    return f"""<section class="card"><h2>{esc(said["call_title"])}</h2><div class="notice danger" role="alert" data-notice hidden></div>
<div class="notice ok" role="status" data-done hidden></div>
<form method="post" action="{esc(path)}/callback" enctype="multipart/form-data" novalidate data-send="callback" class="line">
<div class="field"><label for="phone">{esc(said["call_phone"])}</label>
<input id="phone" name="phone" type="tel" autocomplete="tel" maxlength="40" required value="{esc(phone)}"
 aria-describedby="phone-error">{_error("phone", "")}</div>
{_hidden(said)}<button class="button quiet" type="submit">{esc(said["call_button"])}</button></form></section>"""


def message(title: str, text: str) -> str:
    """A page that says one thing."""
    return f'<section class="card"><h1>{esc(title)}</h1><p class="intro">{esc(text)}</p></section>'
