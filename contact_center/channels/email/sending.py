"""Handing a mail over: to an SMTP server, or as a file into the outgoing spool."""

import asyncio
import os
import re
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib

from contact_center.channels.email.compose import compose, wire_address
from contact_center.channels.email.options import EmailOptions
from contact_center.errors import (
    ChannelAuthFailed,
    ChannelMisconfigured,
    ChannelUnavailable,
    DeliveryUnknown,
    Undeliverable,
)
from contact_center.model.messages import OutboundMessage, Receipt, spool_name
from contact_center.model.tickets import Address
from contact_center.oauth import TokenSource

TIMEOUT = 60.0  # seconds for each command but the last
DIALOGUE_TIMEOUT = 300.0  # seconds for everything before the mail itself, however many recipients there are
UPLOAD_TIMEOUT = 900.0  # seconds for the mail itself: 25 MB at 28 kB/s
FINAL_TIMEOUT = 600.0  # seconds for the reply to the final dot: RFC 5321 4.5.3.2.6 asks for ten minutes


async def send_by_smtp(
    message: OutboundMessage, sender: str, options: EmailOptions, hostname: str, tokens: TokenSource | None = None
) -> Receipt:
    """Send through the configured server.

    Raises Undeliverable (a 5xx for this mail), ChannelUnavailable (4xx, no connection), ChannelAuthFailed, or
    DeliveryUnknown when the connection broke after the mail was handed over and before the server said what it did.
    """
    mail = _composed(message, sender, options)
    client = _client(options, hostname)
    try:
        async with asyncio.timeout(DIALOGUE_TIMEOUT):
            await _connect(client, options, tokens)
            recipients = [wire_address(address.email) for address in (*message.to, *message.cc)]
            await client.mail(wire_address(sender), timeout=TIMEOUT)
            for recipient in recipients:
                await client.rcpt(recipient, timeout=TIMEOUT)
        await message.go()
        response = await _hand_over(client, mail.as_bytes())
        return Receipt(provider_id=response[:200])
    except (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPResponseException) as error:
        raise _refusal(error) from error
    except ValueError as error:
        raise Undeliverable(f"The mail cannot be sent: {error}") from error
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise ChannelUnavailable(f"The mail server does not answer: {error}") from error
    finally:
        client.close()


async def check_smtp(options: EmailOptions, hostname: str, tokens: TokenSource | None = None) -> None:
    """Log in and leave. Raises a ChannelError that says what to mend."""
    client = _client(options, hostname)
    try:
        await _connect(client, options, tokens)
        await client.quit(timeout=TIMEOUT)
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise ChannelUnavailable(f"The mail server {options.smtp_host}:{options.smtp_port} does not answer: {error}") from error
    finally:
        client.close()


async def spool(message: OutboundMessage, sender: str, options: EmailOptions, folder: Path) -> Receipt:
    """Write the mail as an .eml file, named by its key: writing it again changes nothing."""
    mail = _composed(message, sender, options)
    try:
        await asyncio.to_thread(_write, folder / spool_name(message.message_key), mail.as_bytes())
    except OSError as error:
        raise ChannelUnavailable(f"The outgoing spool cannot be written: {error.strerror or error}") from error
    return Receipt(spooled=True)


def _composed(message: OutboundMessage, sender: str, options: EmailOptions) -> EmailMessage:
    try:
        return compose(message, Address(options.sender_name, sender), reply_tokens=options.reply_tokens)
    except (ValueError, IndexError, UnicodeError) as error:
        raise Undeliverable(f"The mail cannot be written: {error}") from error


def _client(options: EmailOptions, hostname: str) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=options.smtp_host,
        port=options.smtp_port,
        use_tls=options.smtp_security == "tls",
        start_tls=False,
        timeout=TIMEOUT,
        local_hostname=hostname,
        tls_context=ssl.create_default_context() if options.smtp_security != "none" else None,
    )


