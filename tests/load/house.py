"""The whole real house under load: every service a process of its own, Kafka, PostgreSQL, the simulated system."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import UUID

from joserfc.jwk import OKPKey

from rinnan_chassis.clock import FileClock
from rinnan_chassis.web import PartyTokens
from rinnan_local.stack import Stack
from tests.load.finishing import Confirmations, Submitters, request
from tests.load.loading import Loading

BEGINS = datetime(2026, 3, 3, 7, 40, tzinfo=UTC)  # a Tuesday morning in Finland: letters leave by day
PER_SECOND = 5
SECONDS = 60
WARMING = 200
PREPARED = 2_000
MORE = 500
STORED = (1_000, 10_000, 100_000)
WITHIN = 180.0
PERCENTILES = {"p50": 49, "p95": 94, "p99": 98}


@contextmanager
def house(folder: Path) -> Generator[House]:
    """A fresh house that ends with the block."""
    with Stack(folder, fresh=True, at=BEGINS) as stack:
        yield House(stack)


class House:
    """Registrations that wait for their last submission are loaded as they are needed; the rest is played."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.loading = Loading(stack)
        self._finished = 0
        self._tokens = PartyTokens(
            OKPKey.import_key(json.loads((stack.folder.secrets / "intake" / "party_key.json").read_text())),
            FileClock(stack.folder.clock),
        )

    async def warm_up(self) -> None:
        """What any service has behind it that has run for a while."""
        await self._drained(await self._prepared(WARMING))

    async def latency(self, per_second: int = PER_SECOND, seconds: int = SECONDS) -> dict[str, Any]:
        """Milliseconds from the answer to the last submission until the confirmed delivery is heard of."""
        prepared = await self._prepared(per_second * seconds)
        answered: dict[UUID, float] = {}
        async with self._confirmations() as confirmed, self._submitters() as doors, asyncio.TaskGroup() as together:

            async def one(registration: UUID, asked: bytes) -> None:
                answered[registration] = await doors.submit(asked)

            begins = time.monotonic()
            for number, (registration, asked) in enumerate(prepared):
                await asyncio.sleep(begins + number / per_second - time.monotonic())
                together.create_task(one(registration, asked))
            await confirmed.of([registration for registration, _ in prepared], within=WITHIN)
            self._finished += len(prepared)
        cuts = quantiles([(confirmed.at[each] - answered[each]) * 1000 for each in answered], n=100)
        return {"latency_ms": {name: round(cuts[place]) for name, place in PERCENTILES.items()}}

    async def drain(self, count: int = PREPARED) -> dict[str, Any]:
        """Registrations per second, from the first of their last submissions to the last confirmed delivery."""
        return {"registrations_per_s": round(count / await self._drained(await self._prepared(count)), 1)}

    async def growth(self, stored: int, more: int = MORE) -> float:
        """Seconds that `more` take when that many others are stored."""
        prepared = await self._prepared(more)
        await self.loading.load(max(0, stored + more - self.loading.loaded))
        return round(await self._drained(prepared), 1)

    async def _prepared(self, count: int) -> list[tuple[UUID, bytes]]:
        loaded = await self.loading.load(count)
        return [
            (registration, request(registration, self.token(registration, party))) for registration, party in loaded
        ]

    def token(self, registration: UUID, party: UUID) -> str:
        """The party token of one parent in a registration that was loaded or played."""
        opened = self.loading.opened
        if opened is None:
            raise RuntimeError("nothing was loaded")
        return self._tokens.issue(
            registration_id=registration,
            party_id=party,
            county=opened.county,
            deadline=opened.deadline,
            pins=opened.pins,
        )

    async def _drained(self, prepared: Sequence[tuple[UUID, bytes]]) -> float:
        """Seconds until all are confirmed, submitted as fast as they are answered."""
        async with self._confirmations() as confirmed, self._submitters() as doors:
            begins = time.monotonic()
            await doors.all([asked for _, asked in prepared])
            await confirmed.of([registration for registration, _ in prepared], within=WITHIN)
            self._finished += len(prepared)
            return max(confirmed.at[registration] for registration, _ in prepared) - begins

    def _confirmations(self) -> Confirmations:
        return Confirmations(self.stack.kafka_servers)

    def _submitters(self) -> Submitters:
        return Submitters(self.stack.addresses.rooms["intake"])

    def peak_rss_mb(self) -> dict[str, int]:
        """The most memory that each process has had at any time, as the kernel counts it.

        PostgreSQL is left out: most of what its processes hold they share.
        """
        pids = {name: daemon.pid for name, daemon in self.stack.daemons.items() if name != "postgres"}
        return {name: _peak_mb(pid) for name, pid in sorted(pids.items()) if pid is not None}


def _peak_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(round(int(line.split()[1]) / 1024) for line in lines if line.startswith("VmHWM:"))
