from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import asyncpg
import pytest
from services.chassis.tests.toy import TOPICS, Answered, Kept, World, toy

from rinnan_chassis.testing import Stage, stage_of


@pytest.fixture
async def stage(postgres_admin_url: str) -> AsyncIterator[Stage[Kept]]:
    """The toy on stage."""
    async with stage_of(
        toy(), admin_url=postgres_admin_url, room="toy", topics=TOPICS, outside=World(), says=[Answered]
    ) as on_stage:
        yield on_stage


@pytest.fixture(scope="session")
def a_database_name(postgres_admin_url: str) -> Iterator[Callable[[], str]]:
    """Names for databases to provision; they and their roles are dropped at the end of the run."""
    given: list[str] = []

    def name() -> str:
        given.append(f"t{uuid4().hex[:12]}")
        return given[-1]

    yield name
    asyncio.run(_drop(postgres_admin_url, given))


async def _drop(admin_url: str, databases: list[str]) -> None:
    admin = await asyncpg.connect(admin_url)
    for database in databases:
        await admin.execute(f'drop database if exists "{database}" with (force)')
        for role in await admin.fetch("select rolname from pg_roles where rolname like $1", f"{database}\\_%"):
            await admin.execute(f'drop role "{role["rolname"]}"')
    await admin.close()
