"""Catches what would be sent: an SMTP server and an HTTP SMS gateway that deliver to nobody, and a page to read it.

A message is known by its id. One that arrives again is counted, not hidden, so that a doubled message is seen.
"""

from __future__ import annotations

import asyncio
import json
from argparse import ArgumentParser
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from email import message_from_bytes
from email.policy import default
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader
from pydantic import BaseModel, ConfigDict

from rinnan_local.ports import LOOPBACK

pages = Environment(loader=PackageLoader("rinnan_local", "pages"), autoescape=True)


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """An e-mail. `times` is how often it arrived under the same message id."""

    message_id: str
    sender: str
    to: Sequence[str]
    subject: str
    text: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class CaughtText:
    """A text message. `times` is how often it arrived under the same message id."""

    message_id: str
    to: str
    text: str
    times: int = 1


C = TypeVar("C", CaughtMail, CaughtText)


class TextMessage(BaseModel):
    """What a sender posts to the SMS gateway."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    to: str
    text: str
    message_id: str


class Caught:
    """All that was caught, mirrored to a folder and taken up from there again: a kill empties nobody's mailbox."""

    def __init__(self, mirror: Path) -> None:
        self._mirror = mirror
        mirror.mkdir(parents=True, exist_ok=True)
        self._mails = {told["message_id"]: CaughtMail(**told) for told in self._kept("mail")}
        self._texts = {told["message_id"]: CaughtText(**told) for told in self._kept("text")}

    def mails(self, to: str | None = None) -> list[CaughtMail]:
        """E-mail in the order of first arrival; only that to one address, if given."""
        return [mail for mail in self._mails.values() if to is None or to in mail.to]

    def texts(self, to: str | None = None) -> list[CaughtText]:
        """Text messages in the order of first arrival; only those to one number, if given."""
        return [text for text in self._texts.values() if to is None or to == text.to]

    def catch_mail(self, raw: bytes, recipients: list[str]) -> None:
        message = message_from_bytes(raw, policy=default)
        body = message.get_body(("plain", "html"))
        message_id = str(message["Message-ID"] or sha256(raw).hexdigest())
        known = self._mails.get(message_id)
        caught = CaughtMail(
            message_id=message_id,
            sender=str(message["From"]),
            to=recipients,
            subject=str(message["Subject"]),
            text=str(body.get_content()) if body is not None else "",
            times=known.times + 1 if known else 1,
        )
        self._write(message_id, "eml", raw)
        self._keep("mail", self._mails, caught)

    def catch_text(self, message: TextMessage) -> CaughtText:
        known = self._texts.get(message.message_id)
        fresh = CaughtText(message.message_id, message.to, message.text)
        caught = replace(fresh, times=known.times + 1) if known else fresh
        self._keep("text", self._texts, caught)
        return caught

    def _kept(self, kind: str) -> Iterator[dict[str, Any]]:
        kept = [json.loads(path.read_bytes()) for path in self._mirror.glob(f"*.{kind}.json")]
        return (each["caught"] for each in sorted(kept, key=lambda each: each["place"]))

    def _keep(self, kind: str, among: dict[str, C], caught: C) -> None:
        among[caught.message_id] = caught
        told = {"place": list(among).index(caught.message_id), "caught": asdict(caught)}
        self._write(caught.message_id, f"{kind}.json", json.dumps(told, ensure_ascii=False).encode())

    def _write(self, message_id: str, kind: str, content: bytes) -> None:
        """Write beside, then rename: a kill leaves a whole message or none, and none was said to be taken."""
        path = self._mirror / f"{sha256(message_id.encode()).hexdigest()[:24]}.{kind}"
        fresh = path.with_name(f".{path.name}")
        fresh.write_bytes(content)
        fresh.replace(path)


class Receiver:
    """Takes every e-mail for every address."""

    def __init__(self, caught: Caught) -> None:
        self._caught = caught

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self._caught.catch_mail(envelope.original_content or b"", envelope.rcpt_tos)
        return "250 Caught; delivered to nobody"


def create_app(caught: Caught, *, smtp_port: int) -> FastAPI:
    """The page, the JSON API and the SMS gateway; the SMTP server lives as long as the app."""

    @asynccontextmanager
    async def with_smtp(_: FastAPI) -> AsyncGenerator[None]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(Receiver(caught), enable_SMTPUTF8=True, loop=loop), LOOPBACK, smtp_port
        )
        async with server:
            yield

    app = FastAPI(title="Rinnan mail catcher", lifespan=with_smtp, docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/")
    async def page() -> HTMLResponse:
        template = pages.get_template("mail.html")
        return HTMLResponse(template.render(messages=caught.mails(), texts=caught.texts()))

    @app.get("/messages")
    async def messages(to: str | None = None) -> list[dict[str, Any]]:
        return [asdict(mail) for mail in caught.mails(to)]

    @app.post("/sms", status_code=202)
    async def send_text(message: TextMessage) -> dict[str, Any]:
        return {"message_id": caught.catch_text(message).message_id}

    @app.get("/sms")
    async def texts(to: str | None = None) -> list[dict[str, Any]]:
        return [asdict(text) for text in caught.texts(to)]

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    return app


def main() -> None:
    """Serve until ended: `python -m rinnan_local.mail_catcher --smtp-port … --http-port … --mirror var/mail`."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--mirror", type=Path, required=True)
    options = parser.parse_args()
    app = create_app(Caught(options.mirror), smtp_port=options.smtp_port)
    uvicorn.run(app, host=LOOPBACK, port=options.http_port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
