"""CloudEvents 1.0 in Kafka's binary mode: the envelope of everything that is said and heard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

from rinnan_events import Binding, Event, Sealed, sealed_fields

NAMESPACE = UUID("5c1f7a52-8f0e-4b0c-9d0a-3f7e6d2b9a41")
"""Names Rinnan's own uuid5 ids."""

LONGEST_NAME = 200
"""Bytes of an id or a source: both together are an entry of the inbox's index, which holds no more than 2,704."""

Headers = list[tuple[str, bytes]]


class Unreadable(Exception):  # noqa: N818 - a state of the message
    """A record without a readable envelope. `reason` is a class, never the record's content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who said what about which subject, when, and because of what. Nothing in it is personal."""

    id: str
    source: str
    type: str
    subject: UUID
    time: datetime
    causation: str | None = None
    traceparent: str | None = None

    def headers(self) -> Headers:
        """The record's headers. `dataschema` names the published schema; it is not an address."""
        pairs = [
            ("ce_specversion", b"1.0"),
            ("ce_id", self.id.encode()),
            ("ce_source", self.source.encode()),
            ("ce_type", self.type.encode()),
            ("ce_subject", str(self.subject).encode()),
            ("ce_time", self.time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
            ("ce_dataschema", f"urn:rinnan:schema:{self.type}".encode()),
            ("content-type", b"application/json"),
        ]
        if self.causation:
            pairs.append(("ce_causationid", self.causation.encode()))
        if self.traceparent:
            pairs.append(("traceparent", self.traceparent.encode()))
        return pairs


def source_of(speaker: str) -> str:
    """The CloudEvents source of a room, such as `/rinnan/intake` or `/rinnan/adapter/<destination>`."""
    return f"/rinnan/{speaker}"


def said_id(speaker: str, cause: str, number: int) -> UUID:
    """The id of a said event: the same cause always says the same, so deciding again cannot double it."""
    return uuid5(NAMESPACE, f"{speaker}|{cause}|{number}")


def read(headers: Iterable[tuple[str, bytes]]) -> Envelope:
    """The envelope in a record's headers. Raises `Unreadable` with a reason class."""
    try:
        found = {name: value.decode() for name, value in headers if value}
    except UnicodeDecodeError:
        raise Unreadable("headers_not_utf8") from None
    if found.get("ce_specversion") != "1.0":
        raise Unreadable("not_cloudevents_1_0")
    try:
        subject = UUID(found["ce_subject"])
    except (KeyError, ValueError):
        raise Unreadable("no_readable_subject") from None
    try:
        time = datetime.fromisoformat(found["ce_time"])
        envelope = Envelope(
            id=found["ce_id"],
            source=found["ce_source"],
            type=found["ce_type"],
            subject=subject,
            time=time if time.tzinfo else time.replace(tzinfo=UTC),
            causation=found.get("ce_causationid"),
            traceparent=found.get("traceparent"),
        )
    except (KeyError, ValueError):
        raise Unreadable("incomplete_envelope") from None
    if not all(
        part.isprintable() and 0 < len(part.encode()) <= LONGEST_NAME for part in (envelope.id, envelope.source)
    ):
        raise Unreadable("incomplete_envelope")
    return envelope


def subject_in(headers: Sequence[tuple[str, bytes]]) -> UUID | None:
    """The subject, where at least that can be read."""
    for name, value in headers:
        if name == "ce_subject":
            try:
                return UUID(value.decode())
            except (ValueError, AttributeError):
                return None
    return None


def opened(event_class: type[Event], envelope: Envelope, body: bytes) -> Event:
    """The event in a record, its sealed parts bound to where they were said. Raises pydantic's ValidationError."""
    event = event_class.model_validate_json(body)
    if event.subject != envelope.subject:
        raise Unreadable("subject_differs")
    for name, group in sealed_fields(event_class):
        part = getattr(event, name)
        if part is not None:
            part.bind(Binding(envelope.type, envelope.id, envelope.subject, event.party, group))
    return event


def wire(event: Event, tokens: dict[str, str]) -> bytes:
    """The body of an event whose sealed parts are now `tokens`."""
    if tokens:
        event = event.model_copy(update={name: Sealed(token) for name, token in tokens.items()})
    return event.model_dump_json().encode()
