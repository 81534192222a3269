"""For the county's staff: where deliveries stand, and what people do with packages. Nothing personal, only ids."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Body, Doors, Key, Right, Staff
from rinnan_events.record_export import DeliveryState
from rinnan_record_export import store
from rinnan_record_export.domain import packages
from rinnan_record_export.domain.ledger import Delivery
from rinnan_record_export.domain.packages import StaffAct, Why
from rinnan_record_export.domain.registration import Registration
from rinnan_record_export.errors import UnknownDelivery


class PackageOut(BaseModel):
    """A package. Its documents are read from the renderer's own API, under other rights."""

    renderer: str
    look_first: bool = Field(description="An earlier write may stand: look for it before keying in.")
    documents: list[UUID]
    prepared_at: datetime | None
    released_at: datetime | None
    released_by: str | None
    keyed_in_at: datetime | None
    keyed_in_by: str | None
    verified_at: datetime | None
    verified_by: str | None
    recalled_at: datetime | None = Field(description="The system has confirmed meanwhile: take the package back.")


class DeliveryOut(BaseModel):
    """One delivery, told by ids, types and times."""

    registration_id: UUID
    delivery_id: UUID
    party_id: UUID | None = Field(description="None: both parties' record.")
    destination: str
    state: DeliveryState
    reason: str
    attempt: int
    contact_by: datetime
    planned_at: datetime
    moved_at: datetime
    receipt: str | None
    doubled: bool
    package: PackageOut | None


class CorrectionOut(BaseModel):
    """Something changed after the record went out; a person tells the destination."""

    registration_id: UUID
    party_id: UUID
    what: str
    heard_at: datetime
    number: int = Field(description="Counted within the registration: the newest one is named when they are taken up.")


class Moved(BaseModel):
    """Where the delivery stands now."""

    delivery_id: UUID
    state: DeliveryState


class Taken(BaseModel):
    """How many corrections of the registration were taken up."""

    corrections: int


class Deviation(Body):
    """Why a person leaves the ordinary way."""

    why: Why


class Settlement(Deviation):
    """Where the record stands, once: on paper as it was keyed in, or through the system."""

    on_paper: bool


class TakeUp(Deviation):
    """Which corrections the destination was told of."""

    seen: int = Field(ge=0, le=1_000_000, description="The `number` of the newest that was listed.")


def routes(desk: Desk[Registration], doors: Doors) -> list[APIRouter]:
    """Reading the ledger, and acting on it."""
    return [_reading(desk, doors), _acting(desk, doors)]


def _reading(desk: Desk[Registration], doors: Doors) -> APIRouter:
    router = APIRouter(tags=["deliveries"])
    look = doors.staff(Right.LIFE)

    @router.get("/deliveries")
    async def unsettled(
        staff: Annotated[Staff, Depends(look)],
        state: Annotated[list[DeliveryState] | None, Query(max_length=12)] = None,
        most: Annotated[int, Query(ge=1, le=500)] = 200,
    ) -> list[DeliveryOut]:
        """The deliveries of one's own county that are not over, the most urgent promise first."""
        found = await store.unsettled(desk.batches.database, staff.county, state or (), most)
        return [_out(registration_id, delivery_id, delivery) for registration_id, delivery_id, delivery in found]

    @router.get("/corrections")
    async def corrections(staff: Annotated[Staff, Depends(look)]) -> list[CorrectionOut]:
        """What changed after a record went out and nobody has told the destination yet."""
        return [
            CorrectionOut(
                registration_id=registration_id,
                party_id=one.party_id,
                what=one.what,
                heard_at=one.heard_at,
                number=one.number,
            )
            for registration_id, one in await store.corrected(desk.batches.database, staff.county)
        ]

    @router.get("/registrations/{registration_id}/deliveries")
    async def of_one(staff: Annotated[Staff, Depends(look)], registration_id: UUID) -> list[DeliveryOut]:
        """Every delivery of one registration, also those that are over."""
        state = await desk.state(registration_id)
        if state is None or state.opening is None or state.county != staff.county:
            raise UnknownDelivery
        return [_out(registration_id, delivery_id, delivery) for delivery_id, delivery in state.deliveries.items()]

    return router


