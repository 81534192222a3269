"""A room as its own process, as it is run: it stops in good order, and its health tells what is so."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from services.chassis.tests.broker import admin, committed, eventually, on_the_wire, tell, written
from services.chassis.tests.toy import TOPICS, Kept, News, news

from rinnan_chassis.provision import provision
from rinnan_chassis.testing import Stage
from rinnan_local.ports import free_port
from rinnan_local.processes import HttpDaemon, Process

pytestmark = pytest.mark.stack

NOBODY_LISTENS = "127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class House:
    """A provisioned database for the toy, and what its process is told."""

    environment: dict[str, str]
    database: asyncpg.Connection
    folder: Path

    @asynccontextmanager
    async def toy(self, *arguments: str, **settings: str) -> AsyncIterator[HttpDaemon]:
        taken: set[int] = set()
        ports = {"RINNAN_HTTP_PORT": free_port(taken), "RINNAN_HEALTH_PORT": free_port(taken)}
        told = {**os.environ, **self.environment, **{name: str(port) for name, port in ports.items()}, **settings}
        told["PYTHONPATH"] = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
        public, health = ports.values()
        toy = Process("toy", "services.chassis.tests.toy_room", public, arguments, health_port=health)
        process = HttpDaemon(toy, self.folder, told)
        process.stop_seconds = 30
        await asyncio.to_thread(process.start)
        try:
            yield process
        finally:
            await asyncio.to_thread(process.stop)


@pytest.fixture
async def house(
    postgres_admin_url: str, kafka_servers: str, a_database_name: Callable[[], str], tmp_path: Path
) -> AsyncIterator[House]:
    database = a_database_name()
    environments = await provision(
        admin_database_url=postgres_admin_url,
        kafka={"bootstrap_servers": kafka_servers},
        topics_file=TOPICS,
        out=tmp_path / "secrets",
        database=database,
    )
    connection = await asyncpg.connect(
        postgres_admin_url, database=database, server_settings={"search_path": "toy", "application_name": "test"}
    )
    try:
        yield House(environments["toy"], connection, tmp_path)
    finally:
        await connection.close()


async def asked(process: HttpDaemon, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process._process.health_port}") as client:
        return await client.get(path)


async def ends(process: HttpDaemon, *, within: float) -> int:
    """Tell a process to stop, and wait until it is gone."""
    began = time.monotonic()
    process.ask_to_stop()
    return await end_of(process, within=began + within - time.monotonic())


async def end_of(process: HttpDaemon, *, within: float) -> int:
    assert process.process is not None
    return await asyncio.to_thread(process.process.wait, within)


async def members(servers: str, group: str) -> int:
    async with admin(servers) as client:
        [described] = await client.describe_consumer_groups([group])
        return sum(len(found[5]) for found in described.groups)


async def test_a_room_told_to_stop_in_the_middle_finishes_what_it_has_in_hand_and_leaves(
    house: House, stage: Stage[Kept], kafka_servers: str
) -> None:
    known, busy = uuid4(), uuid4()

    async def holds(query: str) -> bool:
        return bool(await house.database.fetchval(query))

    async with house.toy() as process:
        first = await on_the_wire(stage, news(known, 1), news(busy, 1, "errand"))
        await tell(kafka_servers, News.topic, *first)
        await eventually(lambda: holds("select state = 'leased' from work"))
        async with house.database.transaction():
            await house.database.execute("select from subject where id = $1 for update", known)
            await tell(kafka_servers, News.topic, *await on_the_wire(stage, news(known, 2)))
            await eventually(lambda: holds("select exists (select from pg_locks where not granted)"))
            process.ask_to_stop()
            await asyncio.sleep(0.5)
            assert process.running
        assert await end_of(process, within=10) == 0
    assert await house.database.fetchval("select count(*) from inbox") == 3
    assert await committed(kafka_servers, "toy", News.topic) == await written(kafka_servers, News.topic)
    assert await members(kafka_servers, "toy") == 0
    assert await house.database.fetchval("select state->'results' from subject where id = $1", busy) == '["fetched"]'
    assert await house.database.fetchval("select state from work") == "done"
    left = "select count(*) from pg_stat_activity where datname = current_database() and application_name <> 'test'"
    assert await house.database.fetchval(left) == 0


async def test_while_kafka_is_away_a_room_without_work_is_ready_lives_and_can_be_stopped(house: House) -> None:
    async with house.toy("idle", RINNAN_KAFKA_SERVERS=NOBODY_LISTENS) as process:
        await asyncio.sleep(4)
        assert (await asked(process, "/livez")).json() == {"alive": True, "late": []}
        told = (await asked(process, "/readyz?verbose")).json()
        assert told["ready"]
        assert told["hearing"]["troubles"] == {"hear": "kafka_away", "say": "cannot_say"}
        assert await ends(process, within=10) == 0


async def test_a_room_is_ready_when_its_tables_have_all_that_it_needs(house: House) -> None:
    async def ready() -> dict[str, Any]:
        return (await asked(process, "/readyz")).json()

    async with house.toy() as process:
        assert (await ready())["migrations"]
        await house.database.execute("update migration set version_num = 'of_a_later_room'")
        assert (await ready())["migrations"]
        await house.database.execute("delete from migration")
        assert await ready() == {"ready": False, "database": True, "migrations": False, "stopping": False}


async def test_a_room_shows_how_far_its_hearing_is_behind(house: House, stage: Stage[Kept], kafka_servers: str) -> None:
    subject = uuid4()
    async with house.toy() as process:
        await tell(kafka_servers, News.topic, *await on_the_wire(stage, news(subject)))

        async def shows(waiting: float) -> bool:
            return f'rinnan_lag{{topic="{News.topic}"}} {waiting}' in (await asked(process, "/metrics")).text

        await eventually(lambda: shows(0.0))
