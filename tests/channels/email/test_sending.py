"""Sending through a real SMTP server whose answers are scripted, and into the spool."""

import asyncio
import contextlib
import warnings
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from contact_center.channels.email import sending
from contact_center.channels.email.options import EmailOptions
from contact_center.channels.email.sending import check_smtp, send_by_smtp, spool
from contact_center.errors import (
    ChannelAuthFailed,
    ChannelError,
    ChannelMisconfigured,
    ChannelUnavailable,
    DeliveryUnknown,
    FenceLost,
    Undeliverable,
)
from contact_center.model.messages import OutboundMessage
from contact_center.model.tickets import Address

SENDER = "support@example.com"


class Script:
    """A server's answers by command, and the mails it took."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.mails: list[tuple[list[str], bytes]] = []
        self.port = 0

    async def handle_MAIL(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802
        envelope.mail_from = address
        return self.answers.get("mail", "250 OK")

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.answers.get(address, self.answers.get("rcpt", "250 OK"))

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.rcpt_tos, envelope.content))
        if self.answers.get("data") == "cut":
            server.transport.abort()
            await asyncio.sleep(0)
            return "250 OK"
        if self.answers.get("data") == "silence":
            await asyncio.sleep(3600)
        return self.answers.get("data", "250 OK queued as 17")

    def options(self, **more: Any) -> EmailOptions:
        return EmailOptions(smtp_host="127.0.0.1", smtp_port=self.port, smtp_security="none", **more)


def authenticator(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    if data.password == b"later":
        return AuthResult(success=False, handled=False, message="454 4.7.0 Temporary failure")
    return AuthResult(success=data.password == b"right", handled=False)


@contextlib.asynccontextmanager
async def scripted(*, auth: bool = False, **answers: str) -> AsyncIterator[Script]:
    script = Script(**answers)
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        named = {"authenticator": authenticator, "auth_require_tls": False, "auth_required": True} if auth else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it warns of a login without TLS, which is what is tested
            return SMTP(script, hostname="mx", loop=loop, **named)

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()


def a_message(**changes: Any) -> OutboundMessage:
    values: dict[str, Any] = {
        "interaction_id": 1, "message_key": "k1@example.com", "to": (Address("Ivan", "ivan@example.org"),), "cc": (),
        "subject": "Re: Order", "text": "It is on its way.", "in_reply_to": None, "references": (), "reply_token": "t1-abc",
    }  # fmt: skip
    return OutboundMessage(**(values | changes))


async def test_an_accepted_mail_has_a_receipt() -> None:
    """A mail that the server takes reaches all recipients; its answer is the receipt."""
    async with scripted() as server:
        receipt = await send_by_smtp(a_message(cc=(Address("", "anna@example.org"),)), SENDER, server.options(), "cc.example.com")
    assert "17" in receipt.provider_id
    ((recipients, content),) = server.mails
    assert recipients == ["ivan@example.org", "anna@example.org"]
    assert message_from_bytes(content, policy=default)["Message-ID"] == "<k1@example.com>"


@pytest.mark.parametrize("command", ["mail", "rcpt", "data"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("451 later", ChannelUnavailable),
        ("421 going down", ChannelUnavailable),
        ("550 no such user", Undeliverable),
        ("554 spam", Undeliverable),
    ],
    ids=["451", "421", "550", "554"],
)
async def test_refusals(command: str, answer: str, error: type[ChannelError]) -> None:
    """4xx means later, 5xx means never, at whichever command; the server's own words are kept."""
    async with scripted(**{command: answer}) as server:
        with pytest.raises(error, match=answer.partition(" ")[2]):
            await send_by_smtp(a_message(), SENDER, server.options(), "cc")


async def test_a_refused_copy_sends_nothing() -> None:
    """When one recipient is refused, nobody gets the mail, so that a corrected repetition is no duplicate."""
    async with scripted(**{"anna@example.org": "550 unknown"}) as server:
        with pytest.raises(Undeliverable):
            await send_by_smtp(a_message(cc=(Address("", "anna@example.org"),)), SENDER, server.options(), "cc")
    assert server.mails == []


