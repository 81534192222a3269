"""Hearing: records become items, items are decided in batches, and only then are offsets committed.

aiokafka is used directly (ADR 0002): the rules need the batch, the pause and the commit in one hand. Automatic commits
are off and cannot be switched on. When database or keyring are away the partitions are paused, polling goes on so that
the group keeps its member, and nothing is acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import ConsumerRecord

from rinnan_chassis import metrics
from rinnan_chassis.batch import Batches
from rinnan_chassis.items import Became, Heard, Item
from rinnan_chassis.pace import Pace
from rinnan_chassis.reading import MISPLACED, item_of

log = logging.getLogger(__name__)

MOST = 500
"""Records in one batch."""
COMMIT_EVERY = 0.5
"""Seconds within which offsets are committed together. What is heard again after a crash, the inbox knows."""
LONGEST_PAUSE = 5.0
ANSWERED_WITHIN = 10.0
"""Seconds after which Kafka counts as away; left to itself, a commit waits for ever."""


Record = ConsumerRecord[Any, Any]


class Hearer(Protocol):
    """What a room does with records. It returns when they are kept; it raises when it may be asked again."""

    async def hear(self, records: Sequence[Record], /) -> None: ...


class Deciding:
    """Hears by deciding: each record that concerns the room becomes an item of one batch."""

    def __init__(self, batches: Batches[Any]) -> None:
        self._batches = batches

    async def hear(self, records: Sequence[Record]) -> None:
        """Decide on all records in one transaction."""
        items: list[Item] = []
        for topic, count in Counter(record.topic for record in records).items():
            metrics.received.labels(topic).inc(count)
        for record in records:
            heard = Heard(record.topic, list(record.headers), record.key, record.value)
            item = item_of(self._batches.handlers, heard, f"{record.topic}|{record.partition}|{record.offset}")
            if item is None:
                metrics.skipped.labels(record.topic).inc()
            else:
                items.append(item)
                if item.fault == MISPLACED:
                    metrics.misplaced.labels(record.topic).inc()
        if not items:
            return
        await self._batches.decide(items)
        for became, count in Counter(item.became for item in items).items():
            metrics.decided.labels(became.value).inc(count)
        for item in items:
            if item.became is Became.SET_ASIDE:
                log.error("set_aside", extra={"subject": str(item.subject), "fact": type(item.fact).__name__})


class Ear(ConsumerRebalanceListener):
    """Hears for one room, as one member of its consumer group."""

    def __init__(self, hearer: Hearer, group: str, kafka: Mapping[str, Any], topics: Iterable[str]) -> None:
        self._hearer = hearer
        self._group = group
        self._kafka = kafka
        self._topics = sorted(topics)
        self._deciding = asyncio.Lock()
        self._stopping = asyncio.Event()
        self.moved_at = time.monotonic()
        self.trouble: str | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._in_hand: Sequence[Record] = ()
        self._done: dict[TopicPartition, int] = {}
        self._committed_at = 0.0
        self._pace = Pace()

    async def run(self) -> None:
        """Hear until stopped. Kafka away: try again, for ever."""
        while not self._stopping.is_set():
            self.moved_at = time.monotonic()
            consumer = AIOKafkaConsumer(
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                partition_assignment_strategy=(RangePartitionAssignor,),
                max_poll_interval_ms=300_000,
                session_timeout_ms=10_000,
                heartbeat_interval_ms=1_000,
                request_timeout_ms=20_000,
                fetch_max_wait_ms=1_000,  # what comes ends the wait; each idle fetch costs the room and the broker
                metadata_max_age_ms=30_000,
                **self._kafka,
            )
            try:
                consumer.subscribe(self._topics, listener=self)
                await consumer.start()
                self._consumer, self._done = consumer, {}
                self.trouble = None
                await self._listen(consumer)
            except (KafkaError, OSError) as error:
                self.trouble = "kafka_away"
                log.warning("kafka_away", extra={"fault": type(error).__name__})
                await self._rest(1.0)
            finally:
                self._consumer = None
                await _leave(consumer)

    def stop(self) -> None:
        """Let the batch in hand finish and be committed, then leave the group."""
        self._stopping.set()

    async def lag(self) -> dict[str, int]:
        """How many records of this instance's partitions are not heard yet, by topic."""
        consumer = self._consumer
        assigned = consumer.assignment() if consumer else set()
        if consumer is None or not assigned:
            return {}
        waiting = Counter(dict.fromkeys(self._topics, 0))
        waiting.update(record.topic for record in self._in_hand)
        for partition, end in (await consumer.end_offsets(assigned)).items():
            waiting[partition.topic] += max(0, end - await consumer.position(partition))
        return dict(waiting)

    # aiokafka takes either a function or a coroutine here; its types know only the first.
    async def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ARG002 # pyright: ignore[reportIncompatibleMethodOverride]
        """Let the batch in hand be committed before somebody else takes its partitions."""
        async with self._deciding:
            if self._consumer is not None:
                await self._commit(self._consumer)

    async def on_partitions_assigned(self, assigned: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Nothing to prepare: all that is known is in the database."""

    async def _listen(self, consumer: AIOKafkaConsumer) -> None:
        while not self._stopping.is_set():
            self.moved_at = time.monotonic()
            self._in_hand = _flat(await consumer.getmany(timeout_ms=500, max_records=MOST))
            if self._in_hand:
                self._pace.begin()
                still = consumer.assignment() if len(self._in_hand) < MOST else ()
                consumer.pause(*still)  # what comes meanwhile is fetched in one go
                await self._hear(consumer, self._in_hand)
                self._in_hand = ()
                if still:
                    await self._pace.rest()
                    consumer.resume(*(still & consumer.assignment()))
            async with self._deciding:
                if time.monotonic() - self._committed_at >= COMMIT_EVERY:
                    await self._commit(consumer)
        await self._commit(consumer)

    async def _hear(self, consumer: AIOKafkaConsumer, records: Sequence[Record]) -> None:
        """Hear the batch, and while that cannot be done: pause, keep polling, acknowledge nothing.

        Partitions may be taken away meanwhile: whoever has them hears from the last commit, and the inbox knows what
        was heard by then.
        """
        pause = 0.1
        while True:
            async with self._deciding:
                if await self._heard(records):
                    return
            if self._stopping.is_set():
                return
            await self._keep_polling(consumer, pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _heard(self, records: Sequence[Record]) -> bool:
        started = time.perf_counter()
        try:
            await self._hearer.hear(records)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing has happened; the batch is heard again
            self.trouble = "cannot_hear"
            log.warning("cannot_hear", extra={"fault": type(error).__name__, "records": len(records)})
            return False
        self.trouble = None
        metrics.seconds.labels("hear").observe(time.perf_counter() - started)
        self._done |= {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
        return True

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        """Acknowledge what is kept."""
        offsets, self._done = self._done, {}
        if not offsets:
            return
        self._committed_at = time.monotonic()
        try:
            async with asyncio.timeout(ANSWERED_WITHIN):
                await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError, TimeoutError) as error:
            # The group has moved on, or Kafka is away. Somebody hears these records again; the inbox knows them.
            log.info("not_committed", extra={"fault": type(error).__name__})

    async def _keep_polling(self, consumer: AIOKafkaConsumer, seconds: float) -> None:
        """Stay a member of the group. What comes of partitions that were not ours before goes back."""
        self.moved_at = time.monotonic()
        paused = consumer.assignment()
        consumer.pause(*paused)
        try:
            for partition, records in (await consumer.getmany(timeout_ms=0)).items():
                consumer.seek(partition, records[0].offset)
            await self._rest(seconds)
        finally:
            consumer.resume(*(paused & consumer.assignment()))

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


async def _leave(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close what is open, whether or not Kafka answers.

    While it does not, aiokafka's fetcher lets the cancelling of its own tasks out, and leaves its connections open.
    """
    leaving = asyncio.create_task(consumer.stop())
    await asyncio.wait([leaving])
    if leaving.cancelled() or leaving.exception():
        # aiokafka has no public name for it.
        await consumer._client.close()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def _flat(found: Mapping[TopicPartition, list[Record]]) -> list[Record]:
    return [record for records in found.values() for record in records]
