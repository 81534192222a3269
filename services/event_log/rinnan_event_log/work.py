"""What time brings: an anchor every hour, and letting go of what has been kept long enough."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rinnan_chassis.batch import Batches
from rinnan_chassis.topics import Topics
from rinnan_event_log import store
from rinnan_event_log.recording import Recording

LOOK_EVERY = 30.0
"""Real seconds between two looks at the clock."""
ANCHOR_EVERY = timedelta(hours=1)
AT_ONCE = 2_000

log = logging.getLogger(__name__)


class Keeping:
    """Keeps the log while it is recorded: begins with the ear, ends with the room."""

    def __init__(self, entries_kept: timedelta) -> None:
        self._entries_kept = entries_kept
        self._task: asyncio.Task[None] | None = None

    def begin(self, batches: Batches[Any]) -> Recording:
        """The room's hearer, once the database is there."""
        self._task = asyncio.create_task(self._run(batches))
        return Recording(batches)

    async def aclose(self) -> None:
        """Keep no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, batches: Batches[Any]) -> None:
        while True:
            try:
                await keep(batches, self._entries_kept)
            except Exception as error:  # noqa: BLE001 - the next look may go better; the log is written meanwhile
                log.warning("cannot_keep_the_log", extra={"fault": type(error).__name__})
            await asyncio.sleep(LOOK_EVERY)


async def keep(batches: Batches[Any], entries_kept: timedelta) -> None:
    """Make the hour's anchor and say it, so that it is kept wherever logs are kept; then drop what is old."""
    database, now = batches.database, batches.clock.now()
    made = await store.anchor(database, now, now - ANCHOR_EVERY)
    if made is not None:
        log.info("log_anchor", extra={"position": made.link.position, "chain_hash": made.link.hash.hex()})
    for topic, heard_before in bodies_end(batches.topics, now).items():
        dropped = AT_ONCE
        while dropped == AT_ONCE:
            dropped = await store.drop_bodies(database, topic, heard_before, AT_ONCE)
    forgotten = await store.drop_entries(database, now - entries_kept)
    if forgotten:
        log.info("log_shortened", extra={"rows": forgotten})


def bodies_end(topics: Topics, now: datetime) -> Mapping[str, datetime]:
    """Before which moment of hearing a topic's bodies are dropped: when Kafka no longer keeps them either."""
    return {topic: now - topics.retention(topic) for topic in topics.topics}
