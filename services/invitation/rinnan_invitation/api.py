"""Asking again, and presenting a code. What is answered here never depends on the other parent, nor on the code."""

import hashlib
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from rinnan_chassis.deciding import Refusal
from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Body, Doors, Email, Key, PartyToken, Phone
from rinnan_events import Sealed
from rinnan_events.invitation import Intention
from rinnan_events.opened import Contact
from rinnan_invitation import codes
from rinnan_invitation.domain.asking import AskAgain
from rinnan_invitation.domain.joining import TakeJoining
from rinnan_invitation.domain.registration import Registration
from rinnan_invitation.errors import NotOpen, NoWayToReach
from rinnan_profiles.words import Language


class ContactIn(Body):
    """How the other parent may be reached. It is used for the letter alone, and never shown back."""

    language: Annotated[Language, Field(max_length=40)]
    email: Email | None = None
    phone: Phone | None = None


class AskAgainIn(Body):
    """Where to ask: what was told before is not kept, so it is told again."""

    contact: ContactIn


class JoiningIn(BaseModel):
    """A joining ticket and the code as it was typed: anything at all, for nothing that is typed is told from a code."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    ticket: str
    code: str
    intention: Literal["join", "decline"]


class Accepted(BaseModel):
    """Taken. What comes of it is seen, if at all, where the caller's own things are seen."""

    accepted: bool = True


def routes(desk: Desk[Registration], doors: Doors, pepper: bytes) -> APIRouter:
    """The two things that people can do with invitations."""
    router = APIRouter(tags=["invitations"])

    @router.post("/registrations/{registration_id}/invitation/resend", status_code=202)
    async def ask_again(
        registration_id: UUID, party: Annotated[PartyToken, Depends(doors.party)], body: AskAgainIn, key: Key
    ) -> Accepted:
        """Have the other parent asked once more, at this contact of theirs. A letter leaves whatever they have done."""
        if desk.now() > party.deadline:  # before anything is looked up: how long it is kept depends on the other too
            raise NotOpen
        await desk.decide(
            AskAgain(party.party_id, Sealed.of(_contact(body.contact), party=None)),
            subject=registration_id,
            caller=str(party.party_id),
            key=key,
            fingerprint=body.model_dump_json(),
        )
        return Accepted()

    @router.post("/joinings", status_code=202)
    async def join(body: JoiningIn) -> Accepted:
        """Present a code with a joining ticket. It is stored before anything is looked up, always answered alike."""
        ticket = hashlib.sha256(body.ticket.encode(errors="surrogatepass")).digest()
        command = TakeJoining(ticket.hex(), codes.key_of(body.code, pepper), Intention(body.intention))
        try:
            await desk.decide(command, subject=_subject_of(ticket))
        except Refusal:
            return Accepted()
        return Accepted()

    return router


def _contact(given: ContactIn) -> Contact:
    if not (given.email or given.phone):
        raise NoWayToReach("/contact")
    return Contact(language=given.language, email=given.email, phone=given.phone)


def _subject_of(ticket: bytes) -> UUID:
    """What a try is filed under until it is looked up: as random as its ticket, the same for a second try."""
    return UUID(bytes=ticket[:16], version=4)
