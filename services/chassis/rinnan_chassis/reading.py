"""From a record to an item: what it is, who decides on it, and what is wrong with it where something is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from rinnan_chassis.envelope import Unreadable, opened, read, subject_in
from rinnan_chassis.handlers import Handlers, Hearing
from rinnan_chassis.items import Heard, Item
from rinnan_chassis.sealing import says_it_belongs_to
from rinnan_events import Event, Sealed, sealed_fields

NEVER = datetime.fromtimestamp(0, UTC)
"""Stands where no time could be read: what is set aside is never judged by its time."""


MISPLACED = "not_its_speaker_or_topic"
"""Said on another topic or by another than its own: nobody's word, so it holds no subject and enters no inbox."""


def item_of(handlers: Handlers[Any], heard: Heard, fallback_cause: str) -> Item | None:
    """The item of a record; None for what this room does not hear. Unreadable records become items with a fault."""
    subject = subject_in(heard.headers)
    try:
        envelope = read(heard.headers)
    except Unreadable as unreadable:
        return _fault(heard, fallback_cause, subject, unreadable.reason)
    hearing = handlers.heard.get(envelope.type)
    if hearing is None:
        return None
    identity = (envelope.source, envelope.id)
    cause = f"{envelope.source}|{envelope.id}"
    try:
        _check_speaker(hearing, heard.topic, envelope.source)
        event = opened(hearing.event, envelope, heard.body or b"")
        _check_process(hearing, event, envelope.source)
        _check_seals(event)
        if hearing.concerns is not None and not hearing.concerns(event):
            return None
        claims = hearing.claims(event) if hearing.claims else ()
    except Exception as error:  # noqa: BLE001 - whatever a room stumbles over while it reads, it is this one message
        reason = _reason(error)
        if reason == MISPLACED:
            return _fault(heard, fallback_cause, None, reason)
        item = _fault(heard, cause, subject, reason)
        item.identity = identity
        return item
    return Item(
        event,
        hearing.decider,
        cause,
        envelope.time,
        envelope.subject,
        claims=claims,
        identity=identity,
        heard=heard,
        traceparent=envelope.traceparent,
    )


def _check_speaker(hearing: Hearing, topic: str, source: str) -> None:
    """An event is said on its own topic, by its own room or by a process that shares the room's role."""
    if topic != hearing.topic or not (source == hearing.speaker or source.startswith(f"{hearing.speaker}/")):
        raise Unreadable(MISPLACED)


def _check_process(hearing: Hearing, event: Event, source: str) -> None:
    """Of many processes only that one says it which the event itself names."""
    if hearing.process is not None and source != f"{hearing.speaker}/{hearing.process(event)}":
        raise Unreadable(MISPLACED)


def _check_seals(event: Event) -> None:
    """Find a sealed part that was cut out of another event before anything is built on it."""
    for name, _ in sealed_fields(type(event)):
        part: Sealed[Any] | None = getattr(event, name)
        if part is not None and part.binding is not None and not says_it_belongs_to(part.token, part.binding):
            raise Unreadable("seal_out_of_place")


def _reason(error: Exception) -> str:
    return (
        "body_not_as_published"
        if isinstance(error, ValidationError)
        else getattr(error, "reason", type(error).__name__)
    )


def _fault(heard: Heard, cause: str, subject: UUID | None, reason: str) -> Item:
    return Item(None, None, cause, NEVER, subject, heard=heard, fault=reason)
