"""A simulated client information system on a real socket, a fresh named server for each test."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from rinnan_cis_simulator.app import application
from rinnan_cis_simulator.store import Store
from rinnan_fhir.adapter import FhirAdapter, make
from rinnan_fhir.settings import FhirSettings
from rinnan_host.port import DeliveryKey, Place
from rinnan_host.samples import COUNTY, DESTINATION

CONTRACTS = Path(__file__).parents[4] / "contracts"
PATIENCE = timedelta(seconds=1)  # what the adapter waits in these tests: enough for a busy machine
NAMES = count()


@pytest.fixture(scope="session")
def simulator() -> Iterator[str]:
    """The address of a running simulator."""
    listening = socket.create_server(("127.0.0.1", 0))
    store = Store(":memory:")
    server = uvicorn.Server(uvicorn.Config(application(store), log_level="error", ws="none", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    server.force_exit = True
    thread.join(timeout=5)
    store.close()
    listening.close()


@dataclass
class SimulatedCis:
    """One named server of the simulator, told to behave as the contract asks."""

    admin: httpx.AsyncClient
    name: str
    told: dict[str, object] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        return f"{self.admin.base_url}/{self.name}/fhir"

    async def behaves(self, **behaviour: object) -> None:
        answer = await self.admin.put(f"/admin/behaviour/{self.name}", json={"keeps_bodies": True, **behaviour})
        answer.raise_for_status()

    async def effects(self, key: DeliveryKey) -> int:
        return (await self.all_effects()).get(f"urn:uuid:{key.delivery}", 0)

    async def all_effects(self) -> dict[str, int]:
        return (await self.admin.get("/admin/effects", params={"server": self.name})).json().get(self.name, {})

    async def arrived(self) -> tuple[bytes, ...]:
        return tuple(body.encode() for body in (await self.admin.get(f"/admin/bodies/{self.name}")).json())

    async def refuses(self) -> None:
        await self.behaves(mood="refuses")

    async def goes_away(self) -> None:
        await self.behaves(mood="down")

    async def answers_too_late(self, *, having_done_it: bool) -> None:
        await self.behaves(answer_after_seconds=2 * PATIENCE.total_seconds(), effect=having_done_it)

    async def recovers(self) -> None:
        await self.behaves()


@pytest.fixture
async def far_side(simulator: str) -> AsyncIterator[SimulatedCis]:
    async with httpx.AsyncClient(base_url=simulator, verify=False, trust_env=False) as admin:  # noqa: S501 - loopback
        cis = SimulatedCis(admin, f"cis-{next(NAMES)}")
        await cis.behaves()
        yield cis


def an_adapter(address: str, *, bearer_secret: str | None = None, **place: Any) -> FhirAdapter:
    told = {"write_timeout": PATIENCE, "settle_after": timedelta(seconds=5), "parallel": 4, **place}
    return make(
        Place(COUNTY, DESTINATION, CONTRACTS, lambda name: f"the {name}", address=address, **told),
        FhirSettings(bearer_secret=bearer_secret),
    )


@pytest.fixture
def place() -> dict[str, object]:
    return {}


@pytest.fixture
async def adapter(far_side: SimulatedCis, place: dict[str, object]) -> AsyncIterator[FhirAdapter]:
    made = an_adapter(far_side.base_url, **place)
    yield made
    await made.aclose()


@pytest.fixture
def adapter_at() -> Callable[..., FhirAdapter]:
    return an_adapter
