"""For the county's staff: which registrations wait for a person, that somebody took them up, or delivers them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Doors, Right, Staff
from rinnan_intake import store
from rinnan_intake.domain.attention import Deliver, TakeUp
from rinnan_intake.domain.state import Doubt, Registration
from rinnan_intake.errors import UnknownRegistration


class DoubtOut(BaseModel):
    """One doubt that waits."""

    registration_id: UUID
    doubt: Doubt
    since: datetime
    still_to_be_delivered: bool = Field(
        description="What both parents completed in time was heard after the ending; a person delivers it."
    )


class TakenUpOut(BaseModel):
    """A doubt that waits no longer."""

    doubt: Doubt


def attention_routes(desk: Desk[Registration], doors: Doors) -> APIRouter:
    """What waits for a person, without anything personal in it."""
    router = APIRouter(prefix="/attention", tags=["attention"])
    look, act = doors.staff(Right.LIFE), doors.staff(Right.ACT)

    @router.get("")
    async def doubts(staff: Annotated[Staff, Depends(look)]) -> list[DoubtOut]:
        """What waits for a person in one's own county, without anything personal."""
        return [
            DoubtOut(
                registration_id=registration_id,
                doubt=noted.doubt,
                since=noted.since,
                still_to_be_delivered=noted.doubt is Doubt.HEARD_AFTER_ENDING and state.is_still_to_be_delivered,
            )
            for registration_id, state in await store.in_doubt(desk.batches.database)
            if state.county == staff.county
            for noted in state.attention
            if noted.settled_at is None
        ]

    async def decide(command: TakeUp | Deliver, registration_id: UUID, staff: Staff) -> TakenUpOut:
        state = await desk.state(registration_id)
        if state is None or state.county != staff.county:
            raise UnknownRegistration
        return TakenUpOut.model_validate(await desk.decide(command, subject=registration_id, caller=staff.actor))

    @router.post("/{registration_id}/{doubt}")
    async def take_up_doubt(staff: Annotated[Staff, Depends(act)], registration_id: UUID, doubt: Doubt) -> TakenUpOut:
        """Say that a person has dealt with a doubt. What is still to be delivered is not taken up otherwise."""
        return await decide(TakeUp(doubt, by=staff.actor), registration_id, staff)

    @router.post("/{registration_id}/heard_after_ending/delivery")
    async def deliver_after_ending(staff: Annotated[Staff, Depends(act)], registration_id: UUID) -> TakenUpOut:
        """Deliver what both parents completed in time and intake heard after the ending. They are shown no change."""
        return await decide(Deliver(by=staff.actor), registration_id, staff)

    return router
