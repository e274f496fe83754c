"""Invitations and answers to them: what, when in UTC and by which zone, where, who; bounded whatever comes."""

import time
from email.message import EmailMessage

import pytest

from contact_center.channels.email import calendars, parse
from contact_center.channels.email.calendars import read
from contact_center.testing import a_mail

INVITATION = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//x//y//EN\r
METHOD:REQUEST\r
BEGIN:VEVENT\r
UID:1@example.com\r
DTSTAMP:20261101T090000Z\r
SUMMARY:Доставка и\r
  монтаж\r
DTSTART;TZID=Europe/Moscow:20261105T140000\r
DTEND;TZID=Europe/Moscow:20261105T153000\r
LOCATION:Склад 4\\, ворота 2\r
ORGANIZER;CN="Ivan Petrov":mailto:ivan@example.com\r
ATTENDEE;CN=Support;PARTSTAT=NEEDS-ACTION:mailto:support@localhost\r
ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:olga@example.org\r
RRULE:FREQ=WEEKLY\r
END:VEVENT\r
END:VCALENDAR\r
"""


def changed(**lines: str) -> bytes:
    text = INVITATION
    for name, line in lines.items():
        kept = [each for each in text.split("\r\n") if not each.startswith(name)]
        at = kept.index("BEGIN:VEVENT") + 1 if name != "METHOD" else 2
        text = "\r\n".join([*kept[:at], *([line] if line else []), *kept[at:]])
    return text.encode()


def test_an_invitation() -> None:
    """Everything a reader needs, the time in UTC and the zone in its own words."""
    facts = read(INVITATION.encode())
    assert facts is not None
    (event,) = facts["events"]
    assert (facts["method"], event["summary"], event["place"]) == ("REQUEST", "Доставка и монтаж", "Склад 4, ворота 2")
    assert (event["starts"], event["ends"], event["zone"]) == ("2026-11-05T11:00:00Z", "2026-11-05T12:30:00Z", "Europe/Moscow")
    assert event["organizer"] == {"name": "Ivan Petrov", "email": "ivan@example.com", "state": ""}
    assert [(person["email"], person["state"]) for person in event["people"]] == [
        ("support@localhost", "NEEDS-ACTION"), ("olga@example.org", "ACCEPTED"),
    ]  # fmt: skip
    assert (event["repeats"], event["all_day"], event["floating"]) == (True, False, False)


@pytest.mark.parametrize(
    ("start", "starts", "all_day", "floating", "zone"),
    [
        ("DTSTART:20261105T110000Z", "2026-11-05T11:00:00Z", False, False, "UTC"),
        ("DTSTART;VALUE=DATE:20261105", "2026-11-05", True, False, ""),
        ("DTSTART:20261105T140000", "2026-11-05T14:00:00", False, True, ""),
        ("DTSTART;TZID=Russian Standard Time:20261105T140000", "2026-11-05T11:00:00Z", False, False, "Russian Standard Time"),
        ("DTSTART;TZID=America/New_York:20260705T140000", "2026-07-05T18:00:00Z", False, False, "America/New_York"),
    ],
)
def test_times(start: str, starts: str, all_day: bool, floating: bool, zone: str) -> None:
    """Instants in UTC, whole days, local times, and zones as Windows names them."""
    facts = read(changed(DTSTART=start, DTEND="", DURATION="DURATION:PT1H"))
    assert facts is not None
    event = facts["events"][0]
    assert (event["starts"], event["all_day"], event["floating"], event["zone"]) == (starts, all_day, floating, zone)


def test_an_answer_to_an_invitation() -> None:
    """Who accepted or declined."""
    facts = read(changed(METHOD="METHOD:REPLY", ATTENDEE="ATTENDEE;CN=Ivan;PARTSTAT=DECLINED:mailto:ivan@example.com"))
    assert facts is not None
    assert (facts["method"], facts["events"][0]["people"][0]["state"]) == ("REPLY", "DECLINED")


def test_hostile_calendars_end_soon() -> None:
    """Too large, too deep, too many, absurd dates, garbage: nothing is raised, and nothing takes long."""
    many = INVITATION.replace(
        "END:VCALENDAR", INVITATION.split("METHOD:REQUEST\r\n")[1].split("END:VCALENDAR", maxsplit=1)[0] * 300 + "END:VCALENDAR"
    )
    people = changed(ATTENDEE="\r\n".join(f"ATTENDEE:mailto:p{number}@x" for number in range(5000)))
    started = time.monotonic()
    for content in (
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 10_000,
        b"BEGIN:VCALENDAR" + b"x" * (calendars.CONTENT_LIMIT + 1),
        b"BEGIN:\x00\xff\xfe",
        b"",
        many.encode(),
        people,
        changed(DTSTART="DTSTART:99999999T999999Z"),
        changed(DTSTART="DTSTART:00010101T000000Z", DTEND="", DURATION="DURATION:-P999999D"),
        changed(DTSTART="DTSTART;TZID=../../etc/passwd:20261105T140000"),
        changed(SUMMARY="SUMMARY:" + "a" * 100_000),
    ):
        facts = read(content)
        for event in (facts or {}).get("events", []):
            assert len(event["summary"]) <= calendars.TEXT
            assert len(event["people"]) <= calendars.MAX_PEOPLE
        assert len((facts or {}).get("events", [])) <= calendars.MAX_EVENTS
    assert time.monotonic() - started < 20


def test_a_mail_with_nothing_but_an_invitation() -> None:
    """It has words for the lists, facts for the card, and the file to open elsewhere."""
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Message-ID"] = "ivan@example.com", "Доставка", "<c@example.com>"
    mail.set_content(INVITATION, subtype="calendar")
    message = parse.parse(mail.as_bytes(), {})
    assert message.text.startswith("Доставка и монтаж\nСклад 4")
    assert message.facts is not None
    assert message.facts["type"] == "calendar"
    assert [file.content_type for file in message.attachments] == ["text/calendar"]


def test_a_mail_with_text_and_an_invitation() -> None:
    """The text stays what it is."""
    mail = a_mail(text="Please come.")
    mail.add_attachment(INVITATION.encode(), maintype="text", subtype="calendar", filename="invite.ics")
    message = parse.parse(mail.as_bytes(), {})
    assert message.text == "Please come."
    assert message.facts is not None


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "freq=secondly",
        "FREQ=SEC\r\n ONDLY",
        "FREQ=SEC\r\n\r\n  ONDLY",
        "FREQ=YEARLY;BYHOUR=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,1,2,3,4,5,6,7,8,9",
        "FREQ=YEARLY;FREQ=SECONDLY",
    ],
)
def test_a_zone_that_changes_every_second_costs_nothing(rule: str) -> None:
    """The rules of a mail's own time zone are followed only when they are plain yearly ones; else its times are local."""
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Q\r\nBEGIN:STANDARD\r\nDTSTART:20000101T000000\r\nTZOFFSETFROM:+0300\r\nTZOFFSETTO:+0300\r\n"
        f"RRULE:{rule}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    data = changed(DTSTART="DTSTART;TZID=Q:20261105T140000", DTEND="").decode().replace("BEGIN:VEVENT", zone + "BEGIN:VEVENT")
    started = time.monotonic()
    facts = read(data.encode())
    assert time.monotonic() - started < 5
    assert facts is not None
    assert (facts["events"][0]["starts"], facts["events"][0]["zone"]) == ("2026-11-05T14:00:00", "Q")
