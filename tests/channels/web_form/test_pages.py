"""What a browser gets: policies, escaping, and forms that cannot be set up wrongly."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contact_center.channels.base import HookReply
from contact_center.channels.web_form import pages, words
from contact_center.channels.web_form.connector import KIND
from contact_center.channels.web_form.options import WebFormOptions
from contact_center.channels.web_form.pages import Site, readable_on
from contact_center.errors import ChannelMisconfigured
from contact_center.model.messages import PublicEntry, PublicFile, PublicTicket
from contact_center.model.words import Status
from tests.channels.doubles import MemoryInbox
from tests.channels.web_form.helpers import FIELDS, a_request, connector, options

EVIL = """"><script>alert(1)</script><img src=x onerror=alert(2)>'--></style><b>"""
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Seen(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def harmless(self) -> bool:
        """No handler, no script but ours, no image, no address elsewhere."""
        for tag, attributes in self.tags:
            if any(name.startswith("on") or name == "style" for name in attributes) or tag in ("img", "b", "iframe", "object", "base"):
                return False
            if tag == "script" and not (attributes.get("nonce") and str(attributes.get("src")).startswith("/hooks/")):
                return False
            if any(
                str(attributes.get(name) or "").startswith(("http:", "https:", "//", "javascript:")) for name in ("src", "href", "action")
            ):
                return False
        return True


async def shown(tmp_path: Path, path: str = "", **values: Any) -> HookReply:
    return await connector(**values).answer(a_request(path=path), MemoryInbox(tmp_path))


def policy(reply: HookReply) -> dict[str, str]:
    rules = (rule.strip().partition(" ") for rule in reply.headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in rules}


async def test_the_form_runs_its_own_scripts_and_nothing_else(tmp_path: Path) -> None:
    reply = await shown(tmp_path)
    rules = policy(reply)
    (nonce,) = re.findall(r"'nonce-([^']+)'", rules["script-src"])

    assert rules["default-src"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in reply.headers["Content-Security-Policy"]
    assert re.findall(rb'<script[^>]*nonce="([^"]+)"', reply.body) == [nonce.encode()]
    assert reply.body.count(b"<script") == 1
    assert policy(await shown(tmp_path))["script-src"] != rules["script-src"]  # a nonce is used once


@pytest.mark.parametrize(
    ("allowed", "ancestors"),
    [
        ("", "'self'"),
        ("https://shop.example/ , https://*.shop.example:8443", "'self' https://shop.example https://*.shop.example:8443"),
        ("*", "'self' *"),
    ],
)
async def test_only_named_sites_may_embed_the_form(tmp_path: Path, allowed: str, ancestors: str) -> None:
    assert policy(await shown(tmp_path, allowed_origins=allowed))["frame-ancestors"] == ancestors


@pytest.mark.parametrize(
    "evil", ["https://a.example; script-src *", "javascript:alert(1)", "https://a.example/path", "'unsafe-inline'", "data:"]
)
def test_what_goes_into_the_policy_is_a_site_and_nothing_else(evil: str) -> None:
    with pytest.raises(ValidationError, match="address of a site"):
        WebFormOptions(allowed_origins=evil)


async def test_hostile_settings_stay_text(tmp_path: Path) -> None:
    """Whoever sets a form up may not run scripts in the browsers of its visitors, or on the console's own address."""
    fields = [dict(field, label=EVIL) for field in FIELDS] + [
        {"name": "evil", "label": "Evil", "type": "choice", "choices": [EVIL, EVIL + "2"]},
    ]
    reply = await shown(tmp_path, title=EVIL, intro=EVIL, consent_text=EVIL, thank_you=EVIL, code_shown=True, fields=fields)

    assert Seen(reply.body).harmless()
    assert EVIL in Seen(reply.body).text


async def test_hostile_values_come_back_as_text(tmp_path: Path) -> None:
    """A form that is shown again with what was written writes it as text."""
    body = "f-name=%22%3E%3Cscript%3E1%3C%2Fscript%3E&f-message=%3C%2Ftextarea%3E%3Cimg%3E"
    request = a_request("POST", "", body.encode(), {"Content-Type": "application/x-www-form-urlencoded"})
    reply = await connector(consent_text="Yes?").answer(request, MemoryInbox(tmp_path))

    assert reply.status == 422
    assert Seen(reply.body).harmless()
    assert words.EN["consent_needed"] in Seen(reply.body).text


def hostile_ticket() -> PublicTicket:
    facts = {"fields": [{"label": EVIL, "value": EVIL}, {"label": "Two", "value": EVIL}]}
    files = (PublicFile(1, EVIL),)
    entries = (PublicEntry(AT, False, EVIL, EVIL, files, facts), PublicEntry(AT, True, EVIL, EVIL, files))
    return PublicTicket(7, EVIL, Status.OPEN, AT, entries)


def test_hostile_conversations_stay_text() -> None:
    site = Site(WebFormOptions.model_validate(options()), "/hooks/1-code")
    body = pages.ticket(site, "/hooks/1-code/r/k", hostile_ticket(), EVIL, joined=False)
    page = Seen(site.reply(EVIL, body, private=True).body)

    assert page.harmless()
    assert page.text.count(EVIL) >= 7


def test_private_pages_are_kept_from_frames_caches_referrers_and_robots() -> None:
    reply = Site(WebFormOptions(allowed_origins="*"), "/hooks/1-code").reply("Title", "", private=True)

    assert policy(reply)["frame-ancestors"] == "'none'"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert reply.headers["Cache-Control"] == "no-store"
    assert "noindex" in reply.headers["X-Robots-Tag"]


async def test_without_scripts_the_page_says_what_it_needs(tmp_path: Path) -> None:
    assert b"<noscript>" in (await shown(tmp_path)).body
    assert "JavaScript" in Seen((await shown(tmp_path)).body).text


async def test_every_control_has_a_label_and_a_place_for_its_error(tmp_path: Path) -> None:
    page = Seen((await shown(tmp_path)).body)
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    labelled = {attributes["for"] for tag, attributes in page.tags if tag == "label" and "for" in attributes}

    for tag, attributes in page.tags:
        if tag in ("input", "textarea", "select") and "id" in attributes:
            assert attributes["id"] in labelled or attributes["type"] == "checkbox"
            assert set(str(attributes["aria-describedby"]).split()) <= ids


async def test_the_embedding_script_cannot_be_broken_out_of(tmp_path: Path) -> None:
    reply = await shown(tmp_path, "embed.js", title='";alert(1)//</script>\u2028')

    assert reply.content_type.startswith("text/javascript")
    assert b'var FORM = {"title": "\\";alert(1)//</script>\\u2028"};' in reply.body


@pytest.mark.parametrize("name", ["form.js", "pow.js", "form.css", "embed.js"])
async def test_our_own_files_ask_no_other_host(tmp_path: Path, name: str) -> None:
    reply = await shown(tmp_path, name)

    assert reply.status == 200
    assert not re.search(rb"https?://", reply.body)


@pytest.mark.parametrize("path", ["../connector.py", "static/form.js", "form.js/", "r", "r/", "x", "pages.py"])
async def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    assert (await shown(tmp_path, path)).status in ((404, 200) if path == "form.js/" else (404,))


@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#777777", "#ff0000", "#ffd400", "#2f55d4"])
def test_button_texts_can_be_read_on_any_colour(colour: str) -> None:
    def luminance(value: str) -> float:
        parts = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(colour), luminance(readable_on(colour))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


# Settings.


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ("nonsense", "not JSON"),
        ("[" * 5000, "not JSON"),
        ("{}", "at least one field"),
        ("[]", "at least one field"),
        ('[{"name": "a"}]', "Field 1, label"),
        ('[{"name": "A b", "label": "A"}]', "Field 1, name"),
        ('[{"name": "a", "label": "A"}, {"name": "a", "label": "B"}]', "Two fields are named a"),
        ('[{"name": "a", "label": "A", "type": "choice", "choices": ["x"]}]', "two different choices"),
        ('[{"name": "a", "label": "A", "choices": ["x"]}]', "only a field of the type choice"),
        ('[{"name": "a", "label": "A", "type": "file", "max_length": 5}]', "means nothing"),
        ('[{"name": "a", "label": "A", "type": "password"}]', "Field 1, type"),
        ('[{"name": "a", "label": "A", "evil": 1}]', "Field 1, evil"),
        (json.dumps([{"name": f"a{n}", "label": "A"} for n in range(41)]), "at most 40"),
    ],
    ids=lambda value: value[:30],
)
def test_fields_that_cannot_work_are_named(fields: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        WebFormOptions(fields=fields)


def test_a_colour_is_a_colour() -> None:
    with pytest.raises(ValidationError):
        WebFormOptions(colour="red;}</style>")


async def test_a_form_that_offers_calls_needs_a_number() -> None:
    await connector(fields=FIELDS).check()
    with pytest.raises(ChannelMisconfigured, match="phone"):
        await connector(fields=FIELDS[:2]).check()


async def test_a_form_without_an_address_lives_from_its_private_page() -> None:
    await connector(fields=[{"name": "idea", "label": "Idea", "type": "textarea"}], callback=False).check()
    with pytest.raises(ChannelMisconfigured, match="nothing that could be answered"):
        await connector(fields=[{"name": "ok", "label": "Ok", "type": "checkbox"}], callback=False).check()


def test_the_kind_needs_no_address_and_takes_large_forms() -> None:
    assert (KIND.name, KIND.reaches, KIND.can_send, KIND.hook_limit) == ("web_form", None, True, 30 * 1024 * 1024)


def test_both_languages_have_the_same_words() -> None:
    assert words.EN.keys() == words.RU.keys()
    for name, text in words.EN.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", words.RU[name])), name
