from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.house import House, house_of


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(postgres_admin_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house_of(postgres_admin_url, tmp_path_factory.mktemp("house")) as house:
        yield house
