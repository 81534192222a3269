"""What a host does outside a decision: one thing when asked, and the truth about it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from rinnan_chassis.clock import Clock
from rinnan_chassis.sealing import KeyDestroyed
from rinnan_chassis.working import Job
from rinnan_events.adapter import Outcome
from rinnan_events.opened import ClientRecord
from rinnan_host import store
from rinnan_host.breaker import RESTS, Breaker
from rinnan_host.domain import Answered, Here
from rinnan_host.port import (
    Absent,
    Adapter,
    AlreadyThere,
    CheckResult,
    DeliveryKey,
    Document,
    FindResult,
    Reason,
    Rejected,
    Renderer,
    Unavailable,
    Unknown,
    WriteResult,
    Written,
)

log = logging.getLogger(__name__)

CHECKED_FOR = timedelta(days=1).total_seconds()
TOO_LATE = "asked_too_late"
FORGOTTEN = "forgotten"
RENDERING_FAILED = "rendering_failed"
TROUBLES = frozenset({Outcome.UNAVAILABLE, Outcome.UNKNOWN, Outcome.REJECTED})


@dataclass(slots=True)
class Outside:
    """The adapter of this host's destination. Its check is asked before the first write, and then once a day."""

    here: Here
    adapter: Adapter | Renderer
    clock: Clock
    breaker: Breaker = field(init=False)
    _checked_until: float = field(default=0.0)

    def __post_init__(self) -> None:
        self.breaker = Breaker(min(self.here.destination.parallel, self.adapter.capabilities.parallel))

    @property
    def trouble(self) -> str | None:
        """What keeps the destination from being asked as ever, for `/readyz?verbose`."""
        return self.breaker.trouble(self.clock.now())

    def writer(self) -> Adapter:
        """The adapter, as one that writes. Raises TypeError for one that renders."""
        if not isinstance(self.adapter, Adapter):
            raise TypeError("this destination renders")
        return self.adapter

    def renderer(self) -> Renderer:
        """The adapter, as one that renders. Raises TypeError for one that writes."""
        if not isinstance(self.adapter, Renderer):
            raise TypeError("this destination writes")
        return self.adapter

    async def check(self) -> CheckResult:
        """Whether the far side is what the profile says; a good answer is believed for a day, or until it rests."""
        if time.monotonic() < self._checked_until and self.trouble is None:
            return None
        try:
            async with asyncio.timeout(self.adapter.capabilities.takes_at_most.total_seconds()):
                result = await self.adapter.check()
        except TimeoutError:
            result = Unavailable(Reason.TIMED_OUT)
        if result is None:
            self._checked_until = time.monotonic() + CHECKED_FOR
        else:
            log.warning("destination_not_ready", extra={"reason": result.reason.value})
        return result

    async def aclose(self) -> None:
        """Let go of the adapter."""
        await self.adapter.aclose()


async def write(job: Job, outside: Outside) -> Answered:
    """Write once. Whatever cannot be told is told as unknown; what has begun never runs again by itself."""
    write_by = job.payload["write_by"]
    if write_by is not None and job.now >= datetime.fromisoformat(write_by):
        return _answered(job, Outcome.UNAVAILABLE, TOO_LATE)
    try:
        record = await job.open(job.payload["record"], ClientRecord, party=_party(job))
    except KeyDestroyed:
        return _answered(job, Outcome.UNAVAILABLE, FORGOTTEN)

    async def once() -> Answered:
        if (not_ready := await outside.check()) is not None:
            return _answered(job, Outcome.UNAVAILABLE, not_ready.reason.value)
        return _told(job, await _written(outside, record, _key(job, outside)))

    return await _unless_it_rests(job, outside, once)


async def find(job: Job, outside: Outside) -> Answered:
    """Look once. A look that cannot be taken is told as unavailable."""

    async def once() -> Answered:
        result = await _found(outside, _key(job, outside))
        return _told(job, Unavailable(result.reason) if isinstance(result, Rejected) else result)

    return replace(await _unless_it_rests(job, outside, once), look=job.payload["look"])