async def _connect(client: aiosmtplib.SMTP, options: EmailOptions, tokens: TokenSource | None) -> None:
    await client.connect()
    if options.smtp_security == "starttls":
        # A server, or somebody between us, that hides STARTTLS must not get the mail in plain text.
        try:
            await client.starttls()
        except aiosmtplib.SMTPException as error:
            if _is_passing(error):
                raise
            raise ChannelMisconfigured(f"The mail server does not offer STARTTLS: {error}") from error
    if tokens is not None:
        await _sign_in_by_token(client, options, tokens)
    elif options.smtp_user:
        try:
            await client.login(options.smtp_user, options.smtp_password)
        except aiosmtplib.SMTPException as error:
            if _is_passing(error):
                raise
            if not isinstance(error, aiosmtplib.SMTPAuthenticationError):
                raise ChannelMisconfigured(f"The mail server does not let us log in: {error}") from error
            raise ChannelAuthFailed(f"The mail server refuses the password: {error.message}") from error


async def _sign_in_by_token(client: aiosmtplib.SMTP, options: EmailOptions, tokens: TokenSource) -> None:
    """XOAUTH2. The provider may have withdrawn a token before its time: then a new one is tried, once."""
    user = options.smtp_user or options.imap_user
    for fresh in (False, True):
        try:
            await client.auth_xoauth2(user, await tokens.access(fresh=fresh))
        except aiosmtplib.SMTPException as error:
            if _is_passing(error):
                raise
            if fresh or not isinstance(error, aiosmtplib.SMTPAuthenticationError):
                raise ChannelAuthFailed(
                    f"The mail server does not accept the provider's token: {getattr(error, 'message', error)}"
                ) from error
        else:
            return


async def _hand_over(client: aiosmtplib.SMTP, content: bytes) -> str:
    """DATA, the mail, the final dot. Without the dot no server delivers anything; from the dot on, silence means: unknown."""
    protocol = client.protocol
    if protocol is None:
        raise aiosmtplib.SMTPServerDisconnected("not connected")
    begun = await protocol.execute_command(b"DATA", timeout=TIMEOUT)
    if begun.code != 354:
        raise aiosmtplib.SMTPDataError(begun.code, begun.message)
    protocol.write(_as_lines(content))
    await _until_written(protocol.transport)
    protocol.write(b".\r\n")
    try:
        response = await protocol.read_response(timeout=FINAL_TIMEOUT)
    except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError, TimeoutError) as error:
        raise DeliveryUnknown(f"The connection broke before the server said whether it took the mail: {error}") from error
    if response.code != 250:
        raise aiosmtplib.SMTPDataError(response.code, response.message)
    return str(response.message)


def _as_lines(content: bytes) -> bytes:
    """A mail as it goes over the wire: lines that end as they must, and none that is mistaken for the end."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    ended = lines if lines.endswith(b"\r\n") else lines + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended)


async def _until_written(transport: Any) -> None:
    """Wait until everything but the dot has left. Raises TimeoutError or SMTPServerDisconnected, and then nothing was delivered."""
    async with asyncio.timeout(UPLOAD_TIMEOUT):
        while transport is not None and not transport.is_closing():
            if transport.get_write_buffer_size() == 0:
                return
            await asyncio.sleep(0.02)
    raise aiosmtplib.SMTPServerDisconnected("the connection broke in the middle of the mail")


def _is_passing(error: BaseException) -> bool:
    """Whether a failed STARTTLS or login may work later: the line broke, or the server says 4xx."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ssl.SSLCertVerificationError):
            return False
        link = link.__cause__ or link.__context__
    broken = isinstance(error, (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, aiosmtplib.SMTPConnectError))
    return broken or 400 <= int(getattr(error, "code", 0) or 0) < 500


def _refusal(error: aiosmtplib.SMTPException) -> Exception:
    code = int(getattr(error, "code", 0) or 0)
    text = str(getattr(error, "message", error))[:300]
    if 500 <= code < 600 and code not in (502, 503, 530, 535):
        return Undeliverable(f"The mail server refuses this mail: {code} {text}")
    return ChannelUnavailable(f"The mail server asks us to wait: {code} {text}")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
