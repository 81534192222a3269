"""The operator's API of a room: what is held, set aside or due, and letting it go on. Ids, types and times only."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Protocol, TypedDict
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from rinnan_chassis.operations import Within
from rinnan_chassis.web.bodies import Body
from rinnan_chassis.web.doors import Doors
from rinnan_chassis.web.issuers import Right, Staff
from rinnan_chassis.web.problems import Fault, NotValid

log = logging.getLogger(__name__)


class _Shown(BaseModel):
    """What is shown is only what is named here: whatever else a row holds stays in."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Held(_Shown):
    """A subject of which this room hears nothing further, since when, and what waits for it."""

    subject: UUID
    held_at: datetime
    parked: int
    dead_letters: int
    stuck: int


class DeadLetter(_Shown):
    """A message that was set aside and still waits. Its body is not shown."""

    id: UUID
    subject: UUID | None
    topic: str
    type: str | None
    set_aside_at: datetime
    reason: str = Field(description="A class, such as the kind of failure.")


class WorkOfKind(_Shown):
    """Due work of one kind in one state; `oldest_due` is since when the oldest is due."""

    kind: str
    state: str
    count: int
    due: int
    oldest_due: datetime | None


class AllWork(_Shown):
    kinds: list[WorkOfKind]


class Reheard(_Shown):
    """What became of the messages that were heard on, in order."""

    heard: list[str]


class Settled(_Shown):
    settled: UUID


class Done(_Shown):
    """What somebody of the staff did to a subject or a thing of it. `by`: issuer and subject of their token."""

    by: str
    verb: str
    subject: UUID | None
    thing: UUID | None = Field(description="What it was done to, by its id: a dead letter, or what the verb tells.")
    why: str
    done_at: datetime


class Operable(Protocol):
    """What the room itself can do about its troubles. It records every change with who and why.

    `within`: the owners whose subjects are there for whoever asks; None stands for those of no known owner.
    Raises: a Refusal with status 404 where what is to be changed is not there, or no longer so; NotAsSeen.
    """

    async def held(self, *, within: Within) -> Sequence[Mapping[str, Any]]: ...
    async def dead_letters(self, *, within: Within) -> Sequence[Mapping[str, Any]]: ...
    async def acts(self, on: UUID, *, within: Within) -> Sequence[Mapping[str, Any]]: ...
    async def work(self) -> Mapping[str, Any]: ...
    async def release(self, subject: UUID, *, by: str, why: str, within: Within) -> Mapping[str, Any]: ...
    async def redrive(self, letter: UUID, *, by: str, why: str, within: Within) -> Mapping[str, Any]: ...
    async def discard(self, letter: UUID, *, by: str, why: str, within: Within) -> Mapping[str, Any]: ...


class Why(StrEnum):
    """Why an operator changes something: a class, so that no text about anybody is kept."""

    FAULT_MENDED = "fault_mended"
    SAID_ANEW = "said_anew"
    SENDER_ASKED = "sender_asked"
    DUPLICATE = "duplicate"
    HARMLESS = "looked_at_and_harmless"
    TO_SEE = "tried_to_see"
    SEE_TICKET = "see_ticket"


class Reason(Body):
    """Why an operator changes something. It is kept with the change for good; more is told by a ticket elsewhere."""

    reason: Why
    ticket: Annotated[str, Field(pattern=r"^[A-Z]{2,10}-[0-9]{1,8}$")] | None = None

    @property
    def told(self) -> str:
        """As it is kept. Raises: NotValid where the reason stands in a ticket and none is named."""
        if self.reason is Why.SEE_TICKET and self.ticket is None:
            raise NotValid([Fault("/ticket", "chassis.missing_field")])
        return f"{self.reason} {self.ticket}" if self.ticket else self.reason.value


def operations_routes(room: Operable, doors: Doors) -> APIRouter:
    """`/operations`: staff with the right *life* may look; changing asks for *act* besides, and a reason.

    Subjects of another owner do not exist for them; those of no known owner exist for the right *operate* alone.
    """
    router = APIRouter(prefix="/operations", tags=["operations"])
    look = doors.staff(Right.LIFE)
    change = doors.staff(Right.LIFE, Right.ACT)

    @router.get("/held")
    async def operations_held(staff: Annotated[Staff, Depends(look)]) -> list[Held]:
        _note(staff, "held")
        return [Held.model_validate(each) for each in await room.held(within=staff.sees)]

    @router.get("/dead-letters")
    async def operations_dead_letters(staff: Annotated[Staff, Depends(look)]) -> list[DeadLetter]:
        _note(staff, "dead_letters")
        return [DeadLetter.model_validate(each) for each in await room.dead_letters(within=staff.sees)]

    @router.get("/acts/{subject}")
    async def operations_acts(subject: UUID, staff: Annotated[Staff, Depends(look)]) -> list[Done]:
        """What was done to a subject, or to a thing of it (by its id), by whom and why, oldest first."""
        _note(staff, "acts", subject)
        return [Done.model_validate(each) for each in await room.acts(subject, within=staff.sees)]

    @router.get("/work")
    async def operations_work(staff: Annotated[Staff, Depends(look)]) -> AllWork:
        _note(staff, "work")
        return AllWork.model_validate(await room.work())

    @router.post("/held/{subject}/release")
    async def operations_release(subject: UUID, why: Reason, staff: Annotated[Staff, Depends(change)]) -> Reheard:
        _note(staff, "release", subject)
        return Reheard.model_validate(await room.release(subject, **_who(staff), why=why.told))

    @router.post("/dead-letters/{letter}/redrive")
    async def operations_redrive(letter: UUID, why: Reason, staff: Annotated[Staff, Depends(change)]) -> Reheard:
        _note(staff, "redrive", letter)
        return Reheard.model_validate(await room.redrive(letter, **_who(staff), why=why.told))

    @router.post("/dead-letters/{letter}/discard")
    async def operations_discard(letter: UUID, why: Reason, staff: Annotated[Staff, Depends(change)]) -> Settled:
        _note(staff, "discard", letter)
        return Settled.model_validate(await room.discard(letter, **_who(staff), why=why.told))

    return router


class _Who(TypedDict):
    by: str
    within: Within


def _who(staff: Staff) -> _Who:
    return {"by": staff.actor, "within": staff.sees}


def _note(staff: Staff, verb: str, on: UUID | None = None) -> None:
    log.info("operation", extra={"by": staff.subject, "verb": verb, "on": None if on is None else str(on)})
