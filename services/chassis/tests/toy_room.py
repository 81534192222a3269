"""The toy as a process of its own, run as every room is. Its errands take a moment."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from services.chassis.tests.toy import Answered, Fetched, Kept, News, World, hear, toy

from rinnan_chassis import room as rooms
from rinnan_chassis.handlers import Handlers
from rinnan_chassis.room import Room, run
from rinnan_chassis.settings import Settings
from rinnan_chassis.web.health import Pulse
from rinnan_chassis.working import Job
from rinnan_events import Group

LATE_AFTER = 2.5
"""Seconds after which a loop that does not move is late: a minute is too long for a test."""


async def fetch(_: Job) -> object:
    """Take a moment."""
    await asyncio.sleep(2)
    return Fetched("fetched")


def room(settings: Settings, *, idle: bool = False) -> Room[Kept]:
    """The toy; an idle one has no due work."""
    handlers = toy()
    if idle:
        handlers = Handlers(Kept)
        handlers.hears(News, hear)
    opens = frozenset({Group.OWN, Group.CARE})
    return Room("toy", settings, handlers, says=(Answered,), opens=opens, outside=World(fetch))


if __name__ == "__main__":
    rooms.Pulse = partial(Pulse, LATE_AFTER)  # type: ignore[misc,assignment]  # the same, only sooner
    run(room(Settings.read(), idle="idle" in sys.argv))
