"""Asking the rooms over the same HTTP APIs that the console uses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from rinnan_console.installation import NotUsable

TIMEOUT = httpx.Timeout(30.0, connect=5.0, read=300.0)
"""Walking a long chain takes a while; a room that is not there is known soon."""
_SERVER_ERROR = 500
_TEST_PERSON = "urn:rinnan:development:test-person"


class Refused(Exception):  # noqa: N818 - an answer
    """A room said no: the title is for people, the code is stable."""

    def __init__(self, room: str, title: str, code: str) -> None:
        super().__init__(f"{room}: {title} ({code})")
        self.code = code


class Unreachable(Exception):  # noqa: N818 - a state of the world
    """A room did not answer, or not in its right mind. Whether something was done is not known."""

    def __init__(self, room: str, how: str) -> None:
        super().__init__(f"{room}: no answer ({how})")


@dataclass(frozen=True, slots=True)
class Asking:
    """One operator's way to the rooms of one installation."""

    client: httpx.AsyncClient
    addresses: Mapping[str, str]
    token: str
    language: str
    hosts: Sequence[str] = ()

    async def get(self, room: str, path: str, **params: str | int | Sequence[str]) -> Any:
        """What a room shows. Raises: Refused, Unreachable, NotUsable."""
        return await self._ask("GET", room, path, params=params)

    async def post(self, room: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What a room answers to an act. Raises: Refused, Unreachable, NotUsable."""
        return await self._ask("POST", room, path, json=body)

    async def everybody(
        self, path: str, names: Sequence[str] | None = None
    ) -> tuple[list[dict[str, Any]], list[Refused | Unreachable]]:
        """The rows that all rooms (or those named) show, each with its room, and who did not."""
        names = list(self.addresses) if names is None else names
        answers = await asyncio.gather(*(self.get(name, path) for name in names), return_exceptions=True)
        rows: list[dict[str, Any]] = []
        silent: list[Refused | Unreachable] = []
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, Refused | Unreachable):
                silent.append(answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                rows += [{"room": name, **row} for row in answer]
        return rows, silent

    async def _ask(self, method: str, room: str, path: str, **more: Any) -> Any:
        if room not in self.addresses:
            raise NotUsable(f"There is no room {room}. There are: {', '.join(self.addresses)}.")
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": self.language}
        try:
            answer = await self.client.request(method, self.addresses[room] + path, headers=headers, **more)
            told = answer.json()
        except httpx.HTTPError as error:
            raise Unreachable(room, type(error).__name__) from None
        except ValueError:
            raise Unreachable(room, "not JSON") from None
        if answer.status_code >= _SERVER_ERROR:
            raise Unreachable(room, f"{told.get('title', answer.status_code)}")
        if answer.is_error:
            raise Refused(room, told.get("title", "refused"), told.get("code", str(answer.status_code)))
        return told


async def sign_in(client: httpx.AsyncClient, identity_provider: str, person: str) -> str:
    """A token of the local stack's development sign-in. Raises: Refused, Unreachable."""
    form = {"grant_type": _TEST_PERSON, "person": person}
    try:
        answer = await client.post(f"{identity_provider}/staff/token", data=form)
    except httpx.HTTPError as error:
        raise Unreachable("identity_provider", type(error).__name__) from None
    if answer.is_error:
        raise Refused("identity_provider", f"There is no member of staff {person}", str(answer.status_code))
    return answer.json()["access_token"]
