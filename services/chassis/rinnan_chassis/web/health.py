"""How a room feels: `/livez` (its loops move), `/readyz` (it can serve), `/metrics` (numbers for Prometheus)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Query
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.responses import JSONResponse, Response

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

    def rest(self, loop: str) -> None:
        """The loop has ended as it should."""
        self._moved.pop(loop, None)

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
        """Hearing's troubles as numbers and classes: lag, parked, held, dead letters, outbox age. Not part of ready."""
        ...


def health_routes(
    pulse: Pulse,
    readiness: Readiness,
    registry: CollectorRegistry = REGISTRY,
    *,
    answer_within: float = ANSWER_WITHIN_SECONDS,
) -> APIRouter:
    """The three addresses. They ask for no token: keep them off the public side.

    A question that is not answered within `answer_within` (real seconds) is answered with no.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> Response:
        late = pulse.late()
        return JSONResponse({"alive": not late, "late": late}, 503 if late else 200)

    @router.get("/readyz")
    async def readyz(verbose: Annotated[str | None, Query()] = None) -> Response:
        database = await _holds(readiness.database_answers, answer_within)
        told: dict[str, Any] = {
            "database": database,
            "migrations": database and await _holds(readiness.migrations_are_current, answer_within),
            "stopping": readiness.is_stopping(),
        }
        ready = told["database"] and told["migrations"] and not told["stopping"]
        if verbose is not None:
            told["hearing"] = await _told(readiness, answer_within) if database else {"unknown": "database_away"}
        return JSONResponse({"ready": ready, **told}, 200 if ready else 503)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


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
