"""Saying: what the outbox promises is published in order per subject, and exactly what was published is marked.

One relay per room, wherever its instances run: an advisory lock says which. Rows are always read from the table, in
the order of their positions; a notification only wakes the relay. In one wave a subject says one thing, so after a row
that failed nothing later of its subject goes out before it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer

from rinnan_chassis import metrics
from rinnan_chassis.database import Database, Transaction, lock_number
from rinnan_chassis.pace import Pace
from rinnan_chassis.rows import read_headers
from rinnan_chassis.topics import BATCH_BYTES

log = logging.getLogger(__name__)

MOST = 500
LARGEST_REQUEST = 2_097_152
LOOK_ANYWAY_AFTER = 1.0
"""Seconds after which the relay looks without having been woken."""
ANSWERED_WITHIN = 10.0
"""Seconds after which Kafka counts as away."""


class Relay:
    """Publishes one room's outbox."""

    def __init__(self, schema: str, database: Database, kafka: Mapping[str, Any]) -> None:
        self._schema = schema
        self._database = database
        self._kafka = kafka
        self._stopping = False
        self._stopped = asyncio.Event()
        self.woken = asyncio.Event()
        """Set by whoever commits in this process, and while this is the one relay, by those in other processes."""
        self.leads = False
        self.moved_at = time.monotonic()
        self.trouble: str | None = None

    async def run(self) -> None:
        """Publish until stopped. Kafka or database away: the outbox fills, and is emptied when they are back."""
        while not self._stopping:
            try:
                self.moved_at = time.monotonic()
                async with self._database.acquire() as connection, _alone(connection, self._schema) as alone:
                    self.leads = alone
                    if not alone:
                        await self._pass_on(connection)
                        continue
                    async with _speaking(self._kafka) as producer:
                        await self._publish(connection, producer)
            except Exception as error:  # noqa: BLE001 - whatever it is, what is not marked is said again
                self.trouble = "cannot_say"
                log.warning("cannot_say", extra={"fault": type(error).__name__})
                await self._rest()
            finally:
                self.leads = False

    def stop(self) -> None:
        """Finish the wave in hand."""
        self._stopping = True
        self._stopped.set()
        self.woken.set()

    def heard(self, *_: object) -> None:
        """Another process has committed something to be said."""
        if self.leads:
            self.woken.set()

    async def _pass_on(self, connection: Transaction) -> None:
        """Wake the relay of another process for a while; then this one may be it."""
        ends = time.monotonic() + LOOK_ANYWAY_AFTER
        while not self._stopping and (left := ends - time.monotonic()) > 0:
            await self._wait(left)
            if self.woken.is_set():
                self.woken.clear()
                await connection.execute("select pg_notify($1, '')", channel(self._schema))

    async def _publish(self, connection: Transaction, producer: AIOKafkaProducer) -> None:
        pace = Pace()
        while not self._stopping:
            self.moved_at = time.monotonic()
            pace.begin()
            self.woken.clear()
            rows = await connection.fetch(
                """select position, subject, topic, record_key, headers::text as headers, body,
                          extract(epoch from now() - said_at) as age
                   from outbox where sent_at is null order by position limit $1""",
                MOST,
            )
            metrics.outbox_age.set(rows[0]["age"] if rows else 0)
            await self._send(connection, producer, rows)
            self.trouble = None
            if len(rows) < MOST:  # whoever commits from now on, or did since it was cleared, sets `woken`
                await self._wait()
                await pace.rest()

    async def _send(self, connection: Transaction, producer: AIOKafkaProducer, rows: Sequence[Any]) -> None:
        """Publish what can be published, and mark exactly that. Then raise what was in the way of the rest, if any."""
        failed: dict[Any, BaseException] = {}
        sent: list[int] = []
        for wave in waves(rows):
            going = [row for row in wave if row["subject"] not in failed]
            results = await asyncio.gather(*(_publish_one(producer, row) for row in going), return_exceptions=True)
            refused = {
                row["subject"]: result
                for row, result in zip(going, results, strict=True)
                if isinstance(result, BaseException)
            }
            failed |= refused
            sent += [row["position"] for row in going if row["subject"] not in refused]
            if len(refused) == len(going) or any(isinstance(each, TimeoutError) for each in refused.values()):
                break
        if sent:
            await connection.execute("update outbox set sent_at = now() where position = any($1::bigint[])", sent)
            metrics.said.inc(len(sent))
        for error in failed.values():
            raise error

    async def _wait(self, seconds: float = LOOK_ANYWAY_AFTER) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.woken.wait()
        except TimeoutError:
            return

    async def _rest(self) -> None:
        """Wait a while, whatever happens meanwhile, unless it is time to stop."""
        try:
            async with asyncio.timeout(LOOK_ANYWAY_AFTER):
                await self._stopped.wait()
        except TimeoutError:
            return


def channel(schema: str) -> str:
    """Where a room's processes tell the one that relays of their commits."""
    return f"{schema}_outbox"


@asynccontextmanager
async def _alone(connection: Transaction, schema: str) -> AsyncGenerator[bool]:
    """Whether this is the one relay of its room, by a lock that is let go of before the connection is.

    Its marks need not wait for the disk: one that a power cut loses is published again, and every inbox knows it.
    """
    number = lock_number(f"{schema}/relay")
    alone = await connection.fetchval("select pg_try_advisory_lock($1)", number)
    try:
        if alone:
            await connection.execute("set synchronous_commit = off")
        yield alone
    finally:
        if alone:
            await connection.execute("reset synchronous_commit")
            await connection.execute("select pg_advisory_unlock($1)", number)


@asynccontextmanager
async def _speaking(kafka: Mapping[str, Any]) -> AsyncGenerator[AIOKafkaProducer]:
    """A producer, which says nothing any more when this is left."""
    producer = AIOKafkaProducer(
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES,  # with the default of 16 kB a wave waits for itself
        max_request_size=LARGEST_REQUEST,
        request_timeout_ms=int(ANSWERED_WITHIN * 1000),
        **kafka,
    )
    try:
        async with asyncio.timeout(ANSWERED_WITHIN):
            await producer.start()
        yield producer
    finally:
        await _hang_up(producer)


async def _hang_up(producer: AIOKafkaProducer) -> None:
    """Drop what Kafka has not answered for: left to itself, an idempotent producer tries for ever, and so does its end.

    aiokafka has no public name for that.
    """
    sender = producer._sender.sender_task  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    if sender is not None:
        sender.cancel()
        await asyncio.wait([sender])
    producer._message_accumulator._batches.clear()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    await producer.stop()


async def _publish_one(producer: AIOKafkaProducer, row: Any) -> None:
    headers = read_headers(row["headers"])
    async with asyncio.timeout(ANSWERED_WITHIN):
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
