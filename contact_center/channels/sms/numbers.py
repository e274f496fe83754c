"""Telephone numbers as gateways write them: with or without a plus, sometimes not numbers at all."""

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
