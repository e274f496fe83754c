"""Web forms under the contract suite."""

from contact_center.channels.web_form import item
from contact_center.channels.web_form.checking import Answer
from contact_center.channels.web_form.reading import SentFile
from contact_center.errors import ChannelMisconfigured
from contact_center.keys import Keys
from contact_center.model.messages import RawItem
from tests.channels.contract import Case


def submission(nonce: str, text: str) -> RawItem:
    names = item.name(Keys("a secret of sixteen"), "1/", nonce, text)
    answers = [Answer("email", "E-mail", "email", f"{nonce}@example.com"), Answer("message", "Message", "textarea", text)]
    reference = item.reference(names.message_key)
    files = [SentFile("photos", "a.txt", "text/plain", b"one\ntwo")]
    return item.build(names, 1_790_000_000.0, "request", files, form="Form", reference=reference, fields=item.as_rows(answers))


CASE = Case(
    kind="web_form",
    items=(submission("one", "Where is order 117?"), submission("two", "Где мой заказ?\nЖду")),
    refused=({"callback": True}, ChannelMisconfigured),
)
