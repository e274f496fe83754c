"""What is read of a request, and everything that is refused: sizes, names, nesting, lies."""

import base64
import json
from typing import Any

import pytest

from contact_center.channels.web_form import checking, reading
from contact_center.channels.web_form.options import WebFormOptions
from contact_center.channels.web_form.reading import MAX_FILES, Sent, TooMuch, Unreadable, read
from tests.channels.web_form.helpers import ANNA, a_request, options, posted

FORM = WebFormOptions.model_validate(options())


def multipart(*parts: tuple[str, bytes], boundary: str = "xyz", end: bytes = b"--\r\n") -> Any:
    """Each part: its Content-Disposition parameters (and further header lines), its bytes."""
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts
    )
    body += f"--{boundary}".encode() + end
    return a_request("POST", "", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


def as_json(**document: Any) -> Sent:
    return read(posted(document))


def test_what_browsers_send_is_read() -> None:
    sent = read(
        multipart(
            ('name="f-name"', "Анна".encode()),
            ('name="f-message"', b"One\r\nTwo"),
            ('name="challenge"', b"abc"),
            ('name="f-photos"; filename="a%22b.png"\r\nContent-Type: image/png', b"\x89PNG\r\n--not-a-boundary\r\n"),
            ('name="f-photos"; filename=""\r\nContent-Type: application/octet-stream', b""),
        )
    )

    assert sent.values == {"name": "Анна", "message": "One\nTwo"}
    assert sent.own == {"challenge": "abc"}
    (file,) = sent.files
    assert (file.field, file.filename, file.content_type) == ("photos", "a_b.png", "image/png")
    assert file.content == b"\x89PNG\r\n--not-a-boundary\r\n"


def test_json_says_the_same() -> None:
    file = {"field": "photos", "filename": "a.png", "content_type": "image/png", "data": base64.b64encode(b"x").decode()}
    sent = as_json(fields={"name": "Анна", "gift": True}, challenge="abc", files=[file], attribution={"utm_source": "news"})

    assert sent.values == {"name": "Анна", "gift": "on"}
    assert reading.attribution(sent) == {"utm_source": "news"}
    assert sent.files[0].content == b"x"


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\a.png", "a.png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\x00b.txt", "ab.txt"),
        ("..", "file"),
    ],
)
def test_hostile_file_names_are_cleaned(name: str, clean: str) -> None:
    sent = as_json(files=[{"field": "photos", "filename": name, "data": ""}])

    assert sent.files[0].filename == clean


@pytest.mark.parametrize("content_type", ["text/html\r\nX-Evil: 1", "../x", "", "x" * 500, "text"])
def test_a_content_type_is_one_or_none(content_type: str) -> None:
    sent = as_json(files=[{"field": "photos", "filename": "a", "content_type": content_type, "data": ""}])

    assert sent.files[0].content_type == "application/octet-stream"


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"evil": "1"},
        {"fields": []},
        {"fields": {"a": {"b": 1}}},
        {"fields": {"a": [1]}},
        {"attribution": {"a": {"b": {"c": 1}}}},
        {"attribution": "text"},
        {"files": {"a": 1}},
        {"files": [["a"]]},
        {"files": [{"field": "photos", "data": "?"}]},
        {"fields": {str(n): "x" for n in range(200)}},
        {"fields": {"a": "x" * 200_000}},
    ],
    ids=lambda document: json.dumps(document)[:40],
)
def test_what_no_page_of_ours_sends_is_refused(document: Any) -> None:
    with pytest.raises(Unreadable):
        read(posted(document))


@pytest.mark.parametrize("content", [b"[" * 1_000_000, b'{"a":' * 100_000, b"\xff\xfe", b"", b"null"], ids=lambda value: repr(value[:10]))
def test_nesting_and_noise_end_at_once(content: bytes) -> None:
    with pytest.raises((Unreadable, TooMuch)):
        read(a_request("POST", "", content, {"Content-Type": "application/json"}))


@pytest.mark.parametrize(
    "request_",
    [
        multipart(('name="f-a"', b"1"), ('name="f-a"', b"2")),
        multipart(*[(f'name="f-a{n}"', b"1") for n in range(200)]),
        multipart(('name="evil"', b"1")),
        multipart(('name="f-a"\r\nX: ' + "x" * 10_000, b"1")),
        multipart(('name="f-a"', b"1"), end=b""),
        multipart(("nothing", b"1")),
        a_request("POST", "", b"x", {"Content-Type": "multipart/form-data"}),
        a_request("POST", "", b"", {"Content-Type": "multipart/form-data; boundary=x"}),
        a_request("POST", "", b"a=b", {"Content-Type": "text/plain"}),
        a_request("POST", "", b"&".join(b"f-a%d=1" % n for n in range(200)), {"Content-Type": "application/x-www-form-urlencoded"}),
        a_request("POST", "", b"x"),
    ],
    ids=["twice", "many", "unknown", "head", "cut", "nameless", "no boundary", "empty", "plain", "urlencoded", "no type"],
)
def test_bodies_out_of_bounds_are_refused(request_: Any) -> None:
    with pytest.raises(Unreadable):
        read(request_)


def test_ten_files_and_no_more() -> None:
    files = [('name="f-photos"; filename="a"', b"1")] * MAX_FILES
    assert len(read(multipart(*files)).files) == MAX_FILES
    with pytest.raises(TooMuch):
        read(multipart(*files, files[0]))


def test_files_are_bounded_together() -> None:
    half = ('name="f-photos"; filename="a"', b"1" * (13 * 1024 * 1024))
    with pytest.raises(TooMuch):
        read(multipart(half, half))


# Against the form.


def errors(**fields: Any) -> dict[str, str]:
    return checking.check(FORM, as_json(fields=ANNA | fields)).errors


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 201),
        ("message", "x" * 5001),
        ("email", "anna"),
        ("email", "anna@example"),
        ("email", "a b@example.com"),
        ("email", "anna@example.com, eve@example.com"),
        ("email", '"><script>@example.com'),
        ("email", "x" * 250 + "@example.com"),
        ("phone", "12"),
        ("phone", "call me"),
        ("topic", "Something else"),
    ],
)
def test_a_wrong_answer_is_told_at_its_field(field: str, value: str) -> None:
    assert list(errors(**{field: value})) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "Анна@почта.рф"), ("email", "a.b+c@mail.example.com"), ("phone", "8 (916) 123-45-67"), ("topic", "Order"), ("phone", "")],
)
def test_a_right_answer_passes(field: str, value: str) -> None:
    assert errors(**{field: value}) == {}


@pytest.mark.parametrize("own", [{"fields": ANNA | {"other": "1"}}, {"fields": ANNA, "files": [{"field": "name", "data": ""}]}])
def test_fields_that_the_form_does_not_have_are_refused(own: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        checking.check(FORM, as_json(**own))


def test_who_asks_for_a_call_leaves_a_number() -> None:
    assert list(checking.check(FORM, as_json(fields=ANNA, callback=True)).errors) == ["phone"]


def test_attribution_is_known_words_cut_to_size() -> None:
    kept = checking.clean_attribution({"utm_source": "x" * 5000, "page": "a\nb", "visit_code": "7kq2m", "referrer": ""})

    assert kept == {"utm_source": "x" * 1000, "page": "a b", "visit_code": "7KQ2M"}
    assert checking.clean_attribution({"visit_code": "<script>"}) == {}
    with pytest.raises(Unreadable):
        checking.clean_attribution({"evil": "1"})
