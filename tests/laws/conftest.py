"""One whole installation for all laws: every service its own process, on a real Kafka and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from rich.console import Console

from rinnan_local.cis import Systems, server_of
from rinnan_local.families import Family
from rinnan_local.play import Play
from rinnan_local.player import NO_TLS, Installation, until
from rinnan_local.stack import ROOT, Stack
from rinnan_local.staff import MemberOfStaff
from rinnan_local.story import Story
from rinnan_profiles.county import County
from rinnan_profiles.loading import load
from tests.laws.cast import NEW_COUNTY, Cast, Places, cast
from tests.laws.people import write
from tests.laws.statements import Statements, shown

BEGINS = datetime(2026, 3, 3, 7, 2, tzinfo=UTC)  # a Tuesday morning in Finland: letters leave by day
MORNING = 9  # by the county's clock
PASSED = timedelta(seconds=1)
SEEN_WITHIN = 0.1  # real seconds until every process has looked at the clock again

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class House:
    """The running installation, and who plays in it."""

    stack: Stack
    installation: Installation
    places: Places
    cast: Cast

    def play(self, family: Family, **how: Any) -> Play:
        """Both parents of a family, not yet acting."""
        story = Story(self.stack.clock.now, [family.id], Console(file=StringIO()))
        return Play(self.installation, family, story, **how)

    @asynccontextmanager
    async def played(self, family: Family, **how: Any) -> AsyncGenerator[Play]:
        """Both parents of a family, who have done what its file says."""
        async with self.play(family, **how) as play:
            await play.register()
            yield play

    def county(self, code: str) -> County:
        return self.installation.profiles.county(code)

    def staff(self, code: str, role: str) -> MemberOfStaff:
        """`role`: operator, supervisor-one or supervisor-two."""
        return MemberOfStaff(self.installation, f"{code}-{role}")

    def systems(self) -> Systems:
        """The counties' systems from their own side."""
        return Systems(self.installation.addresses.cis_simulator)

    def server(self, code: str) -> str:
        """The name of a county's system."""
        found = server_of(self.installation.profiles, code)
        assert found, "a county without a system"
        return found.name

    async def bodies(self, server: str, registration_id: UUID) -> list[str]:
        """What arrived of a registration at a system while it was told to keep it."""
        async with httpx.AsyncClient(verify=NO_TLS) as client:
            answer = await client.get(f"{self.installation.addresses.cis_simulator}/admin/bodies/{server}")
            return [body for body in answer.raise_for_status().json() if str(registration_id) in body]

    async def delivery(self, operator: MemberOfStaff, registration_id: UUID, *states: str) -> Mapping[str, Any]:
        """The delivery of a registration, once it is in one of these states."""

        async def there() -> Mapping[str, Any] | None:
            deliveries = await operator.deliveries(registration_id)
            return next((each for each in deliveries if each["state"] in states), None)

        return await until(there, f"a delivery that is {' or '.join(states)}", within=60)

    async def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """What PostgreSQL answers to its superuser, who sees every schema."""
        connection = await asyncpg.connect(self.stack.admin_url, database="rinnan")
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    def statements(self) -> AbstractAsyncContextManager[Statements]:
        """What PostgreSQL is asked, for as long as this is entered."""
        return shown(self.stack.daemons["postgres"].log, self.rows)

    async def reach(self, moment: datetime) -> None:
        """Let the clock show this moment, in every process."""
        self.stack.clock.jump_to(moment)
        await asyncio.sleep(SEEN_WITHIN)

    async def let_pass(self, ahead: timedelta) -> None:
        """Let that much time pass, in every process."""
        await self.reach(self.stack.clock.now() + ahead)

    async def pass_full_hour(self) -> None:
        """Let the clock pass the next full hour."""
        county = self.county(self.places.system)
        await self.reach(county.next_full_hour(self.stack.clock.now()) + PASSED)

    async def wait_for_morning(self) -> None:
        """Let the clock reach an hour at which letters leave, with most of that hour still ahead."""
        county = self.county(self.places.system)
        local = self.stack.clock.now().astimezone(ZoneInfo(county.timezone))
        if not MORNING <= local.hour < MORNING + 6 or local.minute > 5:
            morning = local.replace(hour=MORNING, minute=1, second=0)
            await self.reach(morning if morning > local else morning + timedelta(days=1))


@pytest.fixture(scope="package")
def house(pytestconfig: pytest.Config) -> Iterator[House]:
    """Started once for all laws, in a folder of its own."""
    folder: Path = pytestconfig.rootpath / "var" / "laws"
    counties, contracts = ROOT / "deploy" / "counties", ROOT / "contracts"
    places = Places.of(load(contracts, counties))
    players = cast(places)
    stack = Stack(folder, fresh=True, at=BEGINS, counties_dir=folder / "counties", families_dir=folder / "families")
    write(players.everybody(), folder / "families")
    shutil.copytree(counties, folder / "counties")
    _found_a_county(folder / "counties", like=places.paper)
    with stack:
        yield House(stack, Installation.of(stack), places, players)


def _found_a_county(folder: Path, *, like: str) -> None:
    """A new county is a folder: a copy of another one's, under a code of its own."""
    (model,) = folder.glob(f"{like}-*")
    fresh = folder / f"{NEW_COUNTY}-new"
    shutil.copytree(model, fresh)
    profile = fresh / "county.toml"
    profile.write_text(profile.read_text("utf-8").replace(like, NEW_COUNTY), "utf-8")


def run(work: Coroutine[Any, Any, T]) -> T:
    """A whole play, from a fixture that lives longer than one test."""
    return asyncio.run(work)
