"""The chain names the first place at which the log is not what it was written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from rinnan_event_log import store
from rinnan_event_log.domain.chain import BEGINNING, Break, Fault, Link, chained
from rinnan_event_log.recording import entry_of

if TYPE_CHECKING:
    from conftest import Log, Neighbours

pytestmark = pytest.mark.stack
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
async def written(log: Log, neighbours: Neighbours) -> Log:
    await log.hears(*(neighbours.record(neighbours.submitted(version)) for version in range(1, 8)))
    return log


async def broken(log: Log, *elsewhere: Link) -> Break | None:
    return (await store.verify(log.stage.batches.database, elsewhere, kept_since=LONG_AGO)).broken


async def test_a_log_that_nobody_touched_is_whole(written: Log) -> None:
    found = await store.verify(written.stage.batches.database, kept_since=LONG_AGO)
    assert (found.broken, found.head.position) == (None, 7)


async def test_an_empty_log_is_whole(log: Log) -> None:
    assert await broken(log) is None


@pytest.mark.parametrize(
    "edit",
    [
        "clear = '{}'",
        "type = 'intake.form_reopened.v1'",
        "said_at = said_at + interval '1 microsecond'",
        "heard_at = heard_at - interval '1 day'",
        "subject = gen_random_uuid()",
        "causation = 'somebody else'",
        "source = null",
        "clear = (clear::text || ' ')::json",
    ],
)
async def test_an_edited_row_is_named(written: Log, edit: str) -> None:
    await written.does(f"update entry set {edit} where position = 4")  # noqa: S608 - a test's own
    assert await broken(written) == Break(4, Fault.EDITED)


async def test_an_edited_body_is_named(written: Log) -> None:
    await written.does("update entry set body = 'other' where position = 2")
    assert await broken(written) == Break(2, Fault.BODY_EDITED)


async def test_a_deleted_row_is_named(written: Log) -> None:
    await written.does("delete from entry where position = 5")
    assert await broken(written) == Break(5, Fault.MISSING)


async def test_a_deleted_row_is_named_although_the_gap_was_closed(written: Log) -> None:
    await written.does("delete from entry where position = 5")
    await written.does("update entry set position = position - 1 where position > 5")
    assert await broken(written) == Break(5, Fault.LINK_BROKEN)


@pytest.mark.parametrize("first", [1, 4])
async def test_a_deleted_first_or_last_part_is_named(written: Log, first: int) -> None:
    await written.does("delete from entry where position between $1 and $1 + 3", first)
    assert await broken(written) == Break(first, Fault.MISSING)


async def test_an_inserted_row_is_named(written: Log, neighbours: Neighbours) -> None:
    await written.does("update entry set position = -position where position > 3")
    await written.does("update entry set position = 1 - position where position < 0")
    (forged,) = chained(
        Link(3, await _hash_at(written, 3)), [entry_of(neighbours.record(neighbours.submitted(9)), neighbours.now)]
    )
    async with written.stage.batches.database.acquire() as tx:
        await store._insert(tx, [forged], [forged.entry.mark])
    assert await broken(written) == Break(5, Fault.LINK_BROKEN)


async def test_a_row_that_was_put_behind_the_head_is_named(written: Log, neighbours: Neighbours) -> None:
    entry = entry_of(neighbours.record(neighbours.submitted(9)), neighbours.now)
    (forged,) = chained(Link(7, await _hash_at(written, 7)), [entry])
    async with written.stage.batches.database.acquire() as tx:
        await store._insert(tx, [forged], [forged.entry.mark])
    assert await broken(written) == Break(8, Fault.OTHER_THAN_THE_HEAD)


async def test_a_swapped_pair_is_named(written: Log) -> None:
    await written.does("update entry set position = 100 where position = 3")
    await written.does("update entry set position = 3 where position = 6")
    await written.does("update entry set position = 6 where position = 100")
    assert await broken(written) == Break(3, Fault.LINK_BROKEN)


async def test_a_log_that_was_computed_anew_is_whole_by_itself_but_not_beside_an_anchor_kept_elsewhere(
    written: Log,
) -> None:
    kept_elsewhere = Link(7, await _hash_at(written, 7))
    await _rewrite(written)
    assert await broken(written) is None
    assert await broken(written, kept_elsewhere) == Break(7, Fault.OTHER_THAN_AN_ANCHOR)


async def test_an_anchor_kept_elsewhere_of_what_is_no_longer_there_is_named(written: Log) -> None:
    assert await broken(written, Link(12, BEGINNING)) == Break(12, Fault.MISSING)


async def test_anchors_of_an_untouched_log_are_all_met(written: Log) -> None:
    kept = [Link(place, await _hash_at(written, place)) for place in (2, 4, 7)]
    assert await broken(written, *kept) is None
    assert await broken(written, *kept, Link(4, BEGINNING)) == Break(4, Fault.OTHER_THAN_AN_ANCHOR)


async def _hash_at(log: Log, position: int) -> bytes:
    return await log.stage.batches.database.fetchval("select chain_hash from entry where position = $1", position)


async def _rewrite(log: Log) -> None:
    """What only somebody can do who may write the whole table and knows how the chain is made."""
    database = log.stage.batches.database
    async with database.acquire() as tx:
        rows = await tx.fetch(f"select {store._COLUMNS} from entry order by position")  # noqa: S608 - a test's own
        entries = [store._entry(row) for row in rows]
        entries[2] = replace(entries[2], clear="{}")
        kept = chained(Link(0, BEGINNING), entries)
        await tx.execute("delete from entry")
        await store._insert(tx, kept, [row.entry.mark for row in kept])
        await tx.execute("update chain set chain_hash = $1", kept[-1].chain_hash)
