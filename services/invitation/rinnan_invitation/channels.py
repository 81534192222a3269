"""The ways by which a message leaves: e-mail over SMTP, and text messages over an HTTP gateway."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from typing import Protocol

import aiosmtplib
import httpx

from rinnan_chassis.deciding import Unavailable

PATIENCE = 20.0
"""Seconds for reaching a mail server, and as many again for handing a message over: together well within the lease."""

STEP = 15.0
"""Seconds that one step may take."""

_TRY_LATER = range(400, 500)
_SERVER_TROUBLE = 500
_TOO_MANY = 429
_FAILED = 400


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready to leave. `message_id` is the same each time it is sent, so that a repeat can be recognised."""

    message_id: str
    to: str
    subject: str
    body: str
    written_at: datetime


class PerhapsSent(Exception):  # noqa: N818 - a state of the outside world
    """The far side stopped answering in the middle: the message may have left."""


class Undeliverable(Exception):  # noqa: N818 - a state of the outside world
    """The far side will never take this message."""


class Channel(Protocol):
    """One way out.

    `send` returns when the far side took the message. Raises `Unavailable` (surely not sent), `PerhapsSent`, and
    `Undeliverable`; nothing of the far side's text is kept, because it repeats addresses.
    """

    async def send(self, message: Outgoing) -> None: ...
    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where e-mail is handed over. `tls`: from the first byte; `starttls`: upgraded, never falling back."""

    host: str
    port: int
    sender: str
    tls: bool = False
    starttls: bool = False
    username: str | None = None
    password: str | None = None
    context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Email:
    """E-mail over SMTP, one connection per message."""

    server: MailServer

    async def send(self, message: Outgoing) -> None:
        """Hand one message over."""
        server = self.server
        try:
            written = self.written(message)
        except Exception:  # noqa: BLE001 - what cannot be written fails in many ways, and each time
            raise Undeliverable from None
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            start_tls=server.starttls,
            tls_context=server.context,
            timeout=STEP,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                await client.connect()
                if server.username and server.password:
                    await client.login(server.username, server.password)
        except (aiosmtplib.SMTPException, OSError):
            client.close()
            raise Unavailable("mail_server_away") from None
        try:
            async with asyncio.timeout(PATIENCE):
                await client.sendmail(server.sender, [message.to], written)
        except (
            aiosmtplib.SMTPRecipientsRefused,
            aiosmtplib.SMTPResponseException,
            aiosmtplib.SMTPNotSupported,
            ValueError,
        ) as refused:
            raise (Unavailable("mail_server_busy") if _says_later(refused) else Undeliverable) from None
        except (aiosmtplib.SMTPException, OSError):
            raise PerhapsSent from None
        finally:
            client.close()

    async def aclose(self) -> None:
        """Nothing stays open between messages."""

    def written(self, message: Outgoing) -> bytes:
        """The message in its wire form: plain text, and nothing in its headers that tells what it is about."""
        mail = EmailMessage(policy=WIRE)
        mail["From"] = self.server.sender
        mail["To"] = message.to
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(message.written_at)
        mail["Message-ID"] = f"<{message.message_id}@{self.server.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body, cte="quoted-printable")
        return mail.as_bytes()


@dataclass(frozen=True, slots=True)
class TextMessages:
    """Text messages over an HTTP gateway: JSON `message_id`, `to`, `text`, repeated safely under `Idempotency-Key`."""

    client: httpx.AsyncClient
    url: str
    token: str | None = None

    async def send(self, message: Outgoing) -> None:
        """Hand one message over."""
        headers = {"Idempotency-Key": message.message_id}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        told = {"message_id": message.message_id, "to": message.to, "text": message.body}
        try:
            answer = await self.client.post(self.url, json=told, headers=headers, timeout=STEP)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise Unavailable("text_gateway_away") from None
        except httpx.HTTPError:
            raise PerhapsSent from None
        if answer.status_code == _TOO_MANY:
            raise Unavailable("text_gateway_busy")
        if answer.status_code >= _SERVER_TROUBLE:
            raise PerhapsSent
        if answer.status_code >= _FAILED:
            raise Undeliverable

    async def aclose(self) -> None:
        """Let go of the connections to the gateway."""
        await self.client.aclose()


def _says_later(refused: Exception) -> bool:
    """Whether the mail server said `not now` (4yz) rather than `never` (5yz)."""
    match refused:
        case aiosmtplib.SMTPRecipientsRefused():
            return all(each.code in _TRY_LATER for each in refused.recipients)
        case aiosmtplib.SMTPResponseException():
            return refused.code in _TRY_LATER
        case _:
            return False
