"""A parent's own part, under a party token: what they see, their drafts, giving in, leaving, contact alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Doors, PartyToken, etag, idempotency_key, if_match
from rinnan_chassis.web.problems import Fault, NotValid
from rinnan_events import Opened, Sealed
from rinnan_events.intake import Pins
from rinnan_events.opened import Contact, Identity, OwnForm, Protection
from rinnan_intake.api.bodies import AloneIn, ChildrenIn, ContactIn, ProtectionIn, StepIn
from rinnan_intake.domain.leaving import AskToBeContactedAlone, Leave, OpenForOneAlone
from rinnan_intake.domain.opening import CHILDREN, Newcomer
from rinnan_intake.domain.own_part import ReopenForm, SaveContact, SaveProtection, SaveStep, SubmitForm
from rinnan_intake.domain.state import Party, Person, Registration, Status, the_party
from rinnan_intake.errors import Closed, UnknownRegistration, UnknownStep
from rinnan_profiles import FieldFault, NotWhole, Profiles, Wrong

T = TypeVar("T", bound=Opened)
Expected = Annotated[int | None, Depends(if_match)]
Key = Annotated[str | None, Depends(idempotency_key)]
SERVICES = "services"


class OwnPartOut(BaseModel):
    """The state of the caller's own part. `revision` is also the ETag."""

    party_id: UUID
    revision: int
    version: int
    given_in: bool
    submitted_at: datetime | None
    asked_alone_at: datetime | None
    saved_steps: list[str]


class RegistrationOut(BaseModel):
    """All that a parent sees: their own part, the deadline, and one of three states. Nothing else of the other."""

    registration_id: UUID
    county: str
    deadline: datetime
    status: Status
    pins: Pins
    own: OwnPartOut | None


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


class DepartureOut(BaseModel):
    """What one who left sees."""

    status: Literal[Status.CLOSED]


class AloneOut(BaseModel):
    """Under which registration the county makes contact."""

    registration_id: UUID


