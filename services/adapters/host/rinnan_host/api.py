"""For the county's staff: the documents of packages. Every look is kept, before anything is shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Doors, NotAllowed, Right, Staff
from rinnan_host import store
from rinnan_host.domain import Here
from rinnan_host.errors import NoSuchDocument

SAFE = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
}
"""A page may be drawn, and may do nothing."""


class DocumentOut(BaseModel):
    """One document: what it is called and whom it is about, nothing of its content."""

    document_id: UUID
    delivery_id: UUID
    party_id: UUID | None = Field(description="None: shared, and telling nothing of either parent's part.")
    name: str
    media_type: str
    protected: bool = Field(description="Reading it needs the right to see what protects a parent.")
    asked_at: datetime


class LookOut(BaseModel):
    """Somebody of the staff read a document. `actor` is the issuer and the subject of their token, no name."""

    at: datetime
    actor: str
    what: str = Field(description="`document`.")
    document_id: UUID


def routes(desk: Desk[Any], doors: Doors, here: Here) -> Sequence[APIRouter]:
    """Listing and reading."""
    router = APIRouter(tags=["documents"])
    life, bodies = doors.staff(Right.LIFE), doors.staff(Right.BODIES)

    @router.get("/registrations/{registration_id}/documents")
    async def documents(staff: Annotated[Staff, Depends(life)], registration_id: UUID) -> list[DocumentOut]:
        """What was rendered for a registration and is still here."""
        _same_county(staff, here)
        kept = await store.of_registration(desk.batches.database, registration_id)
        return [
            DocumentOut(
                document_id=one.document_id,
                delivery_id=one.delivery_id,
                party_id=one.party_id,
                name=one.name,
                media_type=one.media_type,
                protected=one.protected,
                asked_at=one.asked_at,
            )
            for one in kept
        ]

    @router.get("/documents/{document_id}", response_class=Response)
    async def document(staff: Annotated[Staff, Depends(bodies)], document_id: UUID) -> Response:
        """A document, byte for byte as it was rendered."""
        _same_county(staff, here)
        shelved = await store.one(desk.batches.database, document_id)
        if shelved.protected and Right.PROTECTED not in staff.rights:
            raise NotAllowed
        batches = desk.batches
        content = await store.look(batches.database, batches.keyring, shelved, staff.actor, desk.now())
        named = {"Content-Disposition": f'inline; filename="{shelved.name}"'}
        return Response(content, media_type=shelved.media_type, headers={**SAFE, **named})

    @router.get("/deliveries/{delivery_id}/looks")
    async def looks(staff: Annotated[Staff, Depends(life)], delivery_id: UUID) -> list[LookOut]:
        """Who read which document of a delivery, newest first, also where the documents are gone."""
        _same_county(staff, here)
        found = await store.looks(desk.batches.database, delivery_id)
        return [
            LookOut(at=each.looked_at, actor=each.actor, what="document", document_id=each.document_id)
            for each in found
        ]

    return [router]


def _same_county(staff: Staff, here: Here) -> None:
    if staff.county != here.county:
        raise NoSuchDocument
