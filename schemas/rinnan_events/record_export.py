"""What record_export says: requests to the adapters, and every move of the ledger."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from rinnan_events.event import County, Destination, Event, Moment
from rinnan_events.opened import ClientRecord
from rinnan_events.sealed import Sealed

DELIVERY = "record_export.delivery.v1"


class DeliveryState(StrEnum):
    """Where one delivery stands in the ledger."""

    PLANNED = "planned"
    REQUESTED = "requested"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    PREPARED = "prepared"
    RELEASED = "released"
    KEYED_IN = "keyed_in"
    VERIFIED = "verified"
    CONFLICT = "conflict"
    CANCELLED = "cancelled"


class DeliveryRequested(Event):
    """Write this record to this destination. `party_id` is None for a joint record.

    A write does not begin after `write_by`: what is asked later than that has been asked of paper, or is asked anew.
    """

    type: ClassVar[str] = "record_export.delivery_requested.v1"
    topic: ClassVar[str] = DELIVERY
    delivery_id: UUID
    county: County
    destination: Destination
    party_id: UUID | None
    attempt: int
    write_by: Moment | None = None
    record: Sealed[ClientRecord]


class DeliveryLookupRequested(Event):
    """Look whether an earlier write of this delivery took effect; nothing is written."""

    type: ClassVar[str] = "record_export.delivery_lookup_requested.v1"
    topic: ClassVar[str] = DELIVERY
    delivery_id: UUID
    county: County
    destination: Destination
    party_id: UUID | None
    attempt: int
    look: int


class PackageRenderRequested(Event):
    """Render this record as packages for manual entry. `look_first`: an earlier write may have taken effect."""

    type: ClassVar[str] = "record_export.package_render_requested.v1"
    topic: ClassVar[str] = DELIVERY
    delivery_id: UUID
    county: County
    destination: Destination
    party_id: UUID | None
    attempt: int
    look_first: bool
    record: Sealed[ClientRecord]


class PackageRecalled(Event):
    """This delivery's package is not to be keyed in; a person confirms that it was taken back."""

    type: ClassVar[str] = "record_export.package_recalled.v1"
    topic: ClassVar[str] = DELIVERY
    delivery_id: UUID
    destination: Destination


class DeliveryMoved(Event):
    """One move of the ledger. `reason` is a class such as `timed_out`, never the far side's text."""

    type: ClassVar[str] = "record_export.delivery_moved.v1"
    topic: ClassVar[str] = DELIVERY
    delivery_id: UUID
    destination: Destination
    party_id: UUID | None
    from_state: DeliveryState | None
    to_state: DeliveryState
    reason: str
    attempt: int
    moved_at: Moment
