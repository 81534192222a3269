import asyncio
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter

from rinnan_chassis.web import Pulse, health


class Room:
    """A room whose state is set by hand."""

    def __init__(self) -> None:
        self.database = self.migrations = True
        self.stopping = self.hangs = False

    async def database_answers(self) -> bool:
        if self.hangs:
            await asyncio.sleep(60)
        return self.database

    async def migrations_are_current(self) -> bool:
        return self.migrations

    def is_stopping(self) -> bool:
        return self.stopping

    async def hearing(self) -> Mapping[str, Any]:
        if not self.database:
            raise ConnectionError("secret")
        return {"held": 1, "parked": 7}


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def pulse() -> Pulse:
    return Pulse(late_after=0.02)


@pytest.fixture
def client(room: Room, pulse: Pulse) -> httpx.AsyncClient:
    registry = CollectorRegistry()
    Counter("heard", "Messages heard.", registry=registry).inc(3)
    app = health(pulse, room, registry, answer_within=0.05)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://room")


async def test_a_room_whose_loops_move_lives(client: httpx.AsyncClient, pulse: Pulse) -> None:
    pulse.beat("hearing")
    answer = await client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"alive": True, "late": []})


async def test_a_loop_that_stands_still_is_named(client: httpx.AsyncClient, pulse: Pulse) -> None:
    pulse.beat("relay")
    time.sleep(0.03)  # noqa: ASYNC251 - the point is that nothing moves
    pulse.beat("hearing")
    answer = await client.get("/livez")
    assert (answer.status_code, answer.json()) == (503, {"alive": False, "late": ["relay"]})


@pytest.mark.parametrize(
    ("database", "migrations", "stopping", "status"),
    [(True, True, False, 200), (False, True, False, 503), (True, False, False, 503), (True, True, True, 503)],
)
async def test_ready_is_database_and_migrations_and_not_stopping(
    client: httpx.AsyncClient, room: Room, *, database: bool, migrations: bool, stopping: bool, status: int
) -> None:
    room.database, room.migrations, room.stopping = database, migrations, stopping
    answer = await client.get("/readyz")
    assert answer.status_code == status
    assert answer.json()["ready"] is (status == 200)
    assert "hearing" not in answer.json()


async def test_a_database_that_hangs_is_not_ready(client: httpx.AsyncClient, room: Room) -> None:
    room.hangs = True
    assert (await client.get("/readyz")).json()["database"] is False


@pytest.mark.parametrize("database", [True, False])
async def test_trouble_in_hearing_is_told_when_asked_and_changes_nothing(
    client: httpx.AsyncClient, room: Room, database: bool
) -> None:
    room.database = database
    told = (await client.get("/readyz?verbose")).json()
    assert told["hearing"] == ({"held": 1, "parked": 7} if database else {"unknown": "database_away"})
    assert told["ready"] is database


async def test_metrics_are_those_of_the_registry(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    assert "heard_total 3.0" in answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")
