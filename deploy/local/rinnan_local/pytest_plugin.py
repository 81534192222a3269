"""For every test suite: the addresses of a real Kafka and a real PostgreSQL, and names of tests that name nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

MAY_BE_SOMEBODYS = re.compile(r"@|[^\x00-\x7f]|\d{6}|\+\d|\b[A-Z][a-z]+ [A-Z][a-z]+")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Reports of tests are kept for long and read by many: what looks like anybody's own is named by its argument."""
    text = val.decode("latin-1") if isinstance(val, bytes) else val
    return argname if isinstance(text, str) and MAY_BE_SOMEBODYS.search(text) else None


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
