"""E-mail under the contract suite."""

from contact_center.errors import ChannelUnavailable
from contact_center.model.messages import RawItem
from contact_center.testing import a_mail
from tests.channels.contract import Case

CASE = Case(
    kind="email",
    items=(
        RawItem("1", a_mail(message_id="<c1@example.com>").as_bytes()),
        RawItem("2", a_mail(message_id="<c2@example.com>", text="Где мой заказ?", subject="Заказ").as_bytes()),
    ),
    # A port where nobody listens; what a refused password does is tried against a real server in test_imap.py.
    refused=({"imap_host": "127.0.0.1", "imap_port": 1, "imap_security": "none"}, ChannelUnavailable),
)
