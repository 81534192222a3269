"""What the bench loads instead of playing it is like what is played, and ends like it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from rinnan_chassis.database import connect
from rinnan_chassis.wrapping import load_wrapping_keys
from rinnan_event_log.store import verify
from tests.load.finishing import Confirmations, Submitters, request
from tests.load.house import House, house
from tests.load.resting import Resting

pytestmark = [pytest.mark.stack, pytest.mark.slow]
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def here(pytestconfig: pytest.Config) -> Iterator[House]:
    # Not in pytest's own folder: every new run shuts that to other users, and PostgreSQL may be one.
    with house(pytestconfig.rootpath / "var" / "bench" / "loading") as running:
        yield running


async def test_a_loaded_registration_rests_and_ends_like_a_played_one(here: House) -> None:
    ((loaded, party),) = await here.loading.load(1)
    played = here.loading.played[0]
    before = await _resting(here)
    assert before.of(loaded) == before.of(played)
    assert before.of(played)["intake.subject"].total() == 1  # neither is told together with the other

    await _give_in(here, (played, here.loading.played[1]), (loaded, party))
    after = await _resting(here)
    assert _in_any_order(after.of(loaded)) == _in_any_order(after.of(played))
    assert after.of(loaded) != before.of(loaded)


async def test_the_log_is_whole_with_loaded_registrations_in_it(here: House) -> None:
    await here.loading.load(2)
    log = await connect(here.loading.database_url, "event_log")
    try:
        assert (await verify(log, kept_since=LONG_AGO)).broken is None
    finally:
        await log.close()


def _in_any_order(rows: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    """Whether record_export plans to look again depends on which topic it happened to hear first."""
    return {
        table: Counter({row: count for row, count in told.items() if "'plan_anyway'" not in row})
        for table, told in rows.items()
    }


async def _give_in(here: House, *acts: tuple[UUID, UUID]) -> None:
    async with (
        Confirmations(here.stack.kafka_servers) as confirmed,
        Submitters(here.stack.addresses.rooms["intake"], 1) as doors,
    ):
        for registration, party in acts:
            await doors.submit(request(registration, here.token(registration, party)))
        await confirmed.of([registration for registration, _ in acts], within=60)
    await asyncio.sleep(3)  # what nobody waits for is heard too


async def _resting(here: House) -> Resting:
    database = await here.loading.connect()
    try:
        wrapping_keys = load_wrapping_keys(here.stack.folder.secrets / "all.wrapping_keys.json")
        return await Resting.read(database, wrapping_keys)
    finally:
        await database.close()
