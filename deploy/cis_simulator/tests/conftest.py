"""The simulator in this process, over a store in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from rinnan_cis_simulator.app import application
from rinnan_cis_simulator.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store(":memory:")
    yield made
    made.close()


@pytest.fixture
async def http(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(store))
    headers = {"Content-Type": "application/fhir+json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator", headers=headers) as client:
        yield client