@dataclass(frozen=True, slots=True)
class OwnPart:
    """One parent's part behind the desk. Every method acts for the party of the token."""

    desk: Desk[Registration]
    profiles: Profiles

    async def see(self, token: PartyToken) -> RegistrationOut:
        """What this parent sees at this moment. Raises: UnknownRegistration."""
        state = await self.desk.state(token.registration_id)
        party = state.parties.get(token.party_id) if state else None
        if state is None or party is None or party.is_expected:
            raise UnknownRegistration
        return RegistrationOut(
            registration_id=token.registration_id,
            county=state.county,
            deadline=state.deadline,
            status=state.status_for(token.party_id, self.desk.now()),
            pins=state.pins,
            own=_seen(token.party_id, party) if party.is_here else None,
        )

    async def decide(
        self, token: PartyToken, command: object, key: str | None = None, *, said: str = ""
    ) -> Mapping[str, Any]:
        """Let a command of this party be decided on. `said` is what tells two bodies under one key apart."""
        return await self.desk.decide(
            command, subject=token.registration_id, caller=str(token.party_id), key=key, fingerprint=said
        )

    async def read(self, token: PartyToken) -> tuple[Registration, Party]:
        """The registration and the own part. Raises: UnknownRegistration, Closed."""
        return the_party(await self.desk.state(token.registration_id), token.party_id)

    async def opened(self, token: PartyToken, party: Party, part: Sealed[T], model: type[T]) -> T:
        """One of the own part's sealed pieces. What came with a ticket rests under the ticket's key for a moment."""
        if party.ticket_id and part.binding and part.binding.subject == party.ticket_id:
            return await self.desk.open(part, model, party=None, subject=party.ticket_id)
        return await self.desk.open(part, model, party=token.party_id, subject=token.registration_id)

    async def check_step(self, token: PartyToken, step: str, body: StepIn) -> None:
        """Refuse what a draft of this page cannot hold. Raises: UnknownStep, NotValid."""
        state, _ = await self.read(token)
        form = self.profiles.form(state.pins.form)
        if step not in {page.id for page in form.steps}:
            raise UnknownStep
        offered = self.profiles.pinned_county(state.county, state.pins.profile).services
        try:
            form.check_part(step, body.answers, services=body.services, offered=offered)
        except NotWhole as faulty:
            raise _not_valid(faulty) from None

    async def submit(self, token: PartyToken) -> Mapping[str, Any]:
        """Give the whole of the drafts in, exactly as they were read. Raises: NotValid where they are not whole."""
        state, party = await self.read(token)
        drafts = [await self.opened(token, party, draft, OwnForm) for draft in party.drafts.values()]
        if party.contact is None:
            raise UnknownRegistration
        contact = await self.opened(token, party, party.contact, Contact)
        own = OwnForm(
            language=contact.language,
            services=tuple(service for draft in drafts for service in draft.services),
            children=tuple(child for draft in drafts for child in draft.children),
            answers={question: codes for draft in drafts for question, codes in draft.answers.items()},
        )
        if not party.form_is_given_in:
            self._check_whole(state, own)
        command = SubmitForm(token.party_id, Sealed.of(own, party=token.party_id), party.revision)
        return await self.decide(token, command)

    async def ask_alone(self, token: PartyToken, body: AloneIn, key: str | None) -> Mapping[str, Any]:
        """Ask to be contacted alone: within this registration, or after its ending in one of one's own."""
        contact = Sealed.of(body.contact.contact(), party=token.party_id) if body.contact else None
        try:
            return await self.decide(
                token, AskToBeContactedAlone(token.party_id, contact), key, said=body.model_dump_json()
            )
        except Closed:
            state, party = await self.read(token)
        if party.identity is None or party.contact is None or party.protection is None:
            raise UnknownRegistration
        told = body.contact.contact() if body.contact else await self.opened(token, party, party.contact, Contact)
        identity = await self.opened(token, party, party.identity, Identity)
        protection = await self.opened(token, party, party.protection, Protection)
        newcomer = Newcomer(
            person=party.person or Person(),
            identity=Sealed.of(identity, party=None),
            contact=Sealed.of(told, party=None),
            protection=Sealed.of(protection, party=None),
        )
        # Always the same one, so that asking again is asking once; only this parent's token holds the party id.
        own = uuid5(token.registration_id, f"alone.{token.party_id}")
        return await self.desk.decide(OpenForOneAlone(state.county, newcomer), subject=own)

    def _check_whole(self, state: Registration, own: OwnForm) -> None:
        form = self.profiles.form(state.pins.form)
        offered = self.profiles.pinned_county(state.county, state.pins.profile).services
        missing = [] if own.children else [FieldFault(CHILDREN, Wrong.MISSING)]
        try:
            form.check(own.services, own.answers, offered=offered)
        except NotWhole as faulty:
            raise _not_valid(NotWhole([*faulty.faults, *missing])) from None
        if missing:
            raise _not_valid(NotWhole(missing))


