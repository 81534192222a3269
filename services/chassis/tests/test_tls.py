"""Where an authority is named, PostgreSQL is spoken to over checked TLS only: nobody else learns a password."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import certifi
import pytest

from rinnan_chassis.database import connect, migrate
from rinnan_chassis.keyring import Keyring
from rinnan_chassis.provision import ProvisionSettings, provision

TOPICS_FILE = Path(__file__).parents[3] / "contracts" / "topics.toml"
CLEAR_TEXT_PASSWORD = b"R" + struct.pack("!ii", 8, 3)


class Impostor:
    """A server that speaks no TLS and asks whoever comes for a password in the clear."""

    heard: bytes = b""
    port: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"N")
        try:
            length = struct.unpack("!i", await reader.readexactly(4))[0]
            await reader.readexactly(length - 4)
            writer.write(CLEAR_TEXT_PASSWORD)
            self.heard = await reader.read(100)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @property
    def url(self) -> str:
        return f"postgresql://rinnan_admin:do-not-say@127.0.0.1:{self.port}/rinnan"


@pytest.fixture
async def impostor() -> AsyncIterator[Impostor]:
    found = Impostor()
    async with await asyncio.start_server(found.answer, "127.0.0.1", 0) as server:
        found.port = server.sockets[0].getsockname()[1]
        yield found


async def migrating(url: str, arguments: dict[str, Any], _: Path) -> None:
    await migrate(url, "toy", **arguments)


async def connecting(url: str, arguments: dict[str, Any], _: Path) -> None:
    await connect(url, "toy", **arguments)


async def unlocking(url: str, arguments: dict[str, Any], _: Path) -> None:
    await Keyring.connect(url, {}, **arguments)


async def provisioning(url: str, arguments: dict[str, Any], out: Path) -> None:
    await provision(admin_database_url=url, kafka=None, topics_file=TOPICS_FILE, out=out, database_arguments=arguments)


WAYS = (migrating, connecting, unlocking, provisioning)
Way = Callable[[str, dict[str, Any], Path], Awaitable[None]]


@pytest.mark.parametrize("way", WAYS)
async def test_a_server_without_tls_is_refused_and_learns_no_password(
    way: Way, impostor: Impostor, tmp_path: Path
) -> None:
    with pytest.raises(ConnectionError):
        await way(impostor.url, {"ssl": ssl.create_default_context()}, tmp_path)
    assert impostor.heard == b""


@pytest.mark.parametrize("way", WAYS)
async def test_an_address_may_say_the_same(way: Way, impostor: Impostor, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        await way(f"{impostor.url}?sslmode=verify-full&sslrootcert={certifi.where()}", {}, tmp_path)
    assert impostor.heard == b""


async def test_without_either_the_impostor_is_believed(impostor: Impostor, tmp_path: Path) -> None:
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await migrating(impostor.url, {}, tmp_path)
    assert b"do-not-say" in impostor.heard


def test_provisioning_reads_the_same_setting_as_the_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINNAN_DATABASE_CA_FILE", certifi.where())
    settings = ProvisionSettings.read(
        kafka_servers="k:9092", admin_database_url="postgresql://a@b/c", topics_file=Path("t"), out=Path("o")
    )
    assert "ssl" in settings.database_arguments()
