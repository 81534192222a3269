"""The log on a real PostgreSQL: repeats, forgetting, anchors, speed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rinnan_event_log import store
from rinnan_event_log.domain.chain import BEGINNING, Break, Fault, Link
from rinnan_event_log.work import ANCHOR_EVERY, keep

if TYPE_CHECKING:
    from conftest import Log, Neighbours

pytestmark = pytest.mark.stack
LONG = timedelta(days=4383)


async def verified(log: Log, *elsewhere: Link, kept: timedelta = LONG) -> store.Verified:
    return await store.verify(log.stage.batches.database, elsewhere, kept_since=log.stage.clock.now() - kept)


async def whole(log: Log) -> bool:
    return (await verified(log)).broken is None


async def test_a_repeated_batch_adds_nothing(log: Log, neighbours: Neighbours) -> None:
    batch = [neighbours.record(neighbours.submitted(version)) for version in range(1, 4)]
    await log.hears(*batch)
    await log.hears(*batch)
    assert await log.count() == 3
    assert await whole(log)


async def test_a_message_that_kafka_holds_twice_is_kept_once(log: Log, neighbours: Neighbours) -> None:
    event_id = str(uuid4())
    await log.hears(*(neighbours.record(neighbours.joined(), event_id=event_id) for _ in range(1000)))
    assert await log.count() == 1


async def test_unreadable_records_are_kept_without_a_subject_and_once(log: Log, neighbours: Neighbours) -> None:
    record = neighbours.raw(b"\x00\xff", [])
    await log.hears(record)
    await log.hears(record, neighbours.record(neighbours.joined()))
    assert await log.count("entry where subject is null") == 1
    assert await whole(log)


async def test_two_instances_write_one_chain(log: Log, neighbours: Neighbours) -> None:
    batches = [[neighbours.record(neighbours.submitted(version)) for version in range(20)] for _ in range(12)]
    await asyncio.gather(*(log.hears(*batch) for batch in batches))
    assert await log.count() == 240
    assert await whole(log)


async def test_the_hours_anchor_is_the_head_of_the_chain(log: Log, neighbours: Neighbours) -> None:
    await log.hears(neighbours.record(neighbours.opened()), neighbours.record(neighbours.joined()))
    await keep(log.stage.batches, LONG)
    (anchor,) = await store.anchors(log.stage.batches.database, 10)
    found = await verified(log)
    assert anchor.link == found.head


async def test_there_is_one_anchor_an_hour_and_none_of_an_empty_log(log: Log, neighbours: Neighbours) -> None:
    await keep(log.stage.batches, LONG)
    assert await log.count("anchor") == 0
    for _ in range(3):
        await log.hears(neighbours.record(neighbours.joined()))
        await keep(log.stage.batches, LONG)
        await keep(log.stage.batches, LONG)
        log.stage.clock.pass_by(hours=ANCHOR_EVERY / timedelta(hours=1))
    assert await log.count("anchor") == 3


async def test_sealed_bodies_go_when_their_topic_no_longer_keeps_them_and_the_chain_stays_whole(
    log: Log, neighbours: Neighbours
) -> None:
    await log.hears(neighbours.record(neighbours.submitted()))
    log.stage.clock.pass_by(days=29)
    await log.hears(neighbours.record(neighbours.submitted(2)))
    log.stage.clock.pass_by(days=2)
    await keep(log.stage.batches, LONG)
    assert await log.count("entry where body is null") == 1
    assert await log.count("entry where body is not null") == 1
    assert await whole(log)


async def test_what_is_older_than_the_log_keeps_is_forgotten_up_to_an_anchor_and_the_rest_is_whole(
    log: Log, neighbours: Neighbours
) -> None:
    kept = timedelta(days=400)
    await log.hears(neighbours.record(neighbours.opened()), neighbours.record(neighbours.joined()))
    forgotten = (await verified(log)).head
    await keep(log.stage.batches, kept)
    log.stage.clock.pass_by(days=1)
    await log.hears(neighbours.record(neighbours.submitted()))
    log.stage.clock.pass_by(days=399, hours=23)
    await log.hears(neighbours.record(neighbours.submitted(2)))
    await keep(log.stage.batches, kept)
    assert await log.count() == 4
    log.stage.clock.pass_by(hours=2)
    await keep(log.stage.batches, kept)
    assert await log.count() == 2
    found = await verified(log, forgotten, kept=kept)
    assert (found.broken, found.begin) == (None, forgotten)
    assert await verified(log, Link(1, BEGINNING), kept=kept) == found


@pytest.mark.parametrize("to", [2, 5])
async def test_a_beginning_that_is_younger_than_the_log_keeps_was_cut_off(
    log: Log, neighbours: Neighbours, to: int
) -> None:
    await log.hears(*(neighbours.record(neighbours.submitted(version)) for version in range(5)))
    log.stage.clock.pass_by(days=400)
    link = await log.stage.batches.database.fetchval("select chain_hash from entry where position = $1", to)
    await log.does("delete from entry where position <= $1", to)
    await log.does("update chain set begins_after = $1, begins_with = $2", to, link)
    kept_elsewhere = (await verified(log)).head
    assert (await verified(log, kept_elsewhere)).broken == Break(to, Fault.BEGINS_TOO_LATE)


async def test_a_log_that_forgot_nothing_begins_with_nothing(log: Log, neighbours: Neighbours) -> None:
    await log.hears(neighbours.record(neighbours.opened()))
    found = await verified(log)
    assert (found.begin, found.begins_at, found.broken) == (Link(0, BEGINNING), log.stage.clock.now(), None)


async def test_nothing_that_was_sealed_is_anywhere_but_in_its_sealed_body(log: Log, neighbours: Neighbours) -> None:
    await log.hears(neighbours.record(neighbours.submitted()), neighbours.record(neighbours.requested()))
    rows: list[Any] = await log.stage.batches.database.fetch("select to_jsonb(e) - 'body' as row from entry e")
    assert not any("CANARY" in str(row["row"]) for row in rows)
