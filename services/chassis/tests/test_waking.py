"""Who wakes the one relay of a room, whichever of its processes committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from services.chassis.tests.toy import Kept

from rinnan_chassis.database import lock_number
from rinnan_chassis.relay import Relay, channel
from rinnan_chassis.testing import Stage

pytestmark = pytest.mark.stack

NOBODY_SPEAKS = {"bootstrap_servers": "127.0.0.1:9"}
MOMENT = 0.5


@pytest.fixture
async def heard(stage: Stage[Kept]) -> AsyncIterator[asyncio.Event]:
    """Set when the other processes of the room are told of a commit."""
    told = asyncio.Event()
    async with stage.batches.database.acquire() as connection:
        listening: Any = connection

        def tell(*_: object) -> None:
            told.set()

        await listening.add_listener(channel("toy"), tell)
        yield told
        await listening.remove_listener(channel("toy"), tell)


@pytest.fixture
async def second(stage: Stage[Kept]) -> AsyncIterator[Relay]:
    """The relay of a process beside the one that relays."""
    async with stage.batches.database.acquire() as first:
        await first.execute("select pg_advisory_lock($1)", lock_number("toy/relay"))
        relay = Relay("toy", stage.batches.database, NOBODY_SPEAKS)
        running = asyncio.create_task(relay.run())
        await asyncio.sleep(MOMENT)
        yield relay
        relay.stop()
        await running
        await first.execute("select pg_advisory_unlock($1)", lock_number("toy/relay"))


async def test_a_commit_beside_the_relay_is_passed_on_to_it(second: Relay, heard: asyncio.Event) -> None:
    second.woken.set()
    async with asyncio.timeout(MOMENT):
        await heard.wait()


async def test_nothing_is_passed_on_where_nothing_was_committed(second: Relay, heard: asyncio.Event) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3 * MOMENT):
            await heard.wait()
    assert not second.leads


async def test_a_process_that_does_not_relay_is_not_woken_by_the_others(second: Relay) -> None:
    second.heard()
    assert not second.woken.is_set()


async def test_the_relay_is_woken_by_the_others(stage: Stage[Kept]) -> None:
    relay = Relay("toy", stage.batches.database, NOBODY_SPEAKS)
    relay.leads = True
    relay.heard()
    assert relay.woken.is_set()
