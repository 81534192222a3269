"""Hearing from a real Kafka: nothing is acknowledged before it is kept, and what comes again is known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from services.chassis.tests.broker import (
    Listening,
    a_topic,
    committed,
    crash,
    eventually,
    listening,
    make_topics,
    on_the_wire,
    tell,
    until,
)
from services.chassis.tests.toy import Kept, News, Unheard, news

from rinnan_chassis import hearing, metrics
from rinnan_chassis.hearing import Ear
from rinnan_chassis.testing import Stage

pytestmark = pytest.mark.stack

HEARD = "select count(*) = $1 from inbox"


class Counting(Listening):
    """Hears as a room does, and remembers how many records it was given."""

    def __init__(self, stage: Stage[Kept]) -> None:
        super().__init__(replace(stage.batches))
        self.given = 0

    async def hear(self, records: Sequence[Any]) -> None:
        self.given += len(records)
        await super().hear(records)


class Frail(Counting):
    """Cannot hear as long as it is told so."""

    away = True

    async def hear(self, records: Sequence[Any]) -> None:
        if self.away:
            raise ConnectionError
        await super().hear(records)


class Dying(Counting):
    """Its process dies after the database has committed and before Kafka hears of it."""

    def __init__(self, stage: Stage[Kept]) -> None:
        super().__init__(stage)
        self.committed = asyncio.Event()

    async def hear(self, records: Sequence[Any]) -> None:
        await super().hear(records)
        self.committed.set()
        await asyncio.Event().wait()


async def heard_of(stage: Stage[Kept], subject: UUID) -> tuple[int, ...]:
    kept = await stage.state(subject)
    return kept.heard if kept else ()


async def _is_level(ear: Ear) -> bool:
    return not sum((await ear.lag()).values())


async def prepared(stage: Stage[Kept], servers: str, subjects: int, each: int) -> tuple[str, list[UUID]]:
    """A topic with news of some subjects, in order for each."""
    topic, ids = a_topic(), [uuid4() for _ in range(subjects)]
    await make_topics(servers, topic)
    told = await on_the_wire(stage, *(news(subject, number) for number in range(each) for subject in ids))
    await tell(servers, topic, *told)
    return topic, ids


async def test_all_is_heard_in_order_and_acknowledged(stage: Stage[Kept], kafka_servers: str) -> None:
    topic, subjects = await prepared(stage, kafka_servers, 20, 30)
    async with listening(Counting(stage), kafka_servers, topic, topic) as ear:
        await until(stage, HEARD, 600)
        await eventually(lambda: _is_level(ear))
    assert await committed(kafka_servers, topic, topic) == 600
    assert {await heard_of(stage, subject) for subject in subjects} == {tuple(range(30))}


async def test_a_crash_between_the_database_and_kafka_decides_nothing_twice(
    stage: Stage[Kept], kafka_servers: str
) -> None:
    topic, subjects = await prepared(stage, kafka_servers, 5, 4)
    dying = Dying(stage)
    running = asyncio.create_task(Ear(dying, topic, {"bootstrap_servers": kafka_servers}, [topic]).run())
    await asyncio.wait_for(dying.committed.wait(), 15)
    await crash(running)
    assert await committed(kafka_servers, topic, topic) == 0
    counting = Counting(stage)
    async with listening(counting, kafka_servers, topic, topic):
        await until(stage, HEARD, 20)
        await eventually(lambda: counting.given >= 20)
    assert {await heard_of(stage, subject) for subject in subjects} == {(0, 1, 2, 3)}
    assert len(await stage.said()) == 20


async def test_while_nothing_can_be_kept_nothing_is_acknowledged(stage: Stage[Kept], kafka_servers: str) -> None:
    topic, subjects = await prepared(stage, kafka_servers, 3, 2)
    frail = Frail(stage)
    async with listening(frail, kafka_servers, topic, topic) as ear:
        await eventually(lambda: ear.trouble == "cannot_hear")
        await asyncio.sleep(0.5)
        assert await committed(kafka_servers, topic, topic) == 0
        assert await ear.lag() == {topic: 6}
        frail.away = False
        await until(stage, HEARD, 6)
    assert ear.trouble is None
    assert {await heard_of(stage, subject) for subject in subjects} == {(0, 1)}


async def test_what_could_not_be_kept_is_not_acknowledged_by_stopping_either(
    stage: Stage[Kept], kafka_servers: str
) -> None:
    topic, _ = await prepared(stage, kafka_servers, 3, 2)
    async with listening(Frail(stage), kafka_servers, topic, topic) as ear:
        await eventually(lambda: ear.trouble == "cannot_hear")
    assert await committed(kafka_servers, topic, topic) == 0


async def test_an_instance_that_joins_and_leaves_in_the_middle_loses_and_doubles_nothing(
    stage: Stage[Kept], kafka_servers: str
) -> None:
    topic, subjects = await prepared(stage, kafka_servers, 30, 1)
    first, second = Counting(stage), Counting(stage)
    rounds = 1

    async def tell_on() -> None:
        nonlocal rounds
        await tell(kafka_servers, topic, *await on_the_wire(stage, *(news(each, rounds) for each in subjects)))
        rounds += 1

    async with listening(first, kafka_servers, topic, topic):
        await eventually(lambda: first.given > 0)
        async with listening(second, kafka_servers, topic, topic):
            while second.given < 100:
                await tell_on()
            await tell_on()
        await tell_on()
        await until(stage, HEARD, rounds * 30)
    assert {await heard_of(stage, subject) for subject in subjects} == {tuple(range(rounds))}
    assert len(await stage.said()) == rounds * 30


async def test_an_instance_that_joins_while_nothing_can_be_kept_loses_nothing(
    stage: Stage[Kept], kafka_servers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "MOST", 20)
    monkeypatch.setattr(hearing, "LONGEST_PAUSE", 0.2)  # it polls again and again after the last change of the group
    topic, subjects = await prepared(stage, kafka_servers, 30, 10)
    first, second = Frail(stage), Frail(stage)
    async with listening(first, kafka_servers, topic, topic) as ear:
        await eventually(lambda: ear.trouble is not None)
        async with listening(second, kafka_servers, topic, topic) as other:
            await eventually(lambda: other.trouble is not None)
        await asyncio.sleep(1.5)
        first.away = False
        await until(stage, HEARD, 300)
    assert {await heard_of(stage, subject) for subject in subjects} == {tuple(range(10))}


async def test_three_topics_on_two_instances_give_one_state(stage: Stage[Kept], kafka_servers: str) -> None:
    topics, subjects = [a_topic() for _ in range(3)], [uuid4() for _ in range(40)]
    await make_topics(kafka_servers, *topics)
    group = topics[0]
    async with (
        listening(Counting(stage), kafka_servers, group, *topics),
        listening(Counting(stage), kafka_servers, group, *topics),
    ):
        for number, topic in enumerate(topics):
            await tell(kafka_servers, topic, *await on_the_wire(stage, *(news(each, number) for each in subjects)))
        await until(stage, HEARD, 120)
    assert {tuple(sorted(await heard_of(stage, subject))) for subject in subjects} == {(0, 1, 2)}


async def test_unreadable_records_are_set_aside_and_stop_nobody(stage: Stage[Kept], kafka_servers: str) -> None:
    topic, subject = a_topic(), uuid4()
    await make_topics(kafka_servers, topic)
    [(headers, body, key)] = await on_the_wire(stage, news(subject))
    await tell(kafka_servers, topic, ([], None, b"k"), ([("a", b"\x00")], b"\xff", None), (headers, body, key))
    async with listening(Counting(stage), kafka_servers, topic, topic):
        await until(stage, "select count(*) = 2 from dead_letter")
        await until(stage, HEARD, 1)
    assert await heard_of(stage, subject) == (1,)
    assert await stage.operations.held() == []
    assert await committed(kafka_servers, topic, topic) == 3


async def test_unknown_types_are_counted_acknowledged_and_leave_nothing(stage: Stage[Kept], kafka_servers: str) -> None:
    skipped = metrics.skipped.labels(News.topic)._value.get
    before = skipped()
    topic = a_topic()
    await make_topics(kafka_servers, topic)
    await tell(kafka_servers, topic, *await on_the_wire(stage, *(Unheard(registration_id=uuid4()) for _ in range(5))))
    async with listening(Counting(stage), kafka_servers, topic, topic) as ear:
        await eventually(lambda: skipped() == before + 5)
        await eventually(lambda: _is_level(ear))
    assert await committed(kafka_servers, topic, topic) == 5
    left = "select (select count(*) from inbox) + (select count(*) from subject) + (select count(*) from dead_letter)"
    assert await stage.batches.database.fetchval(left) == 0


async def test_an_instance_that_is_stopped_finishes_and_acknowledges_its_batch(
    stage: Stage[Kept], kafka_servers: str
) -> None:
    topic, subjects = await prepared(stage, kafka_servers, 4, 1)
    began = asyncio.Event()

    class Slow(Counting):
        async def hear(self, records: Sequence[Any]) -> None:
            began.set()
            await asyncio.sleep(0.5)
            await super().hear(records)

    slow = Slow(stage)
    async with listening(slow, kafka_servers, topic, topic):
        await asyncio.wait_for(began.wait(), 15)
    assert slow.given > 0
    assert await committed(kafka_servers, topic, topic) == slow.given
    assert sum([len(await heard_of(stage, subject)) for subject in subjects]) == slow.given
