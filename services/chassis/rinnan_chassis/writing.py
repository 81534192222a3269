"""What a batch decided, sealed and as rows. Whatever cannot be written is blamed on the one item it is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from rinnan_chassis.deciding import Claim, Refusal, Work
from rinnan_chassis.envelope import Envelope, said_id, source_of, wire
from rinnan_chassis.folding import Folded, Said
from rinnan_chassis.items import Item
from rinnan_chassis.jsonb import write_payload, write_state
from rinnan_chassis.keyring import KeyName
from rinnan_chassis.rows import NOBODY, OutboxRow, PartRow, WorkRow, write_headers
from rinnan_chassis.sealing import TooLargeToHide
from rinnan_chassis.seals import SealPass
from rinnan_chassis.topics import Topics
from rinnan_chassis.tracing import child_of
from rinnan_events import Row

S = TypeVar("S")


class TooLarge(Refusal):
    """What would be said is larger than its topic takes, or than the one size that hides it."""

    code = "chassis.too_large"
    status = 413


class Unwritable(Exception):  # noqa: N818 - what one item's decider answered cannot be sealed or written
    """This item's decision cannot be written. `reason` is a class."""

    def __init__(self, item: Item, error: Exception) -> None:
        super().__init__()
        self.item = item
        self.reason = error.code if isinstance(error, Refusal) else type(error).__name__


@dataclass(frozen=True, slots=True)
class Written:
    """Rows, and what was missing while they were written: keys, each with the items that need it, and tokens."""

    wanted: Mapping[KeyName, set[Item]]
    read: Mapping[KeyName, set[Item]]
    unread: set[Row]
    states: dict[UUID, str]
    parts: list[PartRow]
    dropped: list[Row]
    outbox: list[OutboxRow]
    works: list[WorkRow]
    notes: dict[Claim, str]


def write(
    folded: Folded[S], seals: SealPass, *, speaker: str, state: type[S], topics: Topics, now: datetime
) -> Written:
    """Seal and write what was decided. Raises Unwritable, or what a command's decision itself raises."""
    states: dict[UUID, str] = {}
    dropped: list[Row] = []
    for each in folded.subjects.values():
        if each.changed_by is not None and not each.newly_forgotten:
            with _Writing(seals, each.changed_by):
                kept: set[Row] = set()
                states[each.id] = write_state(state, each.state, seals.at_rest(each.id), seals.row_of(each.id, kept))
                dropped += each.parts - kept
    outbox: list[OutboxRow] = []
    for said in folded.said:
        with _Writing(seals, said.item):
            outbox.append(_said(said, seals, speaker, topics, now))
    works: list[WorkRow] = []
    for item, work in folded.works.values():
        if isinstance(work, Work) and (subject := item.subject) is not None:
            with _Writing(seals, item):
                payload = write_payload(work.payload, seals.at_rest(subject))
                works.append(WorkRow(work.kind, work.key, subject, work.due_at, payload))
    notes: dict[Claim, str] = {}
    for claim, value in folded.claims.items():
        if value is not None:
            with _Writing(seals, folded.claimed_by[claim]):
                notes[claim] = write_payload(value.note, seals.at_rest(value.subject or NOBODY))
    return Written(seals.wanted, seals.read, seals.unread, states, seals.parts, dropped, outbox, works, notes)


def _said(said: Said, seals: SealPass, speaker: str, topics: Topics, now: datetime) -> OutboxRow:
    item, event = said.item, said.event
    event_id = said_id(speaker, item.cause, said.number)
    body = wire(event, seals.said(event, event_id))
    if len(body) > topics.max_bytes(event.topic):
        raise TooLarge
    envelope = Envelope(
        id=str(event_id),
        source=source_of(speaker),
        type=event.type,
        subject=event.subject,
        time=now,
        causation=item.identity[1] if item.identity else None,
        traceparent=child_of(item.traceparent),
    )
    headers = write_headers(envelope.headers())
    return OutboxRow(event_id, event.subject, event.topic, str(event.subject).encode(), headers, body)


class _Writing:
    """While something is written for an item: what keys it needs are its own, and so is what goes wrong."""

    __slots__ = ("_item", "_seals")

    def __init__(self, seals: SealPass, item: Item) -> None:
        self._seals = seals
        self._item = item

    def __enter__(self) -> None:
        self._seals.on_behalf_of = self._item

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, TooLargeToHide):
            error = TooLarge()
        if isinstance(error, Exception):
            if self._item.is_command:
                raise error
            raise Unwritable(self._item, error) from error
