"""Saying: what the outbox promises is published in order per subject, and exactly what was published is marked.

One relay per room, wherever its instances run: an advisory lock says which. Rows are always read from the table, in
the order of their positions; a notification only wakes the relay. In one wave a subject says one thing, so after a row
that failed nothing later of its subject goes out before it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from rinnan_chassis import metrics
from rinnan_chassis.database import Database, Transaction, lock_number
from rinnan_chassis.rows import read_headers
from rinnan_chassis.topics import BATCH_BYTES

log = logging.getLogger(__name__)

MOST = 500
LARGEST_REQUEST = 2_097_152
LOOK_ANYWAY_AFTER = 1.0
"""Seconds after which the relay looks without having been woken."""


class Relay:
    """Publishes one room's outbox."""

    def __init__(self, schema: str, database: Database, kafka: Mapping[str, Any]) -> None:
        self._schema = schema
        self._database = database
        self._kafka = kafka
        self._stopping = False
        self.woken = asyncio.Event()
        self.moved_at = time.monotonic()
        self.trouble: str | None = None

    async def run(self) -> None:
        """Publish until stopped. Kafka or database away: the outbox fills, and is emptied when they are back."""
        while not self._stopping:
            producer: AIOKafkaProducer | None = None
            try:
                async with self._database.acquire() as connection:
                    if not await self._alone(connection):
                        await self._wait(LOOK_ANYWAY_AFTER)
                        continue
                    producer = AIOKafkaProducer(
                        acks="all",
                        enable_idempotence=True,
                        max_batch_size=BATCH_BYTES,  # with the default of 16 kB a wave waits for itself
                        max_request_size=LARGEST_REQUEST,
                        request_timeout_ms=10_000,
                        **self._kafka,
                    )
                    await producer.start()
                    self.trouble = None
                    await self._publish(connection, producer)
            except (KafkaError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self.trouble = "cannot_say"
                log.warning("cannot_say", extra={"fault": type(error).__name__})
                await self._wait(1.0)
            finally:
                if producer is not None:
                    await producer.stop()

    def stop(self) -> None:
        """Finish the wave in hand."""
        self._stopping = True
        self.woken.set()

    async def _alone(self, connection: Transaction) -> bool:
        self.moved_at = time.monotonic()
        return await connection.fetchval("select pg_try_advisory_lock($1)", lock_number(f"{self._schema}/relay"))

    async def _publish(self, connection: Transaction, producer: AIOKafkaProducer) -> None:
        try:
            while not self._stopping:
                self.moved_at = time.monotonic()
                self.woken.clear()
                rows = await connection.fetch(
                    """select position, subject, topic, record_key, headers::text as headers, body,
                              extract(epoch from now() - said_at) as age
                       from outbox where sent_at is null order by position limit $1""",
                    MOST,
                )
                metrics.outbox_age.set(rows[0]["age"] if rows else 0)
                if not rows:
                    await self._wait(LOOK_ANYWAY_AFTER)
                for wave in waves(rows):
                    await self._send(connection, producer, wave)
        finally:
            await connection.execute("select pg_advisory_unlock($1)", lock_number(f"{self._schema}/relay"))

    async def _send(self, connection: Transaction, producer: AIOKafkaProducer, wave: Sequence[Any]) -> None:
        """Publish one wave and mark exactly what was acknowledged; then raise, if anything failed."""
        results = await asyncio.gather(*(_publish_one(producer, row) for row in wave), return_exceptions=True)
        sent = [
            row["position"] for row, result in zip(wave, results, strict=True) if not isinstance(result, BaseException)
        ]
        await connection.execute("update outbox set sent_at = now() where position = any($1::bigint[])", sent)
        metrics.said.inc(len(sent))
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.woken.wait()
        except TimeoutError:
            return


async def _publish_one(producer: AIOKafkaProducer, row: Any) -> None:
    headers = read_headers(row["headers"])
    await (await producer.send(row["topic"], row["body"], key=row["record_key"], headers=headers))


def waves(rows: Sequence[Any]) -> list[list[Any]]:
    """Rows in position order, split so that no wave says two things of one subject."""
    depth: dict[Any, int] = {}
    split: list[list[Any]] = []
    for row in rows:
        place = depth.get(row["subject"], 0)
        depth[row["subject"]] = place + 1
        if place == len(split):
            split.append([])
        split[place].append(row)
    return split
