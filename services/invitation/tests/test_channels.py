"""Handing messages over, to a real SMTP server and a real HTTP gateway on loopback."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import given
from hypothesis import strategies as st

from rinnan_chassis.deciding import Unavailable
from rinnan_chassis.web.bodies import EMAIL
from rinnan_invitation.channels import Email, MailServer, Outgoing, PerhapsSent, TextMessages, Undeliverable

LETTER = Outgoing(
    message_id="0b8c", to="someone@example.org", subject="Sinulle on viesti", body="Käytä tätä koodia: ŽČĐ ŋŧ\n",
    written_at=datetime(2026, 3, 2, 9, 17, tzinfo=UTC),
)  # fmt: skip


@dataclass
class Receiver:
    """A mail server that answers as it is told."""

    rcpt: str = "250 OK"
    data: str = "250 OK"
    drops: bool = False
    mails: list[bytes] = field(default_factory=list)

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        self.mails.append(envelope.content)
        if self.drops:
            server.transport.abort()
            await asyncio.sleep(0)
        return self.data

    def mail(self) -> EmailMessage:
        message = message_from_bytes(self.mails[-1], policy=default)
        assert isinstance(message, EmailMessage)
        return message


@asynccontextmanager
async def mail_server(receiver: Receiver) -> AsyncIterator[Email]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(receiver, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield Email(MailServer("127.0.0.1", port, "registration@example.org"))


async def test_a_letter_arrives_word_for_word() -> None:
    receiver = Receiver()
    async with mail_server(receiver) as email:
        await email.send(LETTER)
    mail = receiver.mail()
    assert (mail["To"], mail["Subject"]) == (LETTER.to, LETTER.subject)
    assert mail.get_content().splitlines() == LETTER.body.splitlines()


async def test_a_repeat_has_the_same_message_id() -> None:
    receiver = Receiver()
    async with mail_server(receiver) as email:
        await email.send(LETTER)
        await email.send(LETTER)
    assert {message_from_bytes(mail)["Message-ID"] for mail in receiver.mails} == {"<0b8c@example.org>"}


async def test_a_letters_headers_tell_nothing_more_than_they_must() -> None:
    receiver = Receiver()
    async with mail_server(receiver) as email:
        await email.send(LETTER)
    assert set(receiver.mail().keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding",
        "MIME-Version",
    }  # fmt: skip


@given(st.from_regex(re.compile(EMAIL, re.ASCII), fullmatch=True).filter(lambda to: len(to) <= 254))
def test_whatever_address_passes_the_door_is_written_as_it_stands(to: str) -> None:
    written = Email(MailServer("127.0.0.1", 25, "registration@example.org")).written(replace(LETTER, to=to))
    read = message_from_bytes(written, policy=default)["To"]
    assert [each.addr_spec for each in read.addresses] == [to]


async def test_an_address_that_cannot_be_written_is_never_tried() -> None:
    receiver = Receiver()
    async with mail_server(receiver) as email:
        with pytest.raises(Undeliverable):
            await email.send(replace(LETTER, to='/@[".fi'))
    assert receiver.mails == []


async def test_a_mail_server_that_is_away_has_surely_not_sent() -> None:
    async with mail_server(Receiver()) as email:
        pass
    with pytest.raises(Unavailable):
        await email.send(LETTER)


@pytest.mark.parametrize("receiver", [Receiver(rcpt="450 later"), Receiver(data="451 later")])
async def test_a_mail_server_that_says_not_now_is_asked_again(receiver: Receiver) -> None:
    async with mail_server(receiver) as email:
        with pytest.raises(Unavailable):
            await email.send(LETTER)


@pytest.mark.parametrize("receiver", [Receiver(rcpt="550 nobody"), Receiver(data="554 never")])
async def test_a_mail_server_that_says_never_is_believed(receiver: Receiver) -> None:
    async with mail_server(receiver) as email:
        with pytest.raises(Undeliverable):
            await email.send(LETTER)


async def test_a_mail_server_that_goes_silent_in_the_middle_has_perhaps_sent() -> None:
    async with mail_server(Receiver(drops=True)) as email:
        with pytest.raises(PerhapsSent):
            await email.send(LETTER)


async def test_a_server_without_starttls_is_not_spoken_to_in_the_clear() -> None:
    receiver = Receiver()
    async with mail_server(receiver) as email:
        careful = Email(MailServer("127.0.0.1", email.server.port, "registration@example.org", starttls=True))
        with pytest.raises(Unavailable):
            await careful.send(LETTER)
    assert receiver.mails == []


def gateway(answer: Any) -> TextMessages:
    def respond(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        answer.append(request)
        return httpx.Response(202)

    return TextMessages(httpx.AsyncClient(transport=httpx.MockTransport(respond)), "https://sms.example.org/", "token")


async def test_a_text_message_names_its_id_so_that_a_repeat_can_be_recognised() -> None:
    taken: list[httpx.Request] = []
    await gateway(taken).send(LETTER)
    assert taken[0].headers["Idempotency-Key"] == LETTER.message_id
    assert LETTER.message_id.encode() in taken[0].content


@pytest.mark.parametrize(
    ("fault", "means"),
    [
        (httpx.ConnectError("x"), Unavailable),
        (httpx.ReadTimeout("x"), PerhapsSent),
        (httpx.ReadError("x"), PerhapsSent),
    ],
)
async def test_only_a_gateway_that_was_never_reached_has_surely_not_sent(
    fault: Exception, means: type[Exception]
) -> None:
    with pytest.raises(means):
        await gateway(fault).send(LETTER)


@pytest.mark.parametrize(("status", "means"), [(429, Unavailable), (400, Undeliverable), (502, PerhapsSent)])
async def test_a_gateways_refusal_is_told_apart(status: int, means: type[Exception]) -> None:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(status)))
    with pytest.raises(means):
        await TextMessages(client, "https://sms.example.org/").send(LETTER)
