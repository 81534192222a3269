"""A member of staff acts for somebody on the phone. Who, and for whom, is kept with what operators do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from rinnan_chassis.deciding import ByHand, Context, Decision
from rinnan_intake.domain.state import Registration
from rinnan_intake.errors import UnknownRegistration

Assisted = Literal["start", "ticket", "joining", "declining", "token", "single_contact"]


@dataclass(frozen=True, slots=True)
class ActForACaller:
    """A member of staff wants a token that opens all that this party has told."""

    party_id: UUID
    by: str


def act_for_a_caller(state: Registration | None, command: ActForACaller, _: Context) -> Decision[Registration]:
    """Keep whose part is opened, and by whom, before it is. Raises: UnknownRegistration."""
    party = state.parties.get(command.party_id) if state else None
    if party is None or not party.is_here:
        raise UnknownRegistration
    return Decision(by_hand=assisted(command.by, "token", command.party_id))


def assisted(by: str | None, what: Assisted, party_id: UUID | None = None) -> ByHand | None:
    """What is kept where a member of staff acted; nothing where it was the person."""
    return ByHand(by, "acts_for_a_caller", what, party_id) if by else None
