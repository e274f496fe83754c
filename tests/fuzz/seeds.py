"""Where mutations begin: a few inputs of every kind written here, and the mails and markup beside the project where they are."""

import io
import json
import zipfile
from functools import cache
from pathlib import Path

SHARED = Path(__file__).parents[3] / "shared"
TWILIO = (
    b"MessageSid=SM1&AccountSid=AC1&From=%2B79161234567&To=%2B74951234567&Body=Hello+there&NumMedia=1&MediaUrl0=https%3A%2F%2Fx%2Fa&MediaContentType0=image%2Fpng&OptOutType=",
    b'{"MessageSid":"SM1","From":"+79161234567","To":"+74951234567","Body":"STOP","NumMedia":"0","OptOutType":"STOP"}',
    b"MessageSid=SM2&MessageStatus=undelivered&ErrorCode=21610&ErrorMessage=Attempt",
    b'{"MessageSid":1,"MessageStatus":"delivered","x":{"y":[1,2]}}',
)
KANNEL = (
    b"from=79161234567&to=7000&charset=UTF-8&coding=0&udh=&id=u-1&ts=1795295151\r\n\r\nhello",
    b"from=79161234567&to=7000&charset=UTF-16BE&coding=2&udh=%05%00%03%01%02%01&id=u-1&ts=1795295151\r\n\r\n\x04\x1f\x04@",
    b"from=Bank&to=7000&charset=windows-1251&coding=1&text=%FF%FE",
    b"key=abc&try=1&type=2&status=ACK%2F",
)
EVENTS = (
    b'{"id":"c1","event":"answered","at":"2026-11-02T09:00:00+03:00","direction":"in","from":"+79161112233","to":"+74951234567","agent":"PJSIP/101","queue":"support","wait_seconds":3,"talk_seconds":"0:01:05"}',
    b'{"id":7,"event":"transferred","at":1795295151,"transfer_to":"102","transfer_kind":"attended","linked_id":"c1"}',
    b'{"id":"c2","result":"\xd0\xbf\xd1\x80\xd0\xbe\xd0\xbf\xd1\x83\xd1\x89\xd0\xb5\xd0\xbd","start":1795295151000,"from":"anonymous"}',
)
MASTER = (
    b'"","79161112233","600","from-trunk","""A"" <79161112233>","PJSIP/trunk-00000001","PJSIP/101-00000002","Queue","support,t","2026-11-02 09:00:00","2026-11-02 09:00:05","2026-11-02 09:01:05",65,60,"ANSWERED","DOCUMENTATION","1795.1","","","1795.1","7"',
    b'"","101","+79161234567","out","","PJSIP/101-00000003","PJSIP/trunk-00000004","Dial","PJSIP/t","2026-11-02 09:00:00","","2026-11-02 09:00:09",9,0,"NO ANSWER","DOCUMENTATION"',
)
CUSTOM = (
    b'"2026-11-02 09:00:00","2026-11-02 09:00:05","2026-11-02 09:01:05","1795.1","1795.1","7","79161112233","600","PJSIP/trunk-00000001","Local/101@agents-00000002;1","Queue","ANSWERED","65","60"',
)
COLUMNS = (b"c1;02.11.2026 09:00:00;+79161112233;101;answered;5;60;101;support", b"c2;1795295151;8 916 111-22-33;;missed;9;0;;")
QUEUE = (
    b"1795295151|1795.1|support|NONE|ENTERQUEUE||+79161112233|1",
    b"1795295155|1795.1|support|PJSIP/101|CONNECT|4|1795.2|3",
    b"1795295255|1795.1|support|PJSIP/101|COMPLETECALLER|4|100|1",
    b"1795295255|1795.1|support|PJSIP/101|BLINDTRANSFER|103|internal|4|100|1",
    b"1795295255|1795.1|NONE|NONE|QUEUESTART|",
    b"1795295159|1795.1|support|NONE|EXITWITHKEY|1|1|1|8",
)
_FIELDS = [
    {"name": "email", "label": "E-mail", "type": "email", "value": "a@example.com"},
    {"name": "m", "label": "Text", "type": "textarea", "value": "One\nTwo"},
]
_DOCUMENT = {
    "v": 1, "kind": "request", "at": "2026-11-02T09:00:00+00:00", "key": "form-k", "reference": "r1", "form": "Write to us", "fields": _FIELDS,
    "files": [], "call_words": "Call me", "code_words": "Visit code", "attribution": {"visit_code": "7KQ2M"}, "consent": {"text": "Yes"},
}  # fmt: skip
ITEMS = (
    json.dumps(_DOCUMENT).encode(),
    json.dumps(
        _DOCUMENT
        | {
            "kind": "callback",
            "page": "p",
            "from": {"kind": "phone", "value": "+79161112233", "name": "A"},
            "phone": "+79161112233",
            "callback": True,
        }
    ).encode(),
    json.dumps(
        _DOCUMENT
        | {
            "kind": "message",
            "answers": ["k1"],
            "answers_to": [1],
            "files": [{"field": "f", "filename": "a.txt", "content_type": "text/plain", "size": 5}],
        }
    ).encode()
    + b"\nhello",
)
_PART = '--b0\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
POSTS = (
    (
        "".join(
            _PART.format(n, "", v)
            for n, v in (
                ("f-name", "Anna"),
                ("f-email", "a@example.com"),
                ("f-phone", "+79161112233"),
                ("f-message", "Hello"),
                ("consent", "on"),
                ("callback", "on"),
            )
        )
        + _PART.format("f-file", '; filename="a%22.txt"\r\nContent-Type: text/plain', "hello")
        + "--b0--\r\n"
    ).encode(),
    b'{"fields":{"name":"Anna","email":"a@example.com","message":"Hello","choice":"One"},"consent":true,"attribution":{"utm_source":"x","visit_code":"7KQ2M"},"files":[{"field":"file","filename":"a.txt","content_type":"text/plain","data":"aGVsbG8="}]}',
    b"f-name=Anna&f-email=a%40example.com&f-message=Hello&consent=on&attribution=%7B%22page%22%3A%22x%22%7D",
)
SHEETS = (
    b'Name;E-mail;Phone;Company\r\nAnna;anna@example.com;+7 916 111-22-33;Shop\r\n"Ivan; P";i@example.com / j@example.com;8(916)1112234;\r\n',
    "sep=,\nИмя,Фамилия,Телефон\nАнна,Иванова,89161112233\n".encode("cp1251"),
    "Name\tMail\nAnna\ta@b.example\n".encode("utf-16"),
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=utf-8;ENCODING=QUOTED-PRINTABLE:=D0=90;=D0=91\r\nTEL;CELL:+79161112233\r\nEMAIL:a@b.example\r\nNOTE;ENCODING=b:aGVsbG8=\r\nPHOTO:x\r\n y\r\nEND:VCARD\r\n",
)
MARKUP = (
    b'<p onclick="x()">Hi <a href="https://x.example/">link</a><img src="cid:a@b"><img src=x onerror=alert(1)></p>',
    b'<svg><style><img src=x onerror=alert(1)></style></svg><math><mi//xlink:href="data:x,<script>alert(4)</script>">',
    b"<blockquote>a<blockquote>b</blockquote></blockquote><table><tr><td style='color:red;position:fixed'>x</table>",
    b"<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    b'<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
)
MAILS = (
    b"From: Ivan <ivan@example.com>\r\nTo: support@localhost\r\nSubject: =?utf-8?B?0J/RgNC40LLQtdGC?=\r\nMessage-ID: <a@b>\r\nDate: Mon, 2 Nov 2026 09:00:00 +0300\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b0"\r\n\r\n--b0\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n\xf0\xd2\xc9\r\n--b0\r\nContent-Type: text/html; charset=utf-8\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<b>=D0=9F</b>\r\n--b0\r\nContent-Type: image/png; name*=utf-8''%D0%9F.png\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-ID: <p@b>\r\n\r\niVBORw0KGgo=\r\n--b0--\r\n",
    b"From: MAILER-DAEMON@example.com\r\nSubject: Undelivered\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n--r\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; x\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 unknown\r\n--r\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <o@b>\r\n\r\nx\r\n--r--\r\n",
    b"From: a@b.example\r\nAuthentication-Results: mx.example; spf=pass smtp.mailfrom=b.example; dkim=pass header.d=b.example; dmarc=pass header.from=b.example\r\nReply-To: c@d.example\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n"
    b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nDTSTART;TZID=Europe/Moscow:20261102T090000\r\nSUMMARY:Talk\r\nORGANIZER;CN=A:mailto:a@b\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
)
ANSWERS = (
    b"Thanks!\n\nOn Mon, 2 Nov 2026 at 09:00, Ivan <ivan@example.com> wrote:\n> Hello\n>> earlier\n-- \nAnna\n",
    "Спасибо\n\n2 ноября 2026 г., 09:00, Иван <i@example.com> пишет:\n> да\n".encode(),
    b"Yes\n\n-----Original Message-----\nFrom: A\nSent: Monday\nTo: B\nSubject: C\n\nold\n",
)


