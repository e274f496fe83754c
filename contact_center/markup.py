"""HTML of strangers, made harmless. Input is capped; mails are cleaned in a parser process, never on the loop."""

import itertools
import re
from collections.abc import Callable

import nh3

HTML_LIMIT = 1024 * 1024  # characters kept of one mail's markup
MOST_ESCAPED = 100_000
"""Signs that the cleaner writes as references. Each costs it a look at all that follows, so that a megabyte of them takes seconds;
no mail of people comes near, the tables of spreadsheets included."""
MAX_DEPTH = 500  # nesting above this is flattened: layout engines and parsers turn slow or overflow

MAX_PASSES = 4  # until the tree stays as it is; markup that never does is shown without its tags

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
_ESCAPED = re.compile("&(?!lt;|gt;|quot;)|[\u0080-\u00bf]")
_OPENING = re.compile(r"<[a-zA-Z]")

ImageRewriter = Callable[[str], str | None]


def sanitise(html: str, image: ImageRewriter | None = None) -> str:
    """Markup in which nothing can run, post, frame, or load by itself except images.

    Image addresses are kept (`cid:`, `data:` pictures, http) for a frame whose policy blocks them, or rewritten by
    `image`, which returns None to drop one. Doing it twice changes nothing.
    """
    clean = _clean(flatten(kept(html)), None)
    for _ in range(MAX_PASSES):
        # Without a tag that was taken out, or lifted out of a table, what is left may be another tree to whoever reads it.
        again = _clean(clean, None)
        if again == clean:
            return _clean(clean, image) if image else clean
        clean = again
    return _clean(re.sub(r"<[^<>]{0,2000}>", " ", clean), None)


def kept(html: str) -> str:
    """As much of the markup as is looked at."""
    html = html[:HTML_LIMIT]
    beyond = next(itertools.islice(_ESCAPED.finditer(html), MOST_ESCAPED, None), None)
    return html[: beyond.start()] if beyond else html


def _clean(html: str, image: ImageRewriter | None) -> str:
    def attribute(tag: str, name: str, value: str) -> str | None:
        if name == "src":
            return _image_source(value, image)
        if name == "href":
            return value if re.match(r"(?:https?|mailto|tel|sms):", value.strip(), re.I) else None
        if name == "style" and re.search(r"url|expression|@|\\|image", value, re.I):
            return None
        return value

    clean = nh3.clean(
        html,
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
    return html if depth(html) <= MAX_DEPTH else re.sub(r"<[^<>]{0,2000}>", " ", html)


def _image_source(value: str, image: ImageRewriter | None) -> str | None:
    value = value.strip()
    if value[:5].lower() == "data:":
        return value if _DATA_IMAGE.match(value) else None
    if not re.match(r"(?:cid:|https?:)", value, re.I):
        return None
    return image(value) if image else value


def depth(html: str, least: int = MAX_DEPTH * 4) -> int:
    """An upper bound of the nesting, by counting tags that open against those that close."""
    if len(_OPENING.findall(html)) <= min(MAX_DEPTH, least):
        return 0
    level = deepest = 0
    for match in _ANY_TAG.finditer(html):
        if match[2].lower() in _VOID:
            continue
        level = max(0, level + (-1 if match[1] else 1))
        deepest = max(deepest, level)
    return deepest if deepest > least else 0
