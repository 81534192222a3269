"""The life of a registration, in order, from what was heard of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rinnan_event_log.domain.entry import Read
from rinnan_events.record_export import DeliveryMoved


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a delivery."""

    at: datetime
    from_state: str | None
    to_state: str
    reason: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """Everything that became of one delivery; `party_id` is None for a joint record."""

    delivery_id: str
    destination: str
    party_id: str | None
    moves: tuple[Move, ...]

    @property
    def state(self) -> str:
        """Where it stands now."""
        return self.moves[-1].to_state


def happened_at(read: Read) -> datetime:
    """When it was said. A dead letter repeats an old envelope, so it counts from when it was heard."""
    entry = read.entry
    return entry.heard_at if entry.said_at is None or entry.is_dead_letter else entry.said_at


def in_order(life: Sequence[Read]) -> list[Read]:
    """The events by the time they were said, an effect never before its cause; else as they were heard.

    Topics are heard independently of each other, so the log's own order is not the order of events.
    """
    ordered = sorted(life, key=lambda read: read.position)
    first_of = {read.entry.id: read for read in reversed(ordered) if read.entry.id and not read.entry.is_dead_letter}

    def place(read: Read) -> tuple[datetime, int, int]:
        at, steps, seen = happened_at(read), 0, {read.position}
        cause = first_of.get(cause_of(read) or "")
        while cause is not None and cause.position not in seen:
            seen.add(cause.position)
            at, steps = max(at, happened_at(cause)), steps + 1
            cause = first_of.get(cause_of(cause) or "")
        return at, steps, read.position

    return sorted(ordered, key=place)


def cause_of(read: Read) -> str | None:
    """The id of what led to it. What a dead letter comes from is the message that was set aside."""
    return read.entry.id if read.entry.is_dead_letter else read.entry.causation


def county_of(life: Sequence[Read]) -> str | None:
    """The county that the registration belongs to, where any event named it."""
    return next((read.facts["county"] for read in life if "county" in read.facts), None)


def deliveries(ordered: Sequence[Read]) -> list[Delivery]:
    """The deliveries and their moves, oldest first."""
    moves: dict[str, list[dict[str, Any]]] = {}
    for read in ordered:
        if read.entry.type == DeliveryMoved.type and not read.entry.is_dead_letter and "delivery_id" in read.facts:
            moves.setdefault(read.facts["delivery_id"], []).append(dict(read.facts))
    return [
        Delivery(
            delivery_id,
            told[0]["destination"],
            told[0]["party_id"],
            tuple(
                Move(
                    datetime.fromisoformat(move["moved_at"]),
                    move["from_state"],
                    move["to_state"],
                    move["reason"],
                    move["attempt"],
                )
                for move in told
            ),
        )
        for delivery_id, told in moves.items()
    ]
