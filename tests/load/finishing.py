"""Last submissions, and the confirmed deliveries that they end in: as cheap for the machine as a client can be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition

from rinnan_events.record_export import DELIVERY, DeliveryMoved
from tests.load.load import PARTITIONS

CONNECTIONS = 8
CONFIRMED = b'"to_state":"confirmed"'


class NotConfirmed(Exception):  # noqa: N818 - a state of the world
    """Not every delivery was confirmed in time."""


class NotTaken(Exception):  # noqa: N818 - a state of the world
    """A submission was not answered with 200."""


class Confirmations:
    """When each registration's delivery was confirmed, heard on the ledger's own topic as any neighbour hears it."""

    def __init__(self, kafka_servers: str) -> None:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=kafka_servers, enable_auto_commit=False)
        self._listening: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self.at: dict[UUID, float] = {}

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign([TopicPartition(DELIVERY, number) for number in range(PARTITIONS)])
        await self._consumer.seek_to_end()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening:
            self._listening.cancel()
        await self._consumer.stop()

    async def of(self, registrations: Iterable[UUID], *, within: float) -> None:
        """Return when all are confirmed. Raises: NotConfirmed."""
        missing = set(registrations)
        try:
            async with asyncio.timeout(within):
                while missing := missing - self.at.keys():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise NotConfirmed(f"{len(missing)} not confirmed within {within:.0f} s") from None

    async def _listen(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=1000)
            now = time.monotonic()
            for records in found.values():
                for record in records:
                    key, body = record.key or b"", record.value or b""
                    if ("ce_type", DeliveryMoved.type.encode()) in record.headers and CONFIRMED in body:
                        self.at[UUID(key.decode())] = now
            self._news.set()


class Submitters:
    """A few HTTP connections that are kept open, and requests that were written beforehand."""

    def __init__(self, intake: str, connections: int = CONNECTIONS) -> None:
        address = urlsplit(intake)
        self._host, self._port = address.hostname or "", address.port or 80
        self._count = connections
        self._connections: asyncio.Queue[_Connection] = asyncio.Queue()
        self._entered = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for _ in range(self._count):
            self._connections.put_nowait(await self._entered.enter_async_context(_Connection(self._host, self._port)))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._entered.aclose()

    async def submit(self, request: bytes) -> float:
        """Ask, and tell when the answer was there. Raises: NotTaken."""
        connection = await self._connections.get()
        try:
            await connection.ask(request)
            return time.monotonic()
        finally:
            self._connections.put_nowait(connection)

    async def all(self, requests: Sequence[bytes]) -> None:
        """Ask all, as fast as they are answered."""
        waiting = iter(requests)

        async def one() -> None:
            for request in waiting:
                await self.submit(request)

        async with asyncio.TaskGroup() as together:
            for _ in range(self._count):
                together.create_task(one())


def request(registration: UUID, token: str) -> bytes:
    """`POST /registrations/{id}/form/submission` as bytes."""
    lines = (
        f"POST /registrations/{registration}/form/submission HTTP/1.1",
        "Host: intake",
        f"Authorization: Bearer {token}",
        f"Idempotency-Key: {uuid4()}",
        "Content-Type: application/json",
        "Content-Length: 2",
        "",
        "{}",
    )
    return "\r\n".join(lines).encode()


class _Connection:
    """One HTTP/1.1 connection that is opened again where the server has closed it meanwhile."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def ask(self, request: bytes) -> None:
        if self._streams is None or self._streams[0].at_eof():
            self._close()
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status, length = _read(head)
        await reader.readexactly(length)
        if status != b"200":
            raise NotTaken(status.decode())

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _read(head: bytes) -> tuple[bytes, int]:
    first, *lines = head.split(b"\r\n")
    headers: Mapping[bytes, bytes] = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
    }
    return first.split()[1], int(headers.get(b"content-length", b"0"))
