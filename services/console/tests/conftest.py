"""The command, with real operator's APIs of two rooms behind it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from click.testing import Result
from fastapi import APIRouter, FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey
from typer.testing import CliRunner

from rinnan_chassis.clock import SystemClock
from rinnan_chassis.operations import NoSuchLetter, NotHeld
from rinnan_chassis.web import Doors, Issuers, Problems, application, issuers_of, operations_routes
from rinnan_console.cli import app
from rinnan_console.installation import INSTALLATION, TOKEN, TOKEN_COMMAND
from rinnan_console.terminal import Surroundings

ISSUER = "https://sign-in.invalid/staff"
Routes = Callable[[Doors], Sequence[APIRouter]]


@dataclass
class Troubles:
    """What one room holds and has set aside, and what was done about it."""

    subjects: dict[UUID, str] = field(default_factory=dict)
    letters: dict[UUID, str] = field(default_factory=dict)
    done: list[tuple[str, UUID, str]] = field(default_factory=list)
    parked: Sequence[str] = ("decided", "nothing")
    again: bool = False

    async def held(self, **_: object) -> Sequence[Mapping[str, Any]]:
        return [
            {"subject": subject, "held_at": since, "parked": 2, "dead_letters": 1, "stuck": 0}
            for subject, since in self.subjects.items()
        ]

    async def dead_letters(self, **_: object) -> Sequence[Mapping[str, Any]]:
        return [
            {
                "id": letter,
                "subject": None,
                "topic": "intake.registration.v1",
                "type": "intake.parent_joined.v1\x1b[2J",
                "reason": "KeyError",
                "set_aside_at": since,
            }
            for letter, since in self.letters.items()
        ]

    async def acts(self, on: UUID, **_: object) -> Sequence[Mapping[str, Any]]:
        told = {"by": "issuer#s-17", "done_at": "2026-03-02T09:00:00Z"}
        return [{**told, "verb": verb, "subject": on, "thing": None, "why": why} for verb, _, why in self.done]

    async def work(self) -> Mapping[str, Any]:
        return {"kinds": []}

    async def release(self, subject: UUID, *, why: str, **_: object) -> Mapping[str, Any]:
        if self.subjects.pop(subject, None) is None:
            raise NotHeld
        self.done.append(("release", subject, why))
        return {"heard": self.parked}

    async def redrive(self, letter: UUID, *, why: str, **_: object) -> Mapping[str, Any]:
        if letter not in self.letters:
            raise NoSuchLetter
        self.done.append(("redrive", letter, why))
        return {"heard": ["set_aside" if self.again else "decided"]}

    async def discard(self, letter: UUID, *, why: str, **_: object) -> Mapping[str, Any]:
        self.done.append(("discard", letter, why))
        return {"settled": letter}


@dataclass
class Terminal:
    """An operator's terminal in front of an installation that is not on any network."""

    file: Path
    key: ECKey
    doors: Doors
    monkeypatch: pytest.MonkeyPatch
    apps: dict[str, FastAPI | None] = field(default_factory=dict)
    troubles: dict[str, Troubles] = field(default_factory=dict)

    def has(self, room: str, routes: Routes | None = None) -> Troubles:
        """Put a room into the installation, with its operator's API and perhaps more."""
        troubles = Troubles()
        routers = [operations_routes(troubles, self.doors), *(routes(self.doors) if routes else ())]
        self.apps[room] = application(room, "0", routers, Problems.load())
        self._write()
        return troubles

    def has_lost(self, room: str) -> None:
        """A room that should be there and does not answer."""
        self.apps[room] = None
        self._write()

    def _write(self) -> None:
        told: dict[str, dict[str, str]] = {"rooms": {}, "hosts": {}}
        for name in self.apps:
            told["hosts" if name.startswith("host-") else "rooms"][name] = f"http://{name}.invalid"
        self.file.write_text(json.dumps({**told, "kafka": "127.0.0.1:1"}))

    def signs_in(self, rights: str = "life act", county: str = "lapha") -> None:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": "rinnan", "iat": now, "exp": now + 600, "sub": "s-17"}
        claims |= {"county": county, "rights": rights}
        token = jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key, algorithms=["ES256"])
        self.monkeypatch.setenv(TOKEN, token)

    def types(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["--installation", str(self.file), *words], obj=Surroundings(self._client))

    def _client(self) -> httpx.AsyncClient:
        ways = {
            f"all://{room}.invalid": httpx.ASGITransport(web) if web else _Nobody() for room, web in self.apps.items()
        }
        return httpx.AsyncClient(mounts=ways)


class _Nobody(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for variable in (INSTALLATION, TOKEN, TOKEN_COMMAND, "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("TZ", "Europe/Helsinki")
    time.tzset()
    key = ECKey.generate_key("P-256", auto_kid=True)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [{**key.as_dict(private=False), "kid": key.kid}]}))
    issuer = {"kind": "staff", "issuer": ISSUER, "audience": "rinnan", "counties": ["*"], "jwks_file": "keys.json"}
    (tmp_path / "issuers.json").write_text(json.dumps([issuer]))
    issuers = Issuers(issuers_of(tmp_path / "issuers.json"), SystemClock(), httpx.AsyncClient())
    terminal = Terminal(tmp_path / "addresses.json", key, Doors(issuers=issuers), monkeypatch)
    terminal.signs_in()
    return terminal


@pytest.fixture
def an_id() -> UUID:
    return uuid4()
