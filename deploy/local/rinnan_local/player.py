"""An independent client of a running stack: one person's own HTTP, signed in again when refused, patient, recorded.

Nothing here knows more than anybody who uses the public APIs: addresses, and what a registration is pinned to.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from rinnan_local.identity_provider import TEST_PERSON
from rinnan_profiles import Profiles
from rinnan_profiles.loading import load

if TYPE_CHECKING:
    from rinnan_local.stack import Addresses, Stack

PATIENCE = timedelta(seconds=30)
BETWEEN_TRIES = 0.25
REFUSED = 401
AWAY = frozenset({502, 503, 504})
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # everything is on loopback: one context that was never filled


class SaidNo(Exception):  # noqa: N818 - a state of the world
    """A service refused a request. The message names the request, the status and the problem's code, never a value."""

    def __init__(self, response: httpx.Response) -> None:
        problem = _problem(response)
        self.status = response.status_code
        self.code = str(problem.get("code", ""))
        wrong = ", ".join(f"{fault['field']}: {fault['code']}" for fault in problem.get("errors") or [])
        request = response.request
        super().__init__(f"{request.method} {request.url.path}: {self.status} {self.code} {wrong}".strip())


class DidNotHappen(Exception):  # noqa: N818 - a state of the world
    """What was waited for did not come within its time."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request and its answer, as the client saw them: `path` with its ids, `seconds` until the last byte."""

    method: str
    path: str
    sent: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Installation:
    """A running stack from outside: where it is reached, and the forms and counties that it was published with."""

    addresses: Addresses
    profiles: Profiles

    @classmethod
    def of(cls, stack: Stack) -> Installation:
        """The installation that a stack of this process runs."""
        return cls(stack.addresses, load(stack.contracts_dir, stack.counties_dir))


class Pass:
    """A bearer token that is fetched when first needed, and again once it was refused."""

    def __init__(self, fetch: Callable[[], Awaitable[str]]) -> None:
        self._fetch = fetch
        self._token: str | None = None

    async def token(self) -> str:
        """The token to show now."""
        if self._token is None:
            self._token = await self._fetch()
        return self._token

    def drop(self) -> None:
        """Fetch a fresh one the next time."""
        self._token = None


class Player:
    """One person with one HTTP client. `realm` is the issuer: `parents` or `staff`.

    A request whose far side is away is repeated with the same idempotency key for as long as `patience`. With `record`
    everything that was exchanged with the services stands in `exchanges`; signing in is left out.
    """

    realm = "parents"

    def __init__(
        self,
        installation: Installation,
        person: str,
        *,
        language: str = "en",
        patience: timedelta = PATIENCE,
        record: bool = False,
    ) -> None:
        self.installation = installation
        self.person = person
        self.language = language
        self.patience = patience
        self.exchanges: list[Exchange] = []
        self.signed_in = Pass(self._sign_in)
        self._record = record
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(verify=NO_TLS, timeout=30, headers={"Accept-Language": self.language})
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def ask(
        self,
        method: str,
        room: str,
        path: str,
        *,
        as_: Pass | None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request to a room or host, by its process's name; after a 401 once more, with a fresh token.

        Raises: `SaidNo`, `DidNotHappen`.
        """
        addresses = self.installation.addresses
        url = f"{({**addresses.rooms, **addresses.hosts})[room]}{path}"
        own = dict(headers or {})
        if method != "GET":
            own.setdefault("Idempotency-Key", str(uuid4()))
        response = await self._shown(method, url, as_, json, own)
        if response.status_code == REFUSED and as_ is not None:
            as_.drop()
            response = await self._shown(method, url, as_, json, own)
        if response.is_error:
            raise SaidNo(response)
        return response

    async def get(self, url: str, **parameters: str) -> Any:
        """JSON from one of the helpers that stand for the world outside."""
        response = await self._send("GET", url, params=parameters)
        if response.is_error:
            raise SaidNo(response)
        return response.json()

    async def _shown(
        self, method: str, url: str, as_: Pass | None, json: Any, headers: Mapping[str, str]
    ) -> httpx.Response:
        shown = {"Authorization": f"Bearer {await as_.token()}"} if as_ is not None else {}
        began = time.monotonic()
        response = await self._send(method, url, json=json, headers={**headers, **shown})
        if self._record:
            self.exchanges.append(_exchange(response, time.monotonic() - began))
        return response

    async def _send(self, method: str, url: str, **told: Any) -> httpx.Response:
        if self._client is None:
            raise RuntimeError("a player is entered with `async with` before it asks")
        until = time.monotonic() + self.patience.total_seconds()
        while True:
            try:
                response = await self._client.request(method, url, **told)
            except httpx.TransportError as away:
                if time.monotonic() > until:
                    raise DidNotHappen(f"{method} {urlsplit(url).path}: {type(away).__name__}") from away
            else:
                if response.status_code not in AWAY or time.monotonic() > until:
                    return response
            await asyncio.sleep(BETWEEN_TRIES)

    async def _sign_in(self) -> str:
        response = await self._send(
            "POST",
            f"{self.installation.addresses.identity_provider}/{self.realm}/token",
            data={"grant_type": TEST_PERSON, "person": self.person},
        )
        if response.is_error:
            raise SaidNo(response)
        return str(response.json()["access_token"])


async def until(
    question: Callable[[], Awaitable[Any]], what: str, *, within: float = 30.0, every: float = BETWEEN_TRIES
) -> Any:
    """The first answer that is true, asked for again and again. Seconds are real ones. Raises: `DidNotHappen`."""
    last = time.monotonic() + within
    while not (answer := await question()):
        if time.monotonic() > last:
            raise DidNotHappen(f"not within {within:.0f} s: {what}")
        await asyncio.sleep(every)
    return answer


def _exchange(response: httpx.Response, seconds: float) -> Exchange:
    request = response.request
    return Exchange(
        method=request.method,
        path=request.url.raw_path.decode(),
        sent=request.content,
        status=response.status_code,
        headers=tuple(response.headers.multi_items()),
        body=response.content,
        seconds=seconds,
    )


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        told = response.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
