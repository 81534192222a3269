"""What went to a person, and that a person took it up."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rinnan_chassis.deciding import Context, Decision
from rinnan_intake.domain.state import Doubt, Registration
from rinnan_intake.errors import UnknownRegistration


@dataclass(frozen=True, slots=True)
class TakeUp:
    """A member of staff has dealt with a doubt. Who, and why, stands in the audit log."""

    doubt: Doubt


def take_up(state: Registration | None, command: TakeUp, context: Context) -> Decision[Registration]:
    """The doubt no longer waits for a person. Raises: UnknownRegistration."""
    if state is None:
        raise UnknownRegistration
    attention = tuple(
        replace(noted, settled_at=context.now) if noted.doubt is command.doubt and noted.settled_at is None else noted
        for noted in state.attention
    )
    return Decision(state=replace(state, attention=attention), answer={"doubt": command.doubt})
