"""For the county's staff: which registrations wait for a person, and that somebody took them up."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Doors, Right, Staff
from rinnan_intake import store
from rinnan_intake.domain.attention import TakeUp
from rinnan_intake.domain.state import Doubt, Registration
from rinnan_intake.errors import UnknownRegistration


class DoubtOut(BaseModel):
    """One doubt that waits."""

    registration_id: UUID
    doubt: Doubt
    since: datetime


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
            DoubtOut(registration_id=registration_id, doubt=noted.doubt, since=noted.since)
            for registration_id, state in await store.in_doubt(desk.batches.database)
            if state.county == staff.county
            for noted in state.attention
            if noted.settled_at is None
        ]

    @router.post("/{registration_id}/{doubt}")
    async def take_up_doubt(staff: Annotated[Staff, Depends(act)], registration_id: UUID, doubt: Doubt) -> TakenUpOut:
        """Say that a person has dealt with a doubt."""
        state = await desk.state(registration_id)
        if state is None or state.county != staff.county:
            raise UnknownRegistration
        answer = await desk.decide(TakeUp(doubt, by=staff.actor), subject=registration_id, caller=staff.actor)
        return TakenUpOut.model_validate(answer)

    return router
