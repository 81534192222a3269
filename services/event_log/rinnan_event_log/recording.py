"""Hearing for the log: every record becomes an entry, whatever it is, and nothing is opened."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from pydantic import ValidationError

from rinnan_chassis import metrics
from rinnan_chassis.batch import Batches
from rinnan_chassis.envelope import Envelope, Headers, Unreadable, opened, read, subject_in
from rinnan_chassis.hearing import Record
from rinnan_event_log import store
from rinnan_event_log.domain.entry import Entry, body_digest
from rinnan_events import Event, events, sealed_fields

UNTOLD: Final = frozenset({"registration_id", "ticket", "intention"})
"""Clear fields that no life needs: the subject says the first, and whether a code's holder declines is a cause."""

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST = 200
_CODE = re.compile(r"[A-Za-z0-9_.]{1,60}")


class Recording:
    """The log's ear. A batch is one transaction; what was heard before adds nothing."""

    def __init__(self, batches: Batches[Any]) -> None:
        self._batches = batches

    async def hear(self, records: Sequence[Record]) -> None:
        """Append the records to the chain. Raises when the database is away: then they are heard again."""
        now = self._batches.clock.now()
        for record in records:
            metrics.received.labels(record.topic).inc()
        added = await store.append(self._batches.database, [entry_of(record, now) for record in records])
        metrics.decided.labels("recorded").inc(added)
        metrics.decided.labels("repeated").inc(len(records) - added)


def entry_of(record: Record, now: datetime) -> Entry:
    """What the log keeps of a record: of a message as published what is clear, of anything else its place and digest.

    A body is kept only where it is what was published: of anything else nobody knows what it holds.
    """
    headers: Headers = list(record.headers)
    facts: dict[str, Any]
    envelope: Envelope | None = None
    as_published = False
    try:
        envelope = _storable(read(headers))
        event_class = events().get(envelope.type)
        if event_class is None:
            raise Unreadable("unknown_type")  # noqa: TRY301 - one place tells why a message was not read
        facts = _clear(event_class, opened(event_class, envelope, record.value or b""))
        _written(facts)  # raises at a number above 64 bits, which reads well
        as_published = True
    except (ValidationError, orjson.JSONEncodeError):
        facts = {"unread": "body_not_as_published"}
    except Unreadable as unreadable:
        facts = {"unread": unreadable.reason}
    if ".dead_letter." in record.topic:
        facts |= _set_aside(record.topic, headers)
    return Entry(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        source=envelope.source if envelope else None,
        id=envelope.id if envelope else None,
        type=envelope.type if envelope else None,
        subject=envelope.subject if envelope else subject_in(headers),
        said_at=envelope.time if envelope else None,
        heard_at=now,
        causation=envelope.causation if envelope else None,
        traceparent=envelope.traceparent if envelope else None,
        body_digest=body_digest(record.value),
        clear=_written(facts),
        body=record.value if as_published else None,
    )


def _clear(event_class: type[Event], event: Event) -> dict[str, Any]:
    """The published clear fields; of sealed parts only their names, since even a length could tell something."""
    sealed = [name for name, _ in sealed_fields(event_class)]
    facts = event.model_dump(mode="json", exclude={*sealed, *UNTOLD})
    return {**facts, "sealed": sealed} if sealed else facts


def _written(facts: Mapping[str, Any]) -> str:
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()


def _set_aside(topic: str, headers: Headers) -> dict[str, str]:
    told = {name: value.decode("utf-8", "replace") for name, value in headers if value}
    reason, heard_on = told.get("rinnan-reason", ""), told.get("rinnan-topic", "")
    return {
        "set_aside_by": topic.partition(".")[0],
        "reason": reason if _CODE.fullmatch(reason) else "unreadable",
        "heard_on": heard_on if _CODE.fullmatch(heard_on) else "unreadable",
    }


def _storable(envelope: Envelope) -> Envelope:
    """The envelope, if its words are words and its time is one: PostgreSQL must never refuse what is to be kept."""
    words = (envelope.id, envelope.source, envelope.type, envelope.causation or "", envelope.traceparent or "")
    if any(len(word) > _LONGEST or not word.isprintable() for word in words):
        raise Unreadable("odd_envelope")
    if not _EARLIEST <= envelope.time <= _LATEST:
        raise Unreadable("odd_time")
    return envelope
