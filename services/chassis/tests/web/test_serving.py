"""The health of a room is told on a port of its own: on the public one nobody can count what others do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from rinnan_chassis.web import Problems, Pulse, application, health
from rinnan_chassis.web.serving import served


class Well:
    """A room that is well."""

    async def database_answers(self) -> bool:
        return True

    async def migrations_are_current(self) -> bool:
        return True

    def is_stopping(self) -> bool:
        return False

    async def hearing(self) -> Mapping[str, Any]:
        return {"held": 1}


@pytest.fixture
async def ports(problems: Problems) -> AsyncIterator[tuple[str, str]]:
    """The public address and that of health."""
    router = APIRouter()

    @router.get("/own")
    async def own() -> str:
        return "mine"

    room = served(
        application("A room", "1", [router], problems), ("127.0.0.1", 0), health(Pulse(), Well()), ("127.0.0.1", 0)
    )
    public, apart = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in room.sockets)
    serving = asyncio.create_task(room.serve())
    yield public, apart
    room.stop()
    await serving


async def asked(address: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(address, headers=headers)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/readyz?verbose", "/metrics"])
async def test_health_is_told_on_its_own_port_and_on_no_other(ports: tuple[str, str], path: str) -> None:
    public, apart = ports
    assert (await asked(apart + path)).status_code == 200
    assert (await asked(public + path)).status_code == 404


async def test_what_people_may_reach_is_not_on_the_port_of_health(ports: tuple[str, str]) -> None:
    public, apart = ports
    assert (await asked(f"{public}/own")).json() == "mine"
    assert (await asked(f"{apart}/own")).status_code == 404


async def test_no_header_leads_from_the_one_to_the_other(ports: tuple[str, str]) -> None:
    public, apart = ports
    told = {"Host": apart.removeprefix("http://"), "X-Forwarded-Host": apart, "X-Forwarded-Port": apart.split(":")[2]}
    assert (await asked(f"{public}/metrics", **told)).status_code == 404


async def test_no_answer_names_the_software_or_may_be_kept(ports: tuple[str, str]) -> None:
    public, _ = ports
    for path in ("/own", "/nothing", "/metrics"):
        headers = (await asked(public + path)).headers
        assert "server" not in headers
        assert headers["cache-control"] == "no-store"
