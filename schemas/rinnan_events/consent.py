"""What consent says: each parent's versioned consents."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from rinnan_events.event import Event, Moment
from rinnan_events.opened import Consents
from rinnan_events.sealed import Sealed

CONSENT = "consent.consent.v1"


class ConsentGiven(Event):
    """A parent answered every consent and gave all the mandatory ones. A later version replaces an earlier one."""

    type: ClassVar[str] = "consent.consent_given.v1"
    topic: ClassVar[str] = CONSENT
    party_id: UUID
    version: int
    given_at: Moment
    consents: Sealed[Consents]


class ConsentWithdrawn(Event):
    """A parent took back what they had consented to."""

    type: ClassVar[str] = "consent.consent_withdrawn.v1"
    topic: ClassVar[str] = CONSENT
    party_id: UUID
    version: int
    withdrawn_at: Moment
