"""What the adapters say: what a destination did."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from rinnan_events.event import Destination, Event, Moment

OUTCOME = "adapter.outcome.v1"


class Outcome(StrEnum):
    """What became of a write, a look-up or a rendering."""

    CONFIRMED = "confirmed"
    ALREADY_THERE = "already_there"
    ABSENT = "absent"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"
    PACKAGE_RENDERED = "package_rendered"


class DeliveryOutcome(Event):
    """What the destination did. `effects` counts what stands there under the delivery's identifier, where counted.

    `settles_at`: for `unknown`, when the unanswered write can no longer take effect. `receipt`: the destination's own
    reference, which holds nothing personal. `reason`: a class, never the far side's text.
    """

    type: ClassVar[str] = "adapter.delivery_outcome.v1"
    topic: ClassVar[str] = OUTCOME
    delivery_id: UUID
    destination: Destination
    attempt: int
    look: int | None = None
    outcome: Outcome
    reason: str
    effects: int | None = None
    receipt: str | None = None
    document_ids: tuple[UUID, ...] = ()
    settles_at: Moment | None = None
    happened_at: Moment
