"""The chain: each entry holds the hash of the one before it, so that nobody can edit the log unnoticed.

`hash = SHA-256(previous hash ‖ canonical entry)`. The canonical entry is UTF-8 JSON without spaces: the array of
position, topic, partition, offset, source, id, type, subject, said_at, heard_at, causation, traceparent, body digest in
hexadecimal and the clear part as a string; times in UTC with microseconds, what is missing as null. Any other program
can thus check an export. Whoever may rewrite the whole table may also compute a new chain: therefore anchors, heads of
the chain that are kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from rinnan_event_log.domain.entry import Entry, Kept, body_digest

BEGINNING = bytes(32)


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain and the hash that stands there."""

    position: int
    hash: bytes


class Fault(StrEnum):
    """How the chain is broken."""

    MISSING = "missing"
    EDITED = "edited"
    BODY_EDITED = "body_edited"
    LINK_BROKEN = "link_broken"
    OTHER_THAN_THE_HEAD = "other_than_the_head"
    OTHER_THAN_AN_ANCHOR = "other_than_an_anchor"
    BEGINS_TOO_LATE = "begins_too_late"


@dataclass(frozen=True, slots=True)
class Break:
    """The first position at which the log is not what it was."""

    position: int
    fault: Fault


def chained(head: Link, entries: Sequence[Entry]) -> list[Kept]:
    """The entries in their places after `head`."""
    kept: list[Kept] = []
    for entry in entries:
        position = head.position + 1
        following = Link(position, _hash(head.hash, position, entry))
        kept.append(Kept(position, head.hash, following.hash, entry))
        head = following
    return kept


def follow(after: Link, rows: Iterable[Kept], anchors: Sequence[Link]) -> Link | Break:
    """Walk on from `after` over `rows`: the last good link, or the first break."""
    anchored: dict[int, set[bytes]] = {}
    for anchor in anchors:
        anchored.setdefault(anchor.position, set()).add(anchor.hash)
    for row in rows:
        position = after.position + 1
        if row.position != position:
            return Break(position, Fault.MISSING)
        if row.previous_hash != after.hash:
            return Break(position, Fault.LINK_BROKEN)
        if row.chain_hash != _hash(after.hash, position, row.entry):
            return Break(position, Fault.EDITED)
        if row.entry.body is not None and body_digest(row.entry.body) != row.entry.body_digest:
            return Break(position, Fault.BODY_EDITED)
        after = Link(position, row.chain_hash)
        if anchored.get(position, {after.hash}) != {after.hash}:
            return Break(position, Fault.OTHER_THAN_AN_ANCHOR)
    return after


def begins_well(begin: Link, first_heard_at: datetime | None, kept_since: datetime) -> Break | None:
    """Whether no more was forgotten than may be: a log that forgot anything still has an entry older than `kept_since`.

    The moment of hearing is hashed like the rest, so that whoever cuts more off has to compute the chain anew.
    """
    if begin.position == 0 or (first_heard_at is not None and first_heard_at < kept_since):
        return None
    return Break(begin.position, Fault.BEGINS_TOO_LATE)


def ends_well(begin: Link, last: Link, head: Link, highest: int, anchors: Sequence[Link]) -> Break | None:
    """Whether a walk from `begin` ended at the head, with nothing behind it, and every anchor was met on the way."""
    if last.position < head.position:
        return Break(last.position + 1, Fault.MISSING)
    if last != head or highest > head.position:
        return Break(min(highest, head.position + 1), Fault.OTHER_THAN_THE_HEAD)
    if any(anchor.position == begin.position and anchor.hash != begin.hash for anchor in anchors):
        return Break(begin.position, Fault.OTHER_THAN_AN_ANCHOR)
    unmet = [anchor.position for anchor in anchors if not begin.position <= anchor.position <= head.position]
    return Break(min(unmet), Fault.MISSING) if unmet else None


def _hash(previous: bytes, position: int, entry: Entry) -> bytes:
    return hashlib.sha256(previous + canonical(position, entry)).digest()


def canonical(position: int, entry: Entry) -> bytes:
    """What is hashed of an entry: all of it but the body, of which only the digest."""
    told = (
        position,
        entry.topic,
        entry.partition,
        entry.offset,
        entry.source,
        entry.id,
        entry.type,
        None if entry.subject is None else str(entry.subject),
        None if entry.said_at is None else _moment(entry.said_at),
        _moment(entry.heard_at),
        entry.causation,
        entry.traceparent,
        entry.body_digest.hex(),
        entry.clear,
    )
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
