"""What went to a person, and that a person took it up."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rinnan_chassis.deciding import ByHand, Context, Decision
from rinnan_intake.domain.state import Doubt, Registration
from rinnan_intake.errors import UnknownRegistration


@dataclass(frozen=True, slots=True)
class TakeUp:
    """A member of staff has dealt with a doubt. Who it was, and which doubt, is kept with the room's operations."""

    doubt: Doubt
    by: str


def take_up(state: Registration | None, command: TakeUp, context: Context) -> Decision[Registration]:
    """The doubt no longer waits for a person; taking it up again changes nothing. Raises: UnknownRegistration."""
    if state is None:
        raise UnknownRegistration
    attention = tuple(
        replace(noted, settled_at=context.now) if noted.doubt is command.doubt and noted.settled_at is None else noted
        for noted in state.attention
    )
    answer = {"doubt": command.doubt}
    if attention == state.attention:
        return Decision(answer=answer)
    by_hand = ByHand(command.by, "doubt_taken_up", command.doubt.value)
    return Decision(state=replace(state, attention=attention), answer=answer, by_hand=by_hand)
