"""What staff can ask the log: the life of a registration, and whether the log is as it was written."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Doors, Right, Staff
from rinnan_chassis.web.problems import EVERY_LANGUAGE, asked_for
from rinnan_event_log import store
from rinnan_event_log.domain.chain import Fault, Link
from rinnan_event_log.domain.life import cause_of, county_of, deliveries, happened_at, in_order
from rinnan_event_log.domain.telling import Sentences
from rinnan_event_log.errors import UnknownRegistration
from rinnan_event_log.handlers import Nothing

MOST_ANCHORS = MOST_LOOKS = 1_000

AnchorText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}:[0-9a-f]{64}$")]
KeptAnchors = Annotated[
    list[AnchorText],
    Query(alias="anchor", max_length=200, description="Anchors that were kept elsewhere, <position>:<hash> each."),
]


class HappenedOut(BaseModel):
    """One event of a life: who said what when, because of what. Nothing that was sealed."""

    position: int = Field(description="Where it stands in the log's chain.")
    at: datetime
    heard_at: datetime
    type: str | None
    speaker: str | None
    topic: str
    id: str | None
    cause: str | None = Field(description="The id of the event that led to this one.")
    party_id: UUID | None
    sentence: str
    facts: Mapping[str, Any] = Field(description="Clear facts alone; `sealed` names what went along unread.")


class MoveOut(BaseModel):
    """One move of a delivery; `reason` is a class."""

    at: datetime
    from_state: str | None
    to_state: str
    reason: str
    attempt: int


class DeliveryOut(BaseModel):
    """One delivery, where it stands and how it came there. Without a party it is that of a joint record."""

    delivery_id: UUID
    destination: str
    party_id: UUID | None
    state: str
    moves: list[MoveOut]


class LifeOut(BaseModel):
    """The whole life of a registration, in order."""

    registration_id: UUID
    county: str | None
    language: str = Field(description="Of the sentences.")
    events: list[HappenedOut]
    deliveries: list[DeliveryOut]


class LookOut(BaseModel):
    """Somebody of the staff looked. `actor` is the issuer and the subject of their token, no name."""

    at: datetime
    actor: str
    what: str = Field(description="`life`, or `looks`: this list is looked at too.")


class AnchorOut(BaseModel):
    """A head of the chain. Kept elsewhere, it proves that nothing before it was edited since."""

    position: int
    hash: str
    made_at: datetime


class VerificationOut(BaseModel):
    """What a walk over the whole chain found."""

    whole: bool
    entries: int
    begins_after: int = Field(description="What stood up to this place is forgotten; 0 where nothing is.")
    begins_with: str = Field(description="The hash that stood at that place.")
    begins_at: datetime | None = Field(description="When the first entry that is kept was heard.")
    position: int = Field(description="The head: the last entry's place.")
    hash: str
    broken_at: int | None = Field(description="The first position that is not what it was.")
    fault: Fault | None


def routes(desk: Desk[Nothing], doors: Doors, sentences: Sentences, entries_kept: timedelta) -> APIRouter:
    """Every look needs the right *life*, and is written down before anything is shown.

    A registration whose county was never heard is there for the right *operate* alone.
    """
    router = APIRouter(tags=["log"])
    look = doors.staff(Right.LIFE)
    database = desk.batches.database

    @router.get("/registrations/{registration_id}/life")
    async def life_of_a_registration(
        registration_id: UUID, staff: Annotated[Staff, Depends(look)], request: Request, response: Response
    ) -> LifeOut:
        """Every event in order, and every delivery's moves. Of another county, or of none, it is unknown."""
        await store.note_look(database, staff.actor, "life", registration_id, desk.now())
        ordered = in_order(await store.life(database, registration_id))
        county = county_of(ordered)
        if not ordered or county not in staff.sees:
            raise UnknownRegistration
        language = asked_for(request, EVERY_LANGUAGE)
        response.headers["Content-Language"] = language
        return LifeOut(
            registration_id=registration_id,
            county=county,
            language=language,
            events=[
                HappenedOut(
                    position=read.position,
                    at=happened_at(read),
                    heard_at=read.entry.heard_at,
                    type=read.entry.type,
                    speaker=(read.entry.source or "").removeprefix("/rinnan/") or None,
                    topic=read.entry.topic,
                    id=read.entry.id,
                    cause=cause_of(read),
                    party_id=read.facts.get("party_id"),
                    sentence=sentences.tell(read, language),
                    facts=read.facts,
                )
                for read in ordered
            ],
            deliveries=[
                DeliveryOut(
                    delivery_id=UUID(each.delivery_id),
                    destination=each.destination,
                    party_id=UUID(each.party_id) if each.party_id else None,
                    state=each.state,
                    moves=[
                        MoveOut(
                            at=move.at,
                            from_state=move.from_state,
                            to_state=move.to_state,
                            reason=move.reason,
                            attempt=move.attempt,
                        )
                        for move in each.moves
                    ],
                )
                for each in deliveries(ordered)
            ],
        )

    @router.get("/registrations/{registration_id}/looks")
    async def looks_at_a_registration(registration_id: UUID, staff: Annotated[Staff, Depends(look)]) -> list[LookOut]:
        """Who of the staff looked at this life, newest first. Of another county, or of none, it is unknown."""
        await store.note_look(database, staff.actor, "looks", registration_id, desk.now())
        ordered = in_order(await store.life(database, registration_id))
        if not ordered or county_of(ordered) not in staff.sees:
            raise UnknownRegistration
        found = await store.looks(database, registration_id, MOST_LOOKS)
        return [LookOut(at=each.at, actor=each.actor, what=each.what) for each in found]

    @router.get("/verification")
    async def verification(staff: Annotated[Staff, Depends(look)], kept: KeptAnchors = []) -> VerificationOut:  # noqa: B006 - FastAPI copies it
        """Walk the whole chain, beside the log's own anchors and those that were kept elsewhere.

        A log that begins with an entry younger than it promises to keep was cut off at its beginning.
        """
        await store.note_look(database, staff.actor, "verification", None, desk.now())
        found = await store.verify(database, [_link(each) for each in kept], kept_since=desk.now() - entries_kept)
        return VerificationOut(
            whole=found.broken is None,
            entries=found.head.position - found.begin.position,
            begins_after=found.begin.position,
            begins_with=found.begin.hash.hex(),
            begins_at=found.begins_at,
            position=found.head.position,
            hash=found.head.hash.hex(),
            broken_at=found.broken.position if found.broken else None,
            fault=found.broken.fault if found.broken else None,
        )

    @router.get("/anchors")
    async def anchors(staff: Annotated[Staff, Depends(look)]) -> list[AnchorOut]:
        """The newest anchors, newest first: to be kept where nobody of this installation can write."""
        await store.note_look(database, staff.actor, "anchors", None, desk.now())
        found = await store.anchors(database, MOST_ANCHORS)
        return [
            AnchorOut(position=each.link.position, hash=each.link.hash.hex(), made_at=each.made_at) for each in found
        ]

    return router


def _link(anchor: str) -> Link:
    position, _, chain_hash = anchor.partition(":")
    return Link(int(position), bytes.fromhex(chain_hash))
