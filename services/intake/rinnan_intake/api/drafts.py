"""Drafts of a parent's own part, giving the form in, and taking it back."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from rinnan_chassis.web import Doors, Key, PartyToken, Seen, etag
from rinnan_events import Sealed
from rinnan_events.opened import Contact, OwnForm, Protection
from rinnan_intake.api.bodies import ChildrenIn, ContactIn, ProtectionIn, StepIn
from rinnan_intake.api.own_part import OwnPart, own_token
from rinnan_intake.domain.opening import CHILDREN
from rinnan_intake.domain.own_part import ReopenForm, SaveContact, SaveProtection, SaveStep
from rinnan_intake.errors import UnknownRegistration


class SavedOut(BaseModel):
    """The own part after a change."""

    version: int
    revision: int
    given_in: bool


class StepOut(BaseModel):
    """A draft as it was saved; empty where none was."""

    answers: dict[str, tuple[str, ...]]
    services: tuple[str, ...]


class ChildOut(BaseModel):
    """A child as the parent named it."""

    identity_code: str | None
    family_name: str
    given_names: str
    birth_date: date | None


class ChildrenOut(BaseModel):
    """The children that the parent named."""

    children: list[ChildOut]


def draft_routes(part: OwnPart, doors: Doors) -> APIRouter:  # noqa: C901 - one small function per route
    """The routes by which a parent fills in their own part."""
    router = APIRouter(prefix="/registrations/{registration_id}", tags=["own part"])
    me = own_token(doors)

    @router.get("/form/{step}")
    async def read_step(token: Annotated[PartyToken, Depends(me)], step: str) -> StepOut:
        """The draft of one page of the form."""
        await part.check_step(token, step, StepIn())
        _, party = await part.read(token)
        own = await part.draft(token, party, step)
        return StepOut(answers=own.answers, services=own.services) if own else StepOut(answers={}, services=())

    @router.put("/form/{step}")
    async def save_step(
        token: Annotated[PartyToken, Depends(me)],
        step: str,
        body: StepIn,
        expected: Seen,
        key: Key,
        *,
        response: Response,
    ) -> SavedOut:
        """Save a draft of one page; what is not answered yet is no fault."""
        await part.check_step(token, step, body)
        own = OwnForm(language="und", services=body.services, children=(), answers=body.answers)
        draft = Sealed.of(own, party=token.party_id, mark=f"form.{step}")
        return _saved(
            response,
            await part.decide(
                token, SaveStep(token.party_id, step, draft, expected), key, said=step + body.model_dump_json()
            ),
        )

    @router.get("/children")
    async def read_children(token: Annotated[PartyToken, Depends(me)]) -> ChildrenOut:
        """The children as this parent named them."""
        _, party = await part.read(token)
        own = await part.draft(token, party, CHILDREN)
        return ChildrenOut(children=[ChildOut(**child.model_dump()) for child in own.children] if own else [])

    @router.put("/children")
    async def save_children(
        token: Annotated[PartyToken, Depends(me)],
        body: ChildrenIn,
        expected: Seen,
        key: Key,
        response: Response,
    ) -> SavedOut:
        """Name the children anew."""
        children = tuple(child.child() for child in body.children)
        own = OwnForm(language="und", services=(), children=children, answers={})
        draft = Sealed.of(own, party=token.party_id, mark=f"form.{CHILDREN}")
        return _saved(
            response,
            await part.decide(
                token, SaveStep(token.party_id, CHILDREN, draft, expected), key, said=CHILDREN + body.model_dump_json()
            ),
        )

    @router.get("/contact")
    async def read_contact(token: Annotated[PartyToken, Depends(me)]) -> Contact:
        """How this parent may be reached."""
        _, party = await part.read(token)
        if party.contact is None:
            raise UnknownRegistration
        return await part.opened(token, party, party.contact, Contact)

    @router.put("/contact")
    async def save_contact(
        token: Annotated[PartyToken, Depends(me)],
        body: ContactIn,
        expected: Seen,
        key: Key,
        response: Response,
    ) -> SavedOut:
        """Say how one may be reached safely."""
        contact = Sealed.of(body.contact(), party=token.party_id)
        return _saved(
            response,
            await part.decide(token, SaveContact(token.party_id, contact, expected), key, said=body.model_dump_json()),
        )

    @router.get("/protection")
    async def read_protection(token: Annotated[PartyToken, Depends(me)]) -> Protection:
        """Where this parent lives and what shields them."""
        _, party = await part.read(token)
        if party.protection is None:
            raise UnknownRegistration
        return await part.opened(token, party, party.protection, Protection)

    @router.put("/protection")
    async def save_protection(
        token: Annotated[PartyToken, Depends(me)],
        body: ProtectionIn,
        expected: Seen,
        key: Key,
        response: Response,
    ) -> SavedOut:
        """Say where one lives and what shields one; all of it may be left untold."""
        protection = Sealed.of(body.protection(), party=token.party_id)
        return _saved(
            response,
            await part.decide(
                token, SaveProtection(token.party_id, protection, expected), key, said=body.model_dump_json()
            ),
        )

    @router.post("/form/submission")
    async def submit_form(token: Annotated[PartyToken, Depends(me)], response: Response) -> SavedOut:
        """Give the whole form in. Giving in twice is giving in once."""
        return _saved(response, await part.submit(token))

    @router.post("/form/reopening")
    async def reopen_form(
        token: Annotated[PartyToken, Depends(me)], expected: Seen, key: Key, response: Response
    ) -> SavedOut:
        """Take the own form back to change it."""
        return _saved(response, await part.decide(token, ReopenForm(token.party_id, expected), key))

    return router


def _saved(response: Response, answer: Mapping[str, Any]) -> SavedOut:
    response.headers.update(etag(answer["revision"]))
    return SavedOut.model_validate(answer)
