"""The reading of a telephone number that opt-outs and sending share."""

import pytest

from contact_center.model.phones import dialled, e164


@pytest.mark.parametrize(
    ("typed", "ours", "number"),
    [
        ("(415) 555-2671", "+12025550100", "+14155552671"),
        ("4155552671", "+12025550100", "+14155552671"),
        ("4791234567", "+74950000000", "+4791234567"),
        ("447911123456", "+74950000000", "+447911123456"),
        ("07911 123456", "+442079460000", "+447911123456"),
        ("8 (916) 123-45-67", "+74950000000", "+79161234567"),
        ("+1 415 555 2671", "+74950000000", "+14155552671"),
        ("7000", "+74950000000", ""),
        ("anna@example.com", "+74950000000", ""),
        ("+1-800-FLOWERS", "", ""),
    ],
)
def test_what_a_person_types_is_read_as_their_country_dials(typed: str, ours: str, number: str) -> None:
    """First as a number of our own country, then as an international one without its plus."""
    assert dialled(typed, ours) == number


def test_what_was_read_once_is_read_the_same_again() -> None:
    """A number that was stored is not read as another one when it is sent, whoever sends."""
    for ours in ("+12025550100", "+74950000000", "7000", ""):
        for number in ("+14155552671", "+4791234567", "+79161234567", "+6591234567"):
            assert dialled(number, ours) == e164(number, ours) == number
