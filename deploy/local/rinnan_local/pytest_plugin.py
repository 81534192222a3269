"""Two fixtures for every test suite: the addresses of a real Kafka and a real PostgreSQL, once per run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def kafka_servers(pytestconfig: pytest.Config) -> Iterator[str]:
    """`host:port` of a Kafka without topics; topics are not made by use."""
    from rinnan_local.testing import kafka  # noqa: PLC0415 - runs that need no Kafka do not pay for it

    with kafka(pytestconfig.rootpath / "var") as servers:
        yield servers


@pytest.fixture(scope="session")
def postgres_admin_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """A superuser's URL. Suites make databases of their own in it, and drop them."""
    from rinnan_local.testing import postgres  # noqa: PLC0415 - runs that need no PostgreSQL do not pay for it

    with postgres(pytestconfig.rootpath / "var") as admin_url:
        yield admin_url
