"""HTML of strangers: harmless after one pass, and readable as text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_center import markup, plain_text

PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ('<img src="cid:a@b">', 'src="cid:a@b"'),
        (f'<img src="{PIXEL}">', PIXEL),
        ('<img src="https://x.example/a.png">', "https://x.example/a.png"),
        ('<a href="https://x.example/">x</a>', 'href="https://x.example/"'),
        ('<a href="tel:+7495">x</a>', 'href="tel:+7495"'),
        ('<p style="color:red">x</p>', "color:red"),
        ("<table><tr><td colspan=2>x</td></tr></table>", 'colspan="2"'),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_kept(source: str, kept: str) -> None:
    """Pictures, links, tables and plain styles of ordinary mails stay."""
    assert kept in markup.sanitise(source)


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
        "<svg onload=alert(1)>",
        "<iframe src=//x></iframe>",
        "<form action=//x><input></form>",
        '<p style="background:url(//x)">x</p>',
        "<style>*{}</style>",
        '<meta http-equiv=refresh content="0;url=//x">',
        "<base href=//x>",
        '<link rel=stylesheet href="//x">',
        "<math><mi xlink:href='javascript:alert(1)'>",
        "<object data=x></object>",
        '<img src="//x/a.png">',
    ],
    ids=lambda value: value[:30],
)
def test_what_is_dropped(source: str) -> None:
    """Nothing that runs, frames, posts or loads by itself stays."""
    clean = markup.sanitise(source)
    for word in (
        "script",
        "onerror",
        "onload",
        "data:",
        "<svg",
        "<iframe",
        "<form",
        "<input",
        "url(",
        "<style",
        "<meta",
        "<base",
        "<link",
        "//x",
    ):
        assert word not in clean


def test_links_open_elsewhere() -> None:
    """A link tells the page it opens nothing about us."""
    clean = markup.sanitise('<a href="https://x.example/" target="_self" rel="opener">x</a>')
    assert 'rel="noopener noreferrer nofollow"' in clean
    assert 'target="_blank"' in clean


def test_images_are_rewritten_or_dropped() -> None:
    """The caller decides over each image's address; None drops it."""
    rewritten = markup.sanitise('<img src="cid:a"><img src="cid:b">', lambda address: "https://files/a" if address == "cid:a" else None)
    assert "https://files/a" in rewritten
    assert "cid:" not in rewritten


def test_text_of_markup() -> None:
    """Paragraphs, breaks, tables and links read as text; what is hidden in head and scripts does not."""
    text = plain_text.to_text(
        "<head><title>no</title><style>p{}</style></head><p>Раз<br>два</p><script>no</script><p><a href='http://x'>три</a></p>"
    )
    assert text.split() == ["Раз", "два", "три"]


def test_quoted_blocks_get_their_mark() -> None:
    """A quoted block reads like a quote of plain text, at its depth."""
    text = plain_text.to_text("<p>answer</p><blockquote>one<blockquote>two</blockquote></blockquote>")
    assert [line for line in text.split("\n") if line.strip()] == ["answer", "> one", ">> two"]


@pytest.mark.parametrize("tag", ["div", "x", "h1", "blockquote", "table><tr><td", "b", "ul><li"])
@pytest.mark.parametrize("depth", [100, 300, 1000, 1900, 10_000])
def test_deep_nesting_ends(tag: str, depth: int) -> None:
    """Markup nested thousands deep keeps its words and overflows nothing."""
    source = f"<{tag}>" * depth + "words"
    assert "words" in plain_text.to_text(source)
    assert "words" in markup.sanitise(source)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(["<", ">", '"', "'", "=", "<a ", "href=", "javascript:", "title=", "<b>", "</", "&lt;", "x", " ", "\x00", "\u2028"])
        | st.text(max_size=4),
        max_size=30,
    ).map("".join)
)
def test_twice_is_once(source: str) -> None:
    """Sanitising clean markup changes nothing, and both results can be stored as text."""
    once = markup.sanitise(source)
    assert markup.sanitise(once) == once
    plain_text.to_text(source).encode()
