"""A parent's own part, under a party token: what they see, their drafts, giving in, leaving, contact alone."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID, uuid4

from fastapi import Depends
from pydantic import BaseModel

from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Doors, PartyToken
from rinnan_chassis.web.problems import Fault, NotValid
from rinnan_events import Opened, Sealed
from rinnan_events.intake import Pins
from rinnan_events.opened import Contact, Identity, OwnForm, Protection
from rinnan_intake.api.bodies import AloneIn, StepIn
from rinnan_intake.domain.leaving import AskToBeContactedAlone, OpenForOneAlone, claims_of_one, where_one_is
from rinnan_intake.domain.opening import CHILDREN, Newcomer
from rinnan_intake.domain.own_part import SubmitForm
from rinnan_intake.domain.state import Party, Registration, Status, the_party
from rinnan_intake.errors import Closed, UnknownRegistration, UnknownStep
from rinnan_profiles import FieldFault, NotWhole, Profiles, Wrong

T = TypeVar("T", bound=Opened)
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
        return the_party(await self.desk.state(token.registration_id, of=token.party_id), token.party_id)

    async def opened(
        self, token: PartyToken, party: Party, part: Sealed[T], model: type[T], mark: str | None = None
    ) -> T:
        """One of the own part's sealed pieces. What came with a ticket rests under the ticket's key for a moment."""
        if party.ticket_id and part.binding and part.binding.subject == party.ticket_id:
            return await self.desk.open(part, model, party=None, subject=party.ticket_id)
        return await self.desk.open(part, model, party=token.party_id, subject=token.registration_id, mark=mark)

    async def draft(self, token: PartyToken, party: Party, step: str) -> OwnForm | None:
        """The draft of one page, where one was saved."""
        draft = party.drafts.get(step)
        return await self.opened(token, party, draft, OwnForm, f"form.{step}") if draft else None

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
        drafts = [draft for step in party.drafts if (draft := await self.draft(token, party, step))]
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
        if party.person is None or party.identity is None or party.contact is None or party.protection is None:
            raise UnknownRegistration
        told = body.contact.contact() if body.contact else await self.opened(token, party, party.contact, Contact)
        identity = await self.opened(token, party, party.identity, Identity)
        protection = await self.opened(token, party, party.protection, Protection)
        newcomer = Newcomer(
            person=party.person,
            identity=Sealed.of(identity, party=None),
            contact=Sealed.of(told, party=None),
            protection=Sealed.of(protection, party=None),
        )
        day = self.profiles.pinned_county(state.county, state.pins.profile).day(self.desk.now())
        own = OpenForOneAlone(state.county, newcomer, day)
        return await self.desk.decide(
            own, claims=claims_of_one(own), resolve=lambda claimed: where_one_is(own, claimed, uuid4())
        )

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


def own_token(doors: Doors) -> Callable[..., Awaitable[PartyToken]]:
    """A door for the party whose token is of the registration in the path."""

    async def own(registration_id: UUID, token: Annotated[PartyToken, Depends(doors.party)]) -> PartyToken:  # noqa: ARG001 - the door reads it
        return token

    return own


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
