"""A mailbox and an inbox for every test of this room."""

from pathlib import Path

import pytest

from tests.channels.doubles import MemoryInbox
from tests.channels.email.mailboxes import Mailbox
from tests.servers import Dovecot


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Mailbox:
    return Mailbox(dovecot)


@pytest.fixture
def inbox(tmp_path: Path) -> MemoryInbox:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return MemoryInbox(folder)
