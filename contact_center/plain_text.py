"""HTML turned into readable text. Input is capped; runs in a parser process, never on the loop."""

import re

import lxml.html
from inscriptis import get_text
from inscriptis.model.config import ParserConfig

from contact_center.markup import depth, flatten

TEXT_LIMIT = 256 * 1024  # characters of markup that are turned into text
DEEP = 60  # nesting from which the parser's output is checked for lost words
_QUOTE_OPEN, _QUOTE_CLOSE = "\u2063quote\u2063", "\u2063unquote\u2063"
_SPACES = re.compile(r"[ \t\u00a0]+")


def to_text(html: str) -> str:
    """Markup as readable text; quoted blocks get the `>` that plain-text mails have."""
    capped = flatten(html[:TEXT_LIMIT]).replace("\x00", "")
    if not capped.strip():
        return ""
    try:
        root = lxml.html.document_fromstring(capped.encode("utf-8", "replace"), parser=lxml.html.HTMLParser(encoding="utf-8"))
        _mark_quotes(root)
        text = get_text(lxml.html.tostring(root, encoding="unicode"), ParserConfig(display_links=False))
        parsed = True
    except (ValueError, AssertionError, IndexError, TypeError, RecursionError, lxml.etree.LxmlError):
        text, parsed = "", False
    if not parsed or depth(capped, DEEP):
        # The parser drops what stands deeper than it likes, and hopeless markup still holds words.
        plain = re.sub(r"<[^<>]{0,2000}>", " ", capped)
        if plain.strip() and (not parsed or (depth(capped, DEEP) and plain.split()[-1] not in text)):
            text = plain
    return _quoted_lines(text)


def _mark_quotes(root: lxml.html.HtmlElement) -> None:
    for element in list(root.iter("blockquote")):
        _wrap(element)
    for element in root.find_class("yahoo_quoted") + root.find_class("gmail_quote_container"):
        if element.tag != "blockquote" and next(element.iter("blockquote"), None) is None:
            _wrap(element)


def _wrap(element: lxml.html.HtmlElement) -> None:
    opening, closing = lxml.html.Element("div"), lxml.html.Element("div")
    opening.text, closing.text = _QUOTE_OPEN, _QUOTE_CLOSE
    opening.tail, element.text = element.text, None
    element.insert(0, opening)
    element.append(closing)


def _quoted_lines(text: str) -> str:
    lines, depth, blank = [], 0, 0
    for line in text.split("\n"):
        stripped = _SPACES.sub(" ", line).rstrip()
        if _QUOTE_OPEN in stripped or _QUOTE_CLOSE in stripped:
            depth = max(0, depth + stripped.count(_QUOTE_OPEN) - stripped.count(_QUOTE_CLOSE))
            stripped = stripped.replace(_QUOTE_OPEN, "").replace(_QUOTE_CLOSE, "").strip()
            if not stripped:
                continue
        blank = blank + 1 if not stripped.strip() else 0
        if blank < 2:
            lines.append((">" * min(depth, 20) + " " if depth else "") + (stripped.lstrip() if not depth else stripped))
    return "\n".join(lines).strip("\n")
