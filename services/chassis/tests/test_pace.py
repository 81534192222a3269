from __future__ import annotations

import asyncio
import time

from rinnan_chassis.pace import TOGETHER, Pace


async def test_rounds_that_follow_at_once_are_kept_apart() -> None:
    pace, begins = Pace(), time.monotonic()
    for _ in range(3):
        pace.begin()
        await pace.rest()
    assert time.monotonic() - begins >= 3 * TOGETHER


async def test_a_loop_that_has_waited_anyway_does_not_wait_again() -> None:
    pace = Pace()
    pace.begin()
    await asyncio.sleep(TOGETHER)
    rest = asyncio.create_task(pace.rest())
    for _ in range(3):
        await asyncio.sleep(0)
    assert rest.done()
