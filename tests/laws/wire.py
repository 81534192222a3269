"""What travelled: every record of every topic, as whoever may read the broker's disk sees it."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient


@dataclass(frozen=True, slots=True)
class Message:
    """One record, in the order of its partition."""

    topic: str
    key: bytes | None
    headers: Mapping[str, bytes]
    value: bytes = field(repr=False)

    @property
    def type(self) -> str:
        return self.headers.get("ce_type", b"?").decode()

    @property
    def clear(self) -> Mapping[str, Any]:
        """The body as anybody can read it."""
        return orjson.loads(self.value)

    @property
    def raw(self) -> bytes:
        """Everything of it in one piece."""
        headers = b"\n".join(b"%s=%s" % (name.encode(), value) for name, value in self.headers.items())
        return b"\n".join((self.key or b"", headers, self.value))


async def everything_said(servers: str) -> list[Message]:
    """Every record on the broker, of every topic, from its beginning to its end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest", enable_auto_commit=False)
    parts = await _partitions(servers)
    await consumer.start()
    try:
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        waiting = {part for part in parts if ends[part] > 0}
        await consumer.seek_to_beginning(*parts)
        found: list[Message] = []
        while waiting:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                found += [
                    Message(record.topic, record.key, dict(record.headers), record.value or b"") for record in records
                ]
            waiting = {part for part in waiting if await consumer.position(part) < ends[part]}
        return found
    finally:
        await consumer.stop()


async def _partitions(servers: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        described = await admin.describe_topics(await admin.list_topics())
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], part["partition"])
        for topic in described
        if not topic["is_internal"]
        for part in topic["partitions"]
    ]


def of(messages: Iterable[Message], registration_id: UUID) -> list[Message]:
    """What was said of one registration."""
    return [message for message in messages if message.key == str(registration_id).encode()]


def first_times(messages: Iterable[Message]) -> list[Message]:
    """Each message where it was said first: after a crash it may be said again, under the same id."""
    seen: dict[bytes, Message] = {}
    for message in messages:
        seen.setdefault(message.headers["ce_id"], message)
    return list(seen.values())


def base64url(text: str) -> bytes:
    """What a part of a sealed token spells."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


Shape = tuple[str, str, str, int]


def shapes(messages: Iterable[Message], parties: Mapping[UUID, str]) -> Counter[Shape]:
    """What can be seen of messages without a key: topic, type, whose, and how long."""
    return Counter((message.topic, message.type, _whose(message, parties), len(message.value)) for message in messages)


def _whose(message: Message, parties: Mapping[UUID, str]) -> str:
    party = message.clear.get("party_id")
    return parties[UUID(str(party))] if party else "both"
