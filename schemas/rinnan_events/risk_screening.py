"""What risk_screening says. Answers and scores never leave it."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from rinnan_events.event import Event, Moment
from rinnan_events.opened import CareRoute
from rinnan_events.sealed import Sealed

SCREENING = "risk_screening.screening.v1"
CARE_ROUTE = "risk_screening.care_route.v1"


class ScreeningCompleted(Event):
    """A parent's screening is done: the same event, size and moment whatever was answered or declined."""

    type: ClassVar[str] = "risk_screening.screening_completed.v1"
    topic: ClassVar[str] = SCREENING
    party_id: UUID
    version: int
    completed_at: Moment


class CareRouteSet(Event):
    """Always said together with the completed screening, and always of one size."""

    type: ClassVar[str] = "risk_screening.care_route_set.v1"
    topic: ClassVar[str] = CARE_ROUTE
    party_id: UUID
    version: int
    care: Sealed[CareRoute]
