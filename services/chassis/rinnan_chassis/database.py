"""The one way to PostgreSQL: a pool in the room's own schema, its migrations, and what a failure means."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol, cast

import asyncpg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

CHASSIS_MIGRATIONS = Path(__file__).parent / "migrations"


class Transaction(Protocol):
    """An asyncpg connection, as far as rooms use one: inside `database.acquire()`, mostly inside a transaction."""

    async def execute(self, query: str, /, *arguments: Any) -> str: ...
    async def fetch(self, query: str, /, *arguments: Any) -> list[Any]: ...
    async def fetchrow(self, query: str, /, *arguments: Any) -> Any: ...
    async def fetchval(self, query: str, /, *arguments: Any) -> Any: ...
    def transaction(self) -> AbstractAsyncContextManager[Any]: ...


class Database(Protocol):
    """A pool of connections; a single statement may be given to the pool itself."""

    async def execute(self, query: str, /, *arguments: Any) -> str: ...
    async def fetch(self, query: str, /, *arguments: Any) -> list[Any]: ...
    async def fetchrow(self, query: str, /, *arguments: Any) -> Any: ...
    async def fetchval(self, query: str, /, *arguments: Any) -> Any: ...
    def acquire(self) -> AbstractAsyncContextManager[Transaction]: ...
    async def close(self) -> None: ...


_REFUSED_DATA = ("22", "23", "54")
_CROSSED = ("40P01", "40001")
_AWAY = ("08", "53", "57", "58")


def is_away(error: BaseException) -> bool:
    """Whether the database could not be reached, so that nothing is known to be wrong with what it was asked."""
    if isinstance(error, asyncpg.PostgresError):
        return _class_of(error) in _AWAY
    if isinstance(error, OSError):
        return error.filename is None  # else it is a file that is not there
    return isinstance(error, TimeoutError | asyncpg.InterfaceError | asyncpg.InternalClientError)


def refuses_data(error: BaseException) -> bool:
    """Whether the database refused the data itself (SQLSTATE class 22, 23 or 54)."""
    if isinstance(error, asyncpg.PostgresError):
        return _class_of(error) in _REFUSED_DATA
    return isinstance(error, asyncpg.DataError | UnicodeEncodeError)


def is_crossed(error: BaseException) -> bool:
    """Whether two transactions crossed (deadlock, serialisation, a placeholder that vanished): repeat, blame nobody."""
    return isinstance(error, Crossed) or getattr(error, "sqlstate", None) in _CROSSED


def _class_of(error: BaseException) -> str:
    return (getattr(error, "sqlstate", None) or "")[:2]


class Crossed(Exception):  # noqa: N818 - a state of the world
    """A row that was claimed vanished under the claim; the same transaction is simply run again."""


async def connect(url: str, schema: str, *, most: int = 6, **arguments: Any) -> Database:
    """A pool whose connections live in `schema`. Session pooling is needed: LISTEN and advisory locks are used.

    `arguments` go to asyncpg (TLS).
    """
    settings = {"search_path": schema, "application_name": schema}
    pool: object = await asyncpg.create_pool(
        url, min_size=1, max_size=most, command_timeout=30, server_settings=settings, reset=as_it_is, **arguments
    )
    return cast("Database", pool)


async def as_it_is(_: object) -> None:
    """How a pool takes a connection back: whoever sets something on it undoes it; each use is spared a round trip."""


def lock_number(name: str) -> int:
    """A stable 63-bit number for a PostgreSQL advisory lock."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


async def migrate(url: str, schema: str, locations: Sequence[Path] = (), **arguments: Any) -> None:
    """Bring the schema's tables to the newest revision: the chassis's own and the room's, one instance at a time.

    `arguments` go to asyncpg (TLS).
    """
    config, scripts = _scripts(locations)

    def upgrade(connection: Connection) -> None:
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({lock_number(schema + '/migrations')})")
        connection.exec_driver_sql(f"set local search_path to {schema}")
        with EnvironmentContext(config, scripts, fn=_to_heads(scripts)) as context:
            context.configure(connection=connection, version_table="migration", version_table_schema=schema)
            with context.begin_transaction():
                context.run_migrations()

    # By asyncpg itself: an address means here what it means everywhere, and being away is told in asyncpg's own words.
    opened = await asyncpg.connect(url, **arguments)

    async def connected() -> Any:
        return opened

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connected, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


def whole_of(locations: Sequence[Path] = ()) -> Callable[[Collection[str]], bool]:
    """Tells whether tables at these revisions have all that this process needs. Newer ones do: migrations only add."""
    _, scripts = _scripts(locations)
    known = {script.revision for script in scripts.walk_revisions()}

    def is_whole(revisions: Collection[str]) -> bool:
        return not known.issuperset(revisions) or (bool(revisions) and not _to_heads(scripts)(tuple(revisions), None))

    return is_whole


def _scripts(locations: Sequence[Path]) -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(CHASSIS_MIGRATIONS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, (CHASSIS_MIGRATIONS, *locations))))
    return config, ScriptDirectory.from_config(config)


def _to_heads(scripts: ScriptDirectory) -> Callable[[Any, Any], Any]:
    # alembic's own command line does it so; it has no public name for it.
    return lambda revision, _: scripts._upgrade_revs("heads", revision)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
