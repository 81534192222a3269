"""What went to a person, that a person took it up, and delivering what was heard only after the ending."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rinnan_chassis.deciding import ByHand, Context, Decision, Work
from rinnan_intake.domain.gate import GATE
from rinnan_intake.domain.state import Doubt, Registration
from rinnan_intake.errors import NothingToDeliver, StillToBeDelivered, UnknownRegistration


@dataclass(frozen=True, slots=True)
class TakeUp:
    """A member of staff has dealt with a doubt. Who it was, and which doubt, is kept with the room's operations."""

    doubt: Doubt
    by: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """A member of staff delivers what both parents completed in time and intake heard only after the ending."""

    by: str


def take_up(state: Registration | None, command: TakeUp, context: Context) -> Decision[Registration]:
    """The doubt no longer waits for a person; taking it up again changes nothing.

    Raises: UnknownRegistration; StillToBeDelivered where `Deliver` serves instead.
    """
    if state is None:
        raise UnknownRegistration
    if command.doubt is Doubt.HEARD_AFTER_ENDING and state.is_still_to_be_delivered:
        raise StillToBeDelivered
    return _settled(state, command.doubt, ByHand(command.by, "doubt_taken_up", command.doubt.value), context)


def deliver(state: Registration | None, command: Deliver, context: Context) -> Decision[Registration]:
    """Let through the gate what stood whole behind it. The gate is due work: it rests while the registration is held.

    Parents are shown what they were: for them it ended. Raises: UnknownRegistration, NothingToDeliver.
    """
    if state is None:
        raise UnknownRegistration
    if not state.is_still_to_be_delivered:
        raise NothingToDeliver
    doubt = Doubt.HEARD_AFTER_ENDING
    settled = _settled(state, doubt, ByHand(command.by, "delivered_after_ending", doubt.value), context)
    gate = Work(GATE, f"{context.subject}.after_ending", context.now, {"after_ending": True})
    return replace(settled, works=(gate,))


def _settled(state: Registration, doubt: Doubt, by_hand: ByHand, context: Context) -> Decision[Registration]:
    attention = tuple(
        replace(noted, settled_at=context.now) if noted.doubt is doubt and noted.settled_at is None else noted
        for noted in state.attention
    )
    answer = {"doubt": doubt}
    if attention == state.attention:
        return Decision(answer=answer)
    return Decision(state=replace(state, attention=attention), answer=answer, by_hand=by_hand)
