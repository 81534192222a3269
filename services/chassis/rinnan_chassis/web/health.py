"""The health of a room: `/livez` (its loops move), `/readyz` (it can serve), `/metrics` (numbers for Prometheus)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

LATE_AFTER_SECONDS: Final = 60.0
ANSWER_WITHIN_SECONDS: Final = 2.0


class Pulse:
    """When each loop last moved, by real monotonic time. A loop beats once a round, an idle one too."""

    def __init__(self, late_after: float = LATE_AFTER_SECONDS) -> None:
        self._late_after = late_after
        self._moved: dict[str, float] = {}

    def beat(self, loop: str) -> None:
        """The loop has moved."""
        self._moved[loop] = time.monotonic()

    def late(self) -> list[str]:
        """The loops that have not moved lately."""
        now = time.monotonic()
        return sorted(loop for loop, moved in self._moved.items() if now - moved > self._late_after)


class Readiness(Protocol):
    """What a room knows of itself. Nothing personal."""

    async def database_answers(self) -> bool: ...
    async def migrations_are_current(self) -> bool: ...
    def is_stopping(self) -> bool: ...
    async def hearing(self) -> Mapping[str, Any]:
        """What waits and what troubles, as numbers and classes. Not part of ready."""
        ...


def health(
    pulse: Pulse,
    readiness: Readiness,
    registry: CollectorRegistry = REGISTRY,
    *,
    answer_within: float = ANSWER_WITHIN_SECONDS,
) -> ASGIApp:
    """The three addresses. They ask for no token and tell of everybody: they have a port of their own.

    A question that is not answered within `answer_within` (real seconds) is answered with no.
    """

    async def livez(_: Request) -> Response:
        late = pulse.late()
        return JSONResponse({"alive": not late, "late": late}, 503 if late else 200)

    async def readyz(request: Request) -> Response:
        database = await _holds(readiness.database_answers, answer_within)
        told: dict[str, Any] = {
            "database": database,
            "migrations": database and await _holds(readiness.migrations_are_current, answer_within),
            "stopping": readiness.is_stopping(),
        }
        ready = told["database"] and told["migrations"] and not told["stopping"]
        if "verbose" in request.query_params:
            told["hearing"] = await _told(readiness, answer_within) if database else {"unknown": "database_away"}
        return JSONResponse({"ready": ready, **told}, 200 if ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Router([Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)])


async def _holds(question: Callable[[], Awaitable[bool]], within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            return await question()
    except Exception:  # noqa: BLE001 - whatever went wrong, it does not hold
        return False


async def _told(readiness: Readiness, within: float) -> Mapping[str, Any]:
    try:
        async with asyncio.timeout(within):
            return await readiness.hearing()
    except Exception as error:  # noqa: BLE001 - a look at the trouble must not add to it
        return {"unknown": type(error).__name__}
