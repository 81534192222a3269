"""The ledger: one row for each record and destination, and every move that a row can make.

Two rules carry it. A write is asked for only when none can stand: nothing was asked yet, or the last one was certainly
not done, or it was unanswered, has settled, and was twice found absent. And what the destination confirms always
counts, whichever attempt it answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from rinnan_events.record_export import DeliveryState
from rinnan_record_export.domain.parts import owner
from rinnan_record_export.domain.policy import LOOKS

DELIVERIES = UUID("1d8f1f0e-3c55-5e6b-9f0a-5b7c9d2e4a60")
"""The uuid5 namespace of deliveries. It never changes."""

OVER = frozenset({DeliveryState.CONFIRMED, DeliveryState.VERIFIED, DeliveryState.CANCELLED})
"""Nothing further happens to these by themselves."""

KEYED = frozenset({DeliveryState.KEYED_IN, DeliveryState.VERIFIED})
WITH_PEOPLE = frozenset({DeliveryState.PREPARED, DeliveryState.RELEASED, DeliveryState.KEYED_IN})


@dataclass(frozen=True, slots=True)
class Package:
    """A package for manual entry. `renderer` is the destination that prints it; people are named by their staff ids."""

    renderer: str
    look_first: bool
    document_ids: tuple[UUID, ...] = ()
    prepared_at: datetime | None = None
    released_at: datetime | None = None
    released_by: str | None = None
    keyed_in_at: datetime | None = None
    keyed_in_by: str | None = None
    verified_at: datetime | None = None
    verified_by: str | None = None
    recalled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row. `party_id` None: both parties' record.

    `attempt` numbers what was asked of the outside, and fences late answers; `tries` counts how often in a row the
    destination was away. `look` numbers the looks after an unanswered write, `absents` those that found nothing.
    `paper_at`: from then on no write begins, and paper is prepared instead; once it is, until when it is to be there.
    """

    party_id: UUID | None
    destination: str
    contact_by: datetime
    paper_at: datetime
    planned_at: datetime
    moved_at: datetime
    state: DeliveryState = DeliveryState.PLANNED
    reason: str = "completed"
    attempt: int = 0
    tries: int = 0
    look: int = 0
    absents: int = 0
    settled_at: datetime | None = None
    receipt: str | None = None
    doubled: bool = False
    package: Package | None = None

    @property
    def is_on_paper(self) -> bool:
        """Whether a package is asked for, or there."""
        return self.package is not None

    @property
    def is_certainly_absent(self) -> bool:
        """Whether no write of this delivery stands or can still come to stand."""
        match self.state:
            case DeliveryState.PLANNED | DeliveryState.WAITING | DeliveryState.REJECTED:
                return True
            case DeliveryState.UNKNOWN:
                return self.absents >= LOOKS
            case _:
                return False

    def moved(self, to: DeliveryState, reason: str, now: datetime, **changes: Any) -> Delivery:
        """The row after a move."""
        return replace(self, state=to, reason=reason, moved_at=now, **changes)


def delivery_id(registration_id: UUID, party_id: UUID | None, destination: str) -> UUID:
    """The id of a delivery: the same for one record and destination, however often it is planned."""
    return uuid5(DELIVERIES, f"{registration_id}/{owner(party_id)}/{destination}")