def own_part_routes(part: OwnPart, doors: Doors) -> APIRouter:  # noqa: C901 - one small function per route
    """The routes of a parent's own part."""
    router = APIRouter(prefix="/registrations/{registration_id}")

    def saved(response: Response, answer: Mapping[str, Any]) -> SavedOut:
        response.headers.update(etag(answer["revision"]))
        return SavedOut.model_validate(answer)

    @router.get("")
    async def see_registration(
        token: Annotated[PartyToken, Depends(doors.party)], response: Response
    ) -> RegistrationOut:
        seen = await part.see(token)
        if seen.own:
            response.headers.update(etag(seen.own.revision))
        return seen

    @router.get("/form/{step}")
    async def read_step(token: Annotated[PartyToken, Depends(doors.party)], step: str) -> StepOut:
        await part.check_step(token, step, StepIn())
        _, party = await part.read(token)
        draft = party.drafts.get(step)
        if draft is None:
            return StepOut(answers={}, services=())
        own = await part.opened(token, party, draft, OwnForm)
        return StepOut(answers=own.answers, services=own.services)

    @router.put("/form/{step}")
    async def save_step(
        token: Annotated[PartyToken, Depends(doors.party)],
        step: str,
        body: StepIn,
        expected: Expected,
        key: Key,
        *,
        response: Response,
    ) -> SavedOut:
        await part.check_step(token, step, body)
        own = OwnForm(language="und", services=body.services, children=(), answers=body.answers)
        draft = Sealed.of(own, party=token.party_id, mark=f"form.{step}")
        return saved(
            response,
            await part.decide(
                token, SaveStep(token.party_id, step, draft, expected), key, said=step + body.model_dump_json()
            ),
        )

    @router.get("/children")
    async def read_children(token: Annotated[PartyToken, Depends(doors.party)]) -> ChildrenOut:
        _, party = await part.read(token)
        draft = party.drafts.get(CHILDREN)
        own = await part.opened(token, party, draft, OwnForm) if draft else None
        return ChildrenOut(children=[ChildOut(**child.model_dump()) for child in own.children] if own else [])

    @router.put("/children")
    async def save_children(
        token: Annotated[PartyToken, Depends(doors.party)],
        body: ChildrenIn,
        expected: Expected,
        key: Key,
        response: Response,
    ) -> SavedOut:
        children = tuple(child.child() for child in body.children)
        own = OwnForm(language="und", services=(), children=children, answers={})
        draft = Sealed.of(own, party=token.party_id, mark=f"form.{CHILDREN}")
        return saved(
            response,
            await part.decide(
                token, SaveStep(token.party_id, CHILDREN, draft, expected), key, said=CHILDREN + body.model_dump_json()
            ),
        )

    @router.get("/contact")
    async def read_contact(token: Annotated[PartyToken, Depends(doors.party)]) -> Contact:
        _, party = await part.read(token)
        if party.contact is None:
            raise UnknownRegistration
        return await part.opened(token, party, party.contact, Contact)

    @router.put("/contact")
    async def save_contact(
        token: Annotated[PartyToken, Depends(doors.party)],
        body: ContactIn,
        expected: Expected,
        key: Key,
        response: Response,
    ) -> SavedOut:
        contact = Sealed.of(body.contact(), party=token.party_id)
        return saved(
            response,
            await part.decide(token, SaveContact(token.party_id, contact, expected), key, said=body.model_dump_json()),
        )

    @router.get("/protection")
    async def read_protection(token: Annotated[PartyToken, Depends(doors.party)]) -> Protection:
        _, party = await part.read(token)
        if party.protection is None:
            raise UnknownRegistration
        return await part.opened(token, party, party.protection, Protection)

    @router.put("/protection")
    async def save_protection(
        token: Annotated[PartyToken, Depends(doors.party)],
        body: ProtectionIn,
        expected: Expected,
        key: Key,
        response: Response,
    ) -> SavedOut:
        protection = Sealed.of(body.protection(), party=token.party_id)
        return saved(
            response,
            await part.decide(
                token, SaveProtection(token.party_id, protection, expected), key, said=body.model_dump_json()
            ),
        )

    @router.post("/form/submission")
    async def submit_form(token: Annotated[PartyToken, Depends(doors.party)], response: Response) -> SavedOut:
        return saved(response, await part.submit(token))

    @router.post("/form/reopening")
    async def reopen_form(
        token: Annotated[PartyToken, Depends(doors.party)], expected: Expected, key: Key, response: Response
    ) -> SavedOut:
        return saved(response, await part.decide(token, ReopenForm(token.party_id, expected), key))

    @router.post("/departure")
    async def leave(token: Annotated[PartyToken, Depends(doors.party)]) -> DepartureOut:
        return DepartureOut.model_validate(await part.decide(token, Leave(token.party_id)))

    @router.post("/single-contact", status_code=202)
    async def ask_to_be_contacted_alone(
        token: Annotated[PartyToken, Depends(doors.party)], body: AloneIn, key: Key
    ) -> AloneOut:
        return AloneOut.model_validate(await part.ask_alone(token, body, key))

    return router


def _seen(party_id: UUID, party: Party) -> OwnPartOut:
    return OwnPartOut(
        party_id=party_id,
        revision=party.revision,
        version=party.version,
        given_in=party.form_is_given_in,
        submitted_at=party.submitted_at,
        asked_alone_at=party.alone_at,
        saved_steps=sorted(party.drafts),
    )


def _not_valid(faulty: NotWhole) -> NotValid:
    apart = {SERVICES, CHILDREN, "answers", "step"}
    return NotValid(
        [
            Fault(f"/{fault.field}" if fault.field in apart else f"/answers/{fault.field}", f"intake.{fault.wrong}")
            for fault in faulty.faults
        ]
    )
