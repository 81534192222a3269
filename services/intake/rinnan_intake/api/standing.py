"""What a parent sees of the registration, and the two ways out of it."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from rinnan_chassis.web import Doors, Key, PartyToken, etag
from rinnan_intake.api.bodies import AloneIn
from rinnan_intake.api.own_part import OwnPart, RegistrationOut, own_token
from rinnan_intake.domain.leaving import Leave
from rinnan_intake.domain.state import Status


class DepartureOut(BaseModel):
    """What one who left sees."""

    status: Literal[Status.CLOSED]


class AloneOut(BaseModel):
    """Under which registration the county makes contact."""

    registration_id: UUID


def standing_routes(part: OwnPart, doors: Doors) -> APIRouter:
    """The routes by which a parent sees where they stand, leaves, or asks to be contacted alone."""
    router = APIRouter(prefix="/registrations/{registration_id}", tags=["own part"])
    me = own_token(doors)

    @router.get("")
    async def see_registration(token: Annotated[PartyToken, Depends(me)], response: Response) -> RegistrationOut:
        """The own part, the deadline and one of three states. It tells nothing else of the other parent."""
        seen = await part.see(token)
        if seen.own:
            response.headers.update(etag(seen.own.revision))
        return seen

    @router.post("/departure")
    async def leave(token: Annotated[PartyToken, Depends(me)]) -> DepartureOut:
        """Take no part any longer. Everything of this parent is erased at once; the other is told nothing."""
        return DepartureOut.model_validate(await part.decide(token, Leave(token.party_id)))

    @router.post("/single-contact", status_code=202)
    async def ask_to_be_contacted_alone(token: Annotated[PartyToken, Depends(me)], body: AloneIn, key: Key) -> AloneOut:
        """Ask to be contacted without the other, at any time, also after the ending."""
        return AloneOut.model_validate(await part.ask_alone(token, body, key))

    return router
