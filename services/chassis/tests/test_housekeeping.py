"""Keeping house: what waits is counted, and what only protected against repeats is forgotten, not a day too early."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

import pytest
from prometheus_client import Gauge
from services.chassis.tests.toy import Ask, Kept, news

from rinnan_chassis import metrics
from rinnan_chassis.housekeeping import ANSWERS_KEPT, DONE_KEPT, LONGER, SENT_KEPT, Housekeeping
from rinnan_chassis.testing import Stage

pytestmark = pytest.mark.stack

TABLES = {"inbox": "heard_at", "outbox": "said_at", "work": "ended_at", "command": "decided_at"}
KEPT = {"inbox": timedelta(days=1) + LONGER, "outbox": SENT_KEPT, "work": DONE_KEPT, "command": ANSWERS_KEPT}
A_MOMENT = timedelta(minutes=5)


def shown(gauge: Gauge, *labels: str) -> float:
    return (gauge.labels(*labels) if labels else gauge)._value.get()


async def counts(stage: Stage[Kept]) -> dict[str, int]:
    return {table: await stage.batches.database.fetchval(f"select count(*) from {table}") for table in TABLES}  # noqa: S608


async def age(stage: Stage[Kept], by: timedelta) -> None:
    for table, column in TABLES.items():
        await stage.batches.database.execute(f"update {table} set {column} = {column} - $1::interval", by)  # noqa: S608


async def test_what_waits_is_shown_in_numbers(stage: Stage[Kept]) -> None:
    held, free = uuid4(), uuid4()
    await stage.hears(news(held, what="poison"), news(held), news(free), news(free, 2, "errand"))
    stage.clock.pass_by(seconds=90)
    await Housekeeping(stage.batches).count()
    gauges = (metrics.held, metrics.parked, metrics.dead, metrics.outbox_waiting)
    assert [shown(gauge) for gauge in gauges] == [1, 1, 1, 2]
    assert shown(metrics.oldest_due_work, "errand") == 90
    await stage.works()
    await Housekeeping(stage.batches).count()
    assert shown(metrics.oldest_due_work, "errand") == 0


async def test_how_far_hearing_is_behind_is_shown_by_topic(stage: Stage[Kept]) -> None:
    async def lag() -> Mapping[str, int]:
        return {"crier.news.v1": 7}

    await Housekeeping(stage.batches, lag).measure_lag()
    assert shown(metrics.lag, "crier.news.v1") == 7


@pytest.mark.parametrize("table", TABLES)
async def test_what_protects_against_repeats_is_kept_its_whole_time_and_no_longer(
    stage: Stage[Kept], table: str
) -> None:
    await stage.hears(news(uuid4(), what="errand"), news(uuid4()))
    await stage.desk.decide(Ask(uuid4()), subject=uuid4(), caller="phone", key="one")
    await stage.works()
    await stage.batches.database.execute("update outbox set sent_at = said_at")
    house, before = Housekeeping(stage.batches), await counts(stage)
    await age(stage, KEPT[table] - A_MOMENT)
    await house.prune()
    assert (await counts(stage))[table] == before[table] > 0
    await age(stage, 2 * A_MOMENT)
    await house.prune()
    assert (await counts(stage))[table] == 0


async def test_what_is_not_said_yet_is_kept_however_old(stage: Stage[Kept]) -> None:
    await stage.hears(news(uuid4()))
    await age(stage, timedelta(days=1000))
    await Housekeeping(stage.batches).prune()
    assert (await counts(stage))["outbox"] == 1


async def test_work_that_is_not_done_yet_is_kept_however_old(stage: Stage[Kept]) -> None:
    await stage.hears(news(uuid4(), what="errand"))
    await stage.batches.database.execute("update work set planned_at = now() - interval '1000 days'")
    await Housekeeping(stage.batches).prune()
    assert (await counts(stage))["work"] == 1


async def test_an_empty_tombstone_outlives_every_topic(stage: Stage[Kept]) -> None:
    forgotten, known = uuid4(), uuid4()
    await stage.hears(news(forgotten), news(forgotten, what="forget"), news(known))
    house, database = Housekeeping(stage.batches), stage.batches.database
    for by, left in ((KEPT["inbox"] - A_MOMENT, {forgotten, known}), (2 * A_MOMENT, {known})):
        await database.execute("update subject set forgotten_at = forgotten_at - $1::interval", by)
        await house.prune()
        assert {row["id"] for row in await database.fetch("select id from subject")} == left