async def test_a_cut_after_the_dot_is_unknown() -> None:
    """A connection that breaks between the final dot and its answer may have delivered the mail."""
    async with scripted(data="cut") as server:
        with pytest.raises(DeliveryUnknown):
            await send_by_smtp(a_message(), SENDER, server.options(), "cc")
    assert len(server.mails) == 1


async def test_silence_after_the_dot_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never answers the final dot may have delivered the mail."""
    monkeypatch.setattr(sending, "FINAL_TIMEOUT", 0.2)
    async with scripted(data="silence") as server:
        with pytest.raises(DeliveryUnknown):
            await send_by_smtp(a_message(), SENDER, server.options(), "cc")


async def test_a_cut_before_data_is_not_unknown() -> None:
    """A connection that breaks before the mail was handed over delivered nothing and may be repeated."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx\r\n")
        await reader.readline()
        writer.write(b"250 mx\r\n")
        await reader.readline()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        options = EmailOptions(smtp_host="127.0.0.1", smtp_port=server.sockets[0].getsockname()[1], smtp_security="none")
        with pytest.raises(ChannelUnavailable):
            await send_by_smtp(a_message(), SENDER, options, "cc")


async def test_a_stripped_starttls_gets_no_mail_in_plain_text() -> None:
    """Where STARTTLS is wanted and not offered, nothing is sent and the settings are to blame."""
    async with scripted() as server:
        options = server.options().model_copy(update={"smtp_security": "starttls", "smtp_user": "u", "smtp_password": "right"})
        with pytest.raises(ChannelMisconfigured, match="STARTTLS"):
            await send_by_smtp(a_message(), SENDER, options, "cc")
        with pytest.raises(ChannelMisconfigured, match="STARTTLS"):
            await check_smtp(options, "cc")
    assert server.mails == []


async def test_a_wrong_password_is_not_the_mails_fault() -> None:
    """A refused password asks for a new one; the mail waits."""
    async with scripted(auth=True) as server:
        with pytest.raises(ChannelAuthFailed):
            await send_by_smtp(a_message(), SENDER, server.options(smtp_user="u", smtp_password="wrong"), "cc")
        with pytest.raises(ChannelAuthFailed):
            await check_smtp(server.options(smtp_user="u", smtp_password="wrong"), "cc")
        await send_by_smtp(a_message(), SENDER, server.options(smtp_user="u", smtp_password="right"), "cc")
    assert len(server.mails) == 1


async def test_a_missing_password_is_not_the_mails_fault() -> None:
    """A server that wants a login we have none for answers 530: the mail is not undeliverable."""
    async with scripted(auth=True) as server:
        with pytest.raises((ChannelAuthFailed, ChannelMisconfigured, ChannelUnavailable)):
            await send_by_smtp(a_message(), SENDER, server.options(), "cc")


async def test_nobody_listens(unused_tcp_port: int) -> None:
    """A server that is down means: later."""
    options = EmailOptions(smtp_host="127.0.0.1", smtp_port=unused_tcp_port, smtp_security="none")
    with pytest.raises(ChannelUnavailable):
        await send_by_smtp(a_message(), SENDER, options, "cc")
    with pytest.raises(ChannelUnavailable):
        await check_smtp(options, "cc")


async def test_a_login_server_passes_the_check() -> None:
    """The check succeeds with working settings."""
    async with scripted(auth=True) as server:
        await check_smtp(server.options(smtp_user="u", smtp_password="right"), "cc")


@pytest.mark.parametrize("address", ["", "nobody", "a b@example.org", "a@", "@example.org"], ids=repr)
async def test_an_unusable_recipient_is_undeliverable(address: str) -> None:
    """A mail to something that is no address is refused for good, before any connection."""
    async with scripted() as server:
        with pytest.raises(Undeliverable):
            await send_by_smtp(a_message(to=(Address("", address),)), SENDER, server.options(), "cc")
    assert server.mails == []


async def test_letters_beyond_ascii_in_an_address_are_no_crash() -> None:
    """An address that we cannot write in ASCII is undeliverable, and says so instead of crashing."""
    async with scripted() as server:
        with pytest.raises(Undeliverable):
            await send_by_smtp(a_message(to=(Address("", "иван@пример.рф"),)), SENDER, server.options(), "cc")


