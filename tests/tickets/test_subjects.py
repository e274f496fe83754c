"""What stands over an answer."""

from types import SimpleNamespace
from typing import Any

import pytest

from contact_center.tickets.replies import subject_of_reply


@pytest.mark.parametrize(("subject", "answer"), [("Invoice", "Re: Invoice"), ("RE: Invoice", "RE: Invoice"), ("", "Re: #117")])
def test_an_answer_has_a_subject_also_where_a_call_opened_the_ticket(subject: str, answer: str) -> None:
    ticket: Any = SimpleNamespace(subject=subject, number=117)
    assert subject_of_reply(ticket) == answer