def workbook() -> bytes:
    """A small XLSX file."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    rows = '<row><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>E-mail</t></is></c></row><row><c r="A2"><v>7.9161112233E10</v></c><c r="C2"><v>a@b.example</v></c></row>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as book:
        book.writestr(zipfile.ZipInfo("xl/worksheets/sheet1.xml"), f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>")
        book.writestr(zipfile.ZipInfo("xl/sharedStrings.xml"), f"<sst {main}><si><t>Phone</t></si></sst>")
    return file.getvalue()


@cache
def mails() -> tuple[bytes, ...]:
    """Mails of this file, and those in the wild where they are."""
    folder = SHARED / "fixtures" / "mail"
    found = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.suffix in (".eml", ".msg", "") and path.is_file()]
    return MAILS + tuple(content for content in found if len(content) < 200_000)


@cache
def markup() -> tuple[bytes, ...]:
    """Hostile markup."""
    path = SHARED / "fixtures" / "html" / "dompurify.jsonl"
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return MARKUP + tuple(json.loads(line)["payload"].encode("utf-8", "surrogatepass") for line in lines if b'"payload"' in line)


@cache
def answers() -> tuple[bytes, ...]:
    """Answers with quotes."""
    path = SHARED / "fixtures" / "quotes" / "discourse.jsonl"
    lines = path.read_text().split("\n")[:-1] if path.is_file() else []
    return ANSWERS + tuple(json.loads(line)["text"].encode() for line in lines)


@cache
def logs(name: str, own: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Lines of a PBX's log: ours, and those that were recorded."""
    found = [line for path in sorted((SHARED / "telephony" / "recordings").glob(f"*/{name}")) for line in path.read_bytes().splitlines()]
    return own + tuple(dict.fromkeys(found))[:300]
