"""HTML of strangers: made harmless, and turned into text. Input is capped; both run in a parser process, never on the loop."""

import re
from collections.abc import Callable

import lxml.html
import nh3
from inscriptis import get_text
from inscriptis.model.config import ParserConfig

HTML_LIMIT = 1024 * 1024  # characters kept of one mail's markup
TEXT_LIMIT = 256 * 1024  # characters of markup that are turned into text
DEEP = 60  # nesting from which the parser's output is checked for lost words
MAX_DEPTH = 500  # nesting above this is flattened: layout engines and parsers turn slow or overflow

TAGS = nh3.ALLOWED_TAGS - {"area", "map"} | {"center", "font", "u", "s", "strike", "big", "tt", "button"} - {"button"}
ATTRIBUTES = {
    "*": {
        "align",
        "bgcolor",
        "border",
        "cellpadding",
        "cellspacing",
        "color",
        "dir",
        "height",
        "lang",
        "style",
        "title",
        "valign",
        "width",
    },
    "a": {"href", "name"},
    "font": {"face", "size"},
    "img": {"alt", "src"},
    "ol": {"start", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
STYLES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-color", "border-left", "border-radius", "border-right",
    "border-spacing", "border-style", "border-top", "border-width", "color", "direction", "display", "font", "font-family", "font-size",
    "font-style", "font-weight", "height", "letter-spacing", "line-height", "list-style-type", "margin", "margin-bottom", "margin-left",
    "margin-right", "margin-top", "max-width", "padding", "padding-bottom", "padding-left", "padding-right", "padding-top",
    "table-layout", "text-align", "text-decoration", "text-indent", "text-transform", "vertical-align", "white-space", "width",
    "word-break",
}  # fmt: skip
_DROP_WITH_CONTENT = {"script", "style", "title", "noscript", "template", "iframe", "object", "embed", "svg", "math", "select", "textarea"}
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/=\s]+\Z", re.I)
_ATTRIBUTE = re.compile(r' [^\s="<>]+="[^"]*"')
_TAG = re.compile(r'<([a-z0-9]+)((?: [^\s="<>]+="[^"]*"){2,})>')
_ANY_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
_OPENING = re.compile(r"<[a-zA-Z]")
_QUOTE_OPEN, _QUOTE_CLOSE = "\u2063quote\u2063", "\u2063unquote\u2063"
_SPACES = re.compile(r"[ \t\u00a0]+")

ImageRewriter = Callable[[str], str | None]


def sanitise(html: str, image: ImageRewriter | None = None) -> str:
    """Markup in which nothing can run, post, frame, or load by itself except images.

    Image addresses are kept (`cid:`, `data:` pictures, http) for a frame whose policy blocks them, or rewritten by
    `image`, which returns None to drop one. Doing it twice changes nothing.
    """

    def attribute(tag: str, name: str, value: str) -> str | None:
        if name == "src":
            return _image_source(value, image)
        if name == "href":
            return value if re.match(r"(?:https?|mailto|tel|sms):", value.strip(), re.I) else None
        if name == "style" and re.search(r"url|expression|@|\\|image", value, re.I):
            return None
        return value

    clean = nh3.clean(
        flatten(html[:HTML_LIMIT]),
        tags=TAGS,
        clean_content_tags=_DROP_WITH_CONTENT,
        attributes=ATTRIBUTES,
        attribute_filter=attribute,
        filter_style_properties=STYLES,
        url_schemes={"http", "https", "mailto", "tel", "sms", "cid", "data"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}, "img": {"loading": "lazy"}},
        strip_comments=True,
    )
    return _TAG.sub(_in_order, clean)


def _in_order(match: re.Match[str]) -> str:
    """A tag with its attributes sorted: the cleaner leaves them in an order that depends on what it removed."""
    return f"<{match[1]}{''.join(sorted(_ATTRIBUTE.findall(match[2])))}>"


def flatten(html: str) -> str:
    """Markup as it is, or without tags when it nests or repeats beyond all sense."""
    return html if _depth(html) <= MAX_DEPTH else re.sub(r"<[^<>]{0,2000}>", " ", html)


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
    if not parsed or _depth(capped, DEEP):
        # The parser drops what stands deeper than it likes, and hopeless markup still holds words.
        plain = re.sub(r"<[^<>]{0,2000}>", " ", capped)
        if plain.strip() and (not parsed or (_depth(capped, DEEP) and plain.split()[-1] not in text)):
            text = plain
    return _quoted_lines(text)


def _image_source(value: str, image: ImageRewriter | None) -> str | None:
    value = value.strip()
    if value[:5].lower() == "data:":
        return value if _DATA_IMAGE.match(value) else None
    if not re.match(r"(?:cid:|https?:)", value, re.I):
        return None
    return image(value) if image else value


def _depth(html: str, least: int = MAX_DEPTH * 4) -> int:
    """An upper bound of the nesting, by counting tags that open against those that close."""
    if len(_OPENING.findall(html)) <= min(MAX_DEPTH, least):
        return 0
    depth = deepest = 0
    for match in _ANY_TAG.finditer(html):
        if match[2].lower() in _VOID:
            continue
        depth = max(0, depth + (-1 if match[1] else 1))
        deepest = max(deepest, depth)
    return deepest if deepest > least else 0


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
