"""What services send over SMTP and to the SMS gateway can be read, and a doubled message is seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest

from rinnan_local.mail_catcher import Caught, create_app
from rinnan_local.ports import LOOPBACK, free_port


@dataclass
class Catcher:
    http: httpx.AsyncClient
    smtp_port: int
    mirror: Path

    async def send(self, to: str, text: str, message_id: str = "<one@example.org>") -> None:
        message = EmailMessage()
        message["From"] = "registration@example.org"
        message["To"] = to
        message["Subject"] = "Kirje · Brev"
        message["Message-ID"] = message_id
        message.set_content(text)
        await aiosmtplib.send(message, hostname=LOOPBACK, port=self.smtp_port, start_tls=False)


@pytest.fixture
async def catcher(tmp_path: Path) -> AsyncIterator[Catcher]:
    smtp_port = free_port()
    app = create_app(Caught(tmp_path / "mail"), smtp_port=smtp_port)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://mail") as http:
        yield Catcher(http, smtp_port, tmp_path / "mail")


async def test_a_mail_sent_over_smtp_can_be_read_by_whom_it_was_for(catcher: Catcher) -> None:
    await catcher.send("asa@example.org", "Hei! Ä, ö, č, سلام")
    found = (await catcher.http.get("/messages", params={"to": "asa@example.org"})).json()
    assert [(mail["subject"], mail["text"].strip()) for mail in found] == [("Kirje · Brev", "Hei! Ä, ö, č, سلام")]


async def test_nobody_elses_mail_is_among_what_one_address_got(catcher: Catcher) -> None:
    await catcher.send("asa@example.org", "Hei")
    assert (await catcher.http.get("/messages", params={"to": "aino@example.org"})).json() == []


async def test_a_mail_that_was_sent_twice_is_counted_twice(catcher: Catcher) -> None:
    await catcher.send("asa@example.org", "Hei")
    await catcher.send("asa@example.org", "Hei")
    assert [mail["times"] for mail in (await catcher.http.get("/messages")).json()] == [2]


async def test_a_text_message_is_kept_under_its_number(catcher: Catcher) -> None:
    await catcher.http.post("/sms", json={"to": "+358500000917", "text": "Hei", "message_id": "m"})
    found = (await catcher.http.get("/sms", params={"to": "+358500000917"})).json()
    assert [(text["text"], text["times"]) for text in found] == [("Hei", 1)]


async def test_a_text_message_that_was_sent_twice_is_counted_twice(catcher: Catcher) -> None:
    for _ in range(2):
        await catcher.http.post("/sms", json={"to": "+358500000917", "text": "Hei", "message_id": "m"})
    assert [text["times"] for text in (await catcher.http.get("/sms")).json()] == [2]


async def test_what_was_caught_is_mirrored_to_a_folder(catcher: Catcher) -> None:
    await catcher.send("asa@example.org", "Hei")
    await catcher.http.post("/sms", json={"to": "+358500000917", "text": "Hei", "message_id": "m"})
    assert {path.suffix for path in catcher.mirror.iterdir()} == {".eml", ".json"}


async def test_what_was_caught_is_there_again_after_a_kill_in_its_order(catcher: Catcher) -> None:
    for number in (2, 1, 3, 1):
        await catcher.send("asa@example.org", f"Hei {number}", f"<{number}@example.org>")
    await catcher.http.post("/sms", json={"to": "+358500000917", "text": "Hei", "message_id": "<1@example.org>"})
    again = Caught(catcher.mirror)
    assert [(mail.text.strip(), mail.times) for mail in again.mails()] == [("Hei 2", 1), ("Hei 1", 2), ("Hei 3", 1)]
    assert [text.text for text in again.texts("+358500000917")] == ["Hei"]


async def test_the_page_shows_a_message_and_runs_nothing_of_it(catcher: Catcher) -> None:
    await catcher.send("asa@example.org", "<script>x</script>")
    page = (await catcher.http.get("/")).text
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "<script>" not in page
