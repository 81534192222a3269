"""An entry: what one record told without opening anything."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from rinnan_chassis.deciding import digest


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as the log keeps it.

    What could not be read is None. `clear` is JSON text, kept to the letter because the chain holds it: the published
    clear fields that explain a life, and the names of what was sealed. `body` is the record's value as it came, sealed;
    it is dropped after its topic's retention, and `body_digest` (SHA-256) still tells which it was.
    """

    topic: str
    partition: int
    offset: int
    source: str | None
    id: str | None
    type: str | None
    subject: UUID | None
    said_at: datetime | None
    heard_at: datetime
    causation: str | None
    traceparent: str | None
    body_digest: bytes
    clear: str
    body: bytes | None

    @property
    def mark(self) -> bytes:
        """The same for the same message, however often Kafka brings it.

        A dead letter repeats the envelope of what was set aside, so the topic belongs to it. What has no id is known by
        its place.
        """
        if self.source is not None and self.id is not None:
            return digest(self.topic, self.source, self.id)
        return digest(self.topic, str(self.partition), str(self.offset), self.body_digest.hex())

    @property
    def is_dead_letter(self) -> bool:
        """Whether this is a message that its hearer set aside."""
        return ".dead_letter." in self.topic


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry in its place in the chain."""

    position: int
    previous_hash: bytes
    chain_hash: bytes
    entry: Entry


@dataclass(frozen=True, slots=True)
class Read:
    """An entry of one registration, its clear part read."""

    position: int
    entry: Entry
    facts: Mapping[str, Any]


def body_digest(body: bytes | None) -> bytes:
    """SHA-256 of a record's value; that of no value is that of an empty one."""
    return hashlib.sha256(body or b"").digest()
