"""The only place where answers are looked at: scoring."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from rinnan_chassis.sealing import KeyDestroyed
from rinnan_chassis.working import Job
from rinnan_events import Sealed
from rinnan_profiles import Profiles
from rinnan_risk_screening import scoring
from rinnan_risk_screening.domain import PaddedAnswers, Scored


async def score(job: Job, profiles: Profiles) -> Scored | None:
    """Open the answers and find the route. Whoever left meanwhile has no key any more: then nothing is to be done."""
    party_id = UUID(job.payload["party_id"])
    try:
        given = await job.open(job.payload["answers"], PaddedAnswers, party=party_id)
    except KeyDestroyed:
        return None
    care = scoring.route(profiles.instrument(given.instrument_version), given)
    received_at = datetime.fromisoformat(job.payload["received_at"])
    return Scored(party_id, job.payload["version"], received_at, Sealed.of(care, party=party_id))
