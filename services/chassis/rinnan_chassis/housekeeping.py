"""Keeping house: numbers for the operators, and forgetting what only protected against repeats."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError

from rinnan_chassis import metrics
from rinnan_chassis.batch import Batches
from rinnan_chassis.database import Database

log = logging.getLogger(__name__)

Lag = Callable[[], Awaitable[Mapping[str, int]]]

COUNT_EVERY = 5.0
PRUNE_EVERY = 600.0
SENT_KEPT = timedelta(days=2)
DONE_KEPT = timedelta(days=7)
ANSWERS_KEPT = timedelta(days=2)
LONGER = timedelta(days=7)
"""An inbox, and the tombstone of a forgotten subject, outlive every topic by this."""


class Housekeeping:
    """Counts and prunes for one room, in real time."""

    def __init__(self, batches: Batches[Any], lag: Lag | None = None) -> None:
        self._database: Database = batches.database
        self._batches = batches
        self._lag = lag
        self._kept = batches.topics.longest_retention() + LONGER
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Stop at the next rest."""
        self._stopping.set()

    async def run(self) -> None:
        """Count every few seconds, prune every few minutes."""
        prune_at = time.monotonic() + PRUNE_EVERY
        while not self._stopping.is_set():
            try:
                await self.count()
                await self.measure_lag()
                if time.monotonic() >= prune_at:
                    await self.prune()
                    prune_at = time.monotonic() + PRUNE_EVERY
            except (asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, OSError, TimeoutError) as error:
                log.warning("cannot_keep_house", extra={"fault": type(error).__name__})
            try:
                async with asyncio.timeout(COUNT_EVERY):
                    await self._stopping.wait()
            except TimeoutError:
                continue

    async def count(self) -> dict[str, int]:
        """What waits, as gauges; also for `/readyz?verbose`."""
        row = await self._database.fetchrow(
            """select (select count(*) from subject where held_at is not null) as held,
                      (select count(*) from parked) as parked,
                      (select count(*) from dead_letter where settled_at is null) as dead,
                      (select count(*) from outbox where sent_at is null) as outbox"""
        )
        metrics.held.set(row["held"])
        metrics.parked.set(row["parked"])
        metrics.dead.set(row["dead"])
        metrics.outbox_waiting.set(row["outbox"])
        now = self._batches.clock.now()
        for name in self._batches.handlers.kinds:
            metrics.oldest_due_work.labels(name).set(0)
        for kind in await self._database.fetch(
            """select kind, extract(epoch from $1 - min(due_at))::float8 as late
               from work where state = 'waiting' and due_at <= $1 group by kind""",
            now,
        ):
            metrics.oldest_due_work.labels(kind["kind"]).set(kind["late"])
        return dict(row)

    async def measure_lag(self) -> None:
        """How far this instance's hearing is behind, as gauges."""
        if self._lag is not None:
            async with asyncio.timeout(COUNT_EVERY):
                for topic, waiting in (await self._lag()).items():
                    metrics.lag.labels(topic).set(waiting)

    async def prune(self) -> None:
        """Forget what is older than anything that could still be repeated. Small statements, no long locks."""
        for statement, kept in (
            ("delete from inbox where heard_at < now() - $1::interval", self._kept),
            ("delete from outbox where said_at < now() - $1::interval and sent_at is not null", SENT_KEPT),
            ("delete from work where ended_at < now() - $1::interval", DONE_KEPT),
            ("delete from command where decided_at < now() - $1::interval", ANSWERS_KEPT),
            ("delete from subject where forgotten_at < now() - $1::interval", self._kept),
        ):
            await self._database.execute(statement, kept)