def _acting(desk: Desk[Registration], doors: Doors) -> APIRouter:
    router = APIRouter(prefix="/registrations/{registration_id}", tags=["packages"])
    act = doors.staff(Right.ACT)

    async def decide(command: StaffAct, registration_id: UUID, key: str | None) -> Moved:
        answer = await desk.decide(
            command, subject=registration_id, caller=command.actor, key=key, fingerprint=repr(command)
        )
        return Moved.model_validate(answer)

    @router.post("/deliveries/{delivery_id}/release")
    async def release(
        staff: Annotated[Staff, Depends(act)], registration_id: UUID, delivery_id: UUID, key: Key
    ) -> Moved:
        """Hand a prepared package to the people who key in."""
        return await decide(packages.Release(staff.actor, staff.county, delivery_id), registration_id, key)

    @router.post("/deliveries/{delivery_id}/keyed-in")
    async def keyed_in(
        staff: Annotated[Staff, Depends(act)], registration_id: UUID, delivery_id: UUID, key: Key
    ) -> Moved:
        """Say that the package was keyed in."""
        return await decide(packages.KeyIn(staff.actor, staff.county, delivery_id), registration_id, key)

    @router.post("/deliveries/{delivery_id}/verified")
    async def verified(
        staff: Annotated[Staff, Depends(act)], registration_id: UUID, delivery_id: UUID, key: Key
    ) -> Moved:
        """Say that what was keyed in was checked. Not by whoever keyed it in."""
        return await decide(packages.Verify(staff.actor, staff.county, delivery_id), registration_id, key)

    @router.post("/deliveries/{delivery_id}/not-keyed-in")
    async def not_keyed_in(
        staff: Annotated[Staff, Depends(act)], registration_id: UUID, delivery_id: UUID, body: Deviation, key: Key
    ) -> Moved:
        """Say that the package was not keyed in. The system is then searched before anything is written."""
        command = packages.SendBack(staff.actor, staff.county, delivery_id, body.why)
        return await decide(command, registration_id, key)

    @router.post("/deliveries/{delivery_id}/recall-confirmed")
    async def recall_confirmed(
        staff: Annotated[Staff, Depends(act)], registration_id: UUID, delivery_id: UUID, body: Deviation, key: Key
    ) -> Moved:
        """Say that a recalled package was taken back before anybody keyed it in."""
        command = packages.ConfirmRecall(staff.actor, staff.county, delivery_id, body.why)
        return await decide(command, registration_id, key)

    @router.post("/deliveries/{delivery_id}/conflict-settled")
    async def conflict_settled(
        staff: Annotated[Staff, Depends(act)], registration_id: UUID, delivery_id: UUID, body: Settlement, key: Key
    ) -> Moved:
        """Say, having looked, where the record stands once."""
        command = packages.SettleConflict(staff.actor, staff.county, delivery_id, on_paper=body.on_paper, why=body.why)
        return await decide(command, registration_id, key)

    @router.post("/deliveries/{delivery_id}/try-again")
    async def try_again(
        staff: Annotated[Staff, Depends(act)], registration_id: UUID, delivery_id: UUID, body: Deviation, key: Key
    ) -> Moved:
        """Ask the destination again, now."""
        command = packages.TryAgain(staff.actor, staff.county, delivery_id, body.why)
        return await decide(command, registration_id, key)

    @router.post("/corrections/taken-up")
    async def taken_up(staff: Annotated[Staff, Depends(act)], registration_id: UUID, body: TakeUp, key: Key) -> Taken:
        """Say that the destination was told of every correction, up to the newest that was seen."""
        command = packages.TakeUpCorrections(staff.actor, staff.county, body.why, body.seen)
        answer = await desk.decide(
            command, subject=registration_id, caller=command.actor, key=key, fingerprint=repr(command)
        )
        return Taken.model_validate(answer)

    return router


def _out(registration_id: UUID, delivery_id: UUID, delivery: Delivery) -> DeliveryOut:
    package = delivery.package
    return DeliveryOut(
        registration_id=registration_id,
        delivery_id=delivery_id,
        party_id=delivery.party_id,
        destination=delivery.destination,
        state=delivery.state,
        reason=delivery.reason,
        attempt=delivery.attempt,
        contact_by=delivery.contact_by,
        planned_at=delivery.planned_at,
        moved_at=delivery.moved_at,
        receipt=delivery.receipt,
        doubled=delivery.doubled,
        package=PackageOut(
            renderer=package.renderer,
            look_first=package.look_first,
            documents=list(package.document_ids),
            prepared_at=package.prepared_at,
            released_at=package.released_at,
            released_by=package.released_by,
            keyed_in_at=package.keyed_in_at,
            keyed_in_by=package.keyed_in_by,
            verified_at=package.verified_at,
            verified_by=package.verified_by,
            recalled_at=package.recalled_at,
        )
        if package
        else None,
    )
