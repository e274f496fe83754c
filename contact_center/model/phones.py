"""The one reading of a telephone number in a channel: what a message is sent to is what opt-outs were looked up for."""

import re

import phonenumbers

DEFAULT_REGION = "RU"  # as the rest of the product reads a number without a country code
_DIGITS = re.compile(r"\+?[\d\s().-]{5,30}")


def e164(raw: str, ours: str = "") -> str:
    """The one form of a number, `+79161234567`; empty for a short code, a name or nonsense.

    Gateways often leave out the plus of an international number, so digits that make a valid one with a plus are taken
    for it; else they are read as people of `ours`, our own number, would dial them.
    """
    raw = raw.strip()
    if not _DIGITS.fullmatch(raw):
        return ""
    if not raw.startswith("+") and (international := _read(f"+{raw}")) and phonenumbers.is_valid_number(international):
        return _written(international)
    number = _read(raw, _region(ours))
    return _written(number) if number is not None and phonenumbers.is_possible_number(number) else ""


def dialled(raw: str, ours: str = "") -> str:
    """The same for what a person types: without a plus it is read as people of `ours` would dial it, and only what is no
    number there is taken for an international one without its plus."""
    raw = raw.strip()
    if not _DIGITS.fullmatch(raw):
        return ""
    if not raw.startswith("+") and (national := _read(raw, _region(ours))) and phonenumbers.is_valid_number(national):
        return _written(national)
    return e164(raw, ours)


def _region(ours: str) -> str:
    number = _read(ours if ours.startswith("+") else f"+{ours}")
    return (phonenumbers.region_code_for_number(number) if number is not None else None) or DEFAULT_REGION


def _read(raw: str, region: str | None = None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None


def _written(number: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