async def test_the_spool_writes_one_file(tmp_path: Path) -> None:
    """A spooled mail has a name fixed by its key; twice is once, and nothing else is left in the folder."""
    folder = tmp_path / "spool"
    for _ in range(2):
        receipt = await spool(a_message(message_key="k/1\\..@example.com"), SENDER, EmailOptions(), folder)
    assert receipt.spooled
    (path,) = folder.iterdir()
    assert path.suffix == ".eml"
    assert message_from_bytes(path.read_bytes(), policy=default)["To"] == "Ivan <ivan@example.org>"


async def test_an_unwritable_spool_is_a_channel_error(tmp_path: Path) -> None:
    """A spool that cannot be written means: later, not a crash."""
    (tmp_path / "spool").write_text("a file where the folder should be")
    with pytest.raises(ChannelUnavailable):
        await spool(a_message(), SENDER, EmailOptions(), tmp_path / "spool")


async def test_a_login_that_fails_for_now_is_tried_later() -> None:
    """454 at the login is the server's trouble, not a wrong password."""
    async with scripted(auth=True) as server:
        with pytest.raises(ChannelUnavailable):
            await send_by_smtp(a_message(), SENDER, server.options(smtp_user="u", smtp_password="later"), "cc")


async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, read: int, slow: bool = False) -> None:
    """A server that says yes to everything and, after DATA, hangs up when it has read so much, or answers a byte a second."""
    writer.write(b"220 mx\r\n")
    while line := await reader.readline():
        if slow:
            for byte in b"250-" + b"x" * 500:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)
        if line.upper().startswith(b"DATA"):
            writer.write(b"354 go on\r\n")
            await reader.read(read)
            writer.transport.abort()
            return
        writer.write(b"250 mx\r\n")


@contextlib.asynccontextmanager
async def swallowing(**how: Any) -> AsyncIterator[EmailOptions]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await swallow(reader, writer, **how)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield EmailOptions(smtp_host="127.0.0.1", smtp_port=server.sockets[0].getsockname()[1], smtp_security="none")
    finally:
        server.close()


async def test_a_cut_in_the_middle_of_the_mail_is_not_unknown() -> None:
    """Without the final dot no server delivers: what broke before it is simply tried again."""
    async with swallowing(read=10) as options:
        with pytest.raises(ChannelUnavailable):
            await send_by_smtp(a_message(text="x" * 20_000_000), SENDER, options, "cc")


async def test_a_tarpit_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers a byte a second holds one mail for minutes, not for ever, and the mail waits."""
    monkeypatch.setattr(sending, "DIALOGUE_TIMEOUT", 0.3)
    async with swallowing(read=10, slow=True) as options:
        with pytest.raises(ChannelUnavailable):
            await asyncio.wait_for(send_by_smtp(a_message(), SENDER, options, "cc"), 5)


async def test_a_lost_lease_is_noticed_before_the_mail_leaves() -> None:
    """The last question is asked after all recipients were accepted and before DATA."""

    async def lost() -> None:
        raise FenceLost

    async with scripted() as server:
        with pytest.raises(FenceLost):
            await send_by_smtp(a_message(go=lost), SENDER, server.options(), "cc")
    assert server.mails == []


async def test_lines_that_begin_with_a_dot_arrive_as_they_are() -> None:
    """Nothing in a mail ends it early, and bare line ends do not pass."""
    async with scripted() as server:
        await send_by_smtp(a_message(text="one\n.\n..two\nthree"), SENDER, server.options(), "cc")
    ((_, content),) = server.mails
    mail = message_from_bytes(content, policy=default)
    assert mail.get_body(("plain",)).get_content().splitlines()[:4] == ["one", ".", "..two", "three"]  # type: ignore[union-attr]
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_the_final_answer_is_waited_for_as_long_as_the_standard_asks() -> None:
    """RFC 5321 4.5.3.2.6: ten minutes; giving up earlier makes duplicates."""
    assert sending.FINAL_TIMEOUT >= 600