async def render(job: Job, outside: Outside) -> Answered:
    """Render a package and shelve it, sealed. It may run again: the same request gives the same documents."""
    asked_at = datetime.fromisoformat(job.payload["asked_at"])
    try:
        record = await job.open(job.payload["record"], ClientRecord, party=_party(job))
        documents = await _rendered(job, outside, record, asked_at)
        if documents is None:
            return _answered(job, Outcome.UNAVAILABLE, RENDERING_FAILED)
        package = store.Package(job.subject, UUID(job.payload["delivery_id"]), asked_at, documents)
        await store.shelve(job.database, job.keyring, package)
    except KeyDestroyed:
        return _answered(job, Outcome.UNAVAILABLE, FORGOTTEN)
    ids = tuple(document.document_id for document in documents)
    return _answered(job, Outcome.PACKAGE_RENDERED, Outcome.PACKAGE_RENDERED.value, document_ids=ids)


async def discard(job: Job, _: Outside) -> None:
    """Forget documents that were taken back, or kept long enough."""
    asked_by = datetime.fromisoformat(job.payload["asked_by"])
    await store.discard(job.database, UUID(job.payload["delivery_id"]), asked_by)


async def _unless_it_rests(job: Job, outside: Outside, once: Callable[[], Awaitable[Answered]]) -> Answered:
    """Ask the destination, unless it rests. Raises the chassis's `Unavailable` where it has no room for it yet."""
    breaker = outside.breaker
    if breaker.rests(job.now):
        return _answered(job, Outcome.UNAVAILABLE, RESTS)
    with breaker.room():
        answered = await once()
    breaker.hear(answered.outcome, job.now)
    return answered


async def _written(outside: Outside, record: ClientRecord, key: DeliveryKey) -> WriteResult:
    adapter = outside.writer()
    try:
        async with asyncio.timeout(adapter.capabilities.takes_at_most.total_seconds()):
            return await adapter.write(record, key)
    except TimeoutError:
        return Unknown(Reason.TIMED_OUT)
    except Exception as fault:
        log.exception("adapter_raised", extra={"subject": str(key.registration_id), "fault": type(fault).__name__})
        return Unknown(Reason.ANSWER_NOT_UNDERSTOOD)


async def _found(outside: Outside, key: DeliveryKey) -> FindResult:
    adapter = outside.writer()
    try:
        async with asyncio.timeout(adapter.capabilities.takes_at_most.total_seconds()):
            return await adapter.find(key)
    except TimeoutError:
        return Unavailable(Reason.TIMED_OUT)
    except Exception as fault:
        log.exception("adapter_raised", extra={"subject": str(key.registration_id), "fault": type(fault).__name__})
        return Unavailable(Reason.ANSWER_NOT_UNDERSTOOD)


async def _rendered(
    job: Job, outside: Outside, record: ClientRecord, asked_at: datetime
) -> tuple[Document, ...] | None:
    renderer, key = outside.renderer(), _key(job, outside)
    try:
        return await renderer.render(record, key, look_first=job.payload["look_first"], prepared_at=asked_at)
    except Exception as fault:
        log.exception("rendering_failed", extra={"subject": str(job.subject), "fault": type(fault).__name__})
        return None


def _told(job: Job, result: WriteResult | FindResult) -> Answered:
    """What the adapter did, in the words of the published language."""
    match result:
        case Written(receipt, effects):
            return _answered(job, Outcome.CONFIRMED, Outcome.CONFIRMED.value, receipt=receipt, effects=effects)
        case AlreadyThere(receipt, effects):
            return _answered(job, Outcome.ALREADY_THERE, Outcome.ALREADY_THERE.value, receipt=receipt, effects=effects)
        case Absent():
            return _answered(job, Outcome.ABSENT, Outcome.ABSENT.value)
        case Rejected(reason):
            return _answered(job, Outcome.REJECTED, reason.value)
        case Unavailable(reason):
            return _answered(job, Outcome.UNAVAILABLE, reason.value)
        case Unknown(reason):
            return _answered(job, Outcome.UNKNOWN, reason.value, begun_at=job.now)


def _answered(job: Job, outcome: Outcome, reason: str, **more: Any) -> Answered:
    if outcome in TROUBLES:
        told = {"subject": str(job.subject), "kind": outcome.value, "reason": reason, "attempt": job.payload["attempt"]}
        log.warning("not_delivered", extra=told)
    return Answered(job.payload["delivery_id"], job.payload["attempt"], outcome, reason, **more)


def _party(job: Job) -> UUID | None:
    party_id = job.payload["party_id"]
    return UUID(party_id) if party_id else None


def _key(job: Job, outside: Outside) -> DeliveryKey:
    return DeliveryKey(job.subject, _party(job), outside.here.county, outside.here.destination.name)
