"""Where people come in: starting a registration, joining tickets, party tokens; by oneself or over the phone."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date
from typing import Annotated, NamedTuple
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from rinnan_chassis.deciding import digest
from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Doors, Key, NotAllowed, PartyTokens, Right, Staff
from rinnan_chassis.web import Person as SignedIn
from rinnan_events import Sealed
from rinnan_events.opened import Contact, Identity, OwnForm, Protection
from rinnan_intake import store
from rinnan_intake.api.bodies import (
    AssistedSingleContactIn,
    AssistedStartIn,
    AssistedTicketIn,
    AssistedTokenIn,
    PersonIn,
    SingleContactIn,
    StartIn,
    TicketIn,
    TicketReadIn,
)
from rinnan_intake.domain.assisting import ActForACaller
from rinnan_intake.domain.joining import IssueTicket, TicketReads, claims_of_issue
from rinnan_intake.domain.leaving import OpenForOneAlone, claims_of_one, where_one_is
from rinnan_intake.domain.opening import Newcomer, StartRegistration, claims_of, where_they_meet
from rinnan_intake.domain.state import Person, Registration, Status
from rinnan_intake.errors import (
    NotStronglyIdentified,
    UnknownCounty,
    UnknownRegistration,
    UnknownTicket,
)
from rinnan_intake.persons import Persons
from rinnan_profiles import Profiles
from rinnan_profiles import UnknownCounty as NoSuchCounty

TICKET_BYTES = 16


class StartedOut(BaseModel):
    """The registration that the caller is now part of; the same for every start."""

    registration_id: UUID


class TicketOut(BaseModel):
    """A joining ticket, shown this once."""

    ticket: str
    expires_at: str


class TicketReadsOut(BaseModel):
    """What became of a ticket."""

    reads: TicketReads
    registration_id: UUID | None = None


class TokenOut(BaseModel):
    """A party token for the other services."""

    token: str
    party_id: UUID


class OwnRegistrationOut(BaseModel):
    """One of the caller's own registrations."""

    registration_id: UUID
    county: str
    deadline: str
    status: Status


class Caller(NamedTuple):
    """Who comes in: their identity, what protects them by law, and the member of staff who fills in for them."""

    identity: Identity
    non_disclosure: bool | None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Entrance:
    """What coming in needs, whoever does it."""

    desk: Desk[Registration]
    profiles: Profiles
    persons: Persons
    tokens: PartyTokens

    async def start(self, caller: Caller, body: StartIn, key: str | None) -> StartedOut:
        """Start, meet, or open apart for a person to sort out: one answer for all."""
        contact = body.contact.contact()
        children = OwnForm(
            language=contact.language,
            services=(),
            children=tuple(child.child() for child in body.children),
            answers={},
        )
        command = StartRegistration(
            county=body.county,
            caller=self._newcomer(caller, contact),
            other=self.persons.hashed(body.other.identity()),
            other_contact=Sealed.of(body.other_contact.contact(), party=None),
            children=Sealed.of(children, party=None, mark="form.children"),
            day=self._day(body.county),
        )
        answer = await self.desk.decide(
            command,
            caller=_name(command.caller.person),
            key=key,
            claims=claims_of(command),
            resolve=lambda claimed: where_they_meet(command, claimed, uuid4()),
            beside=uuid4(),
            fingerprint=body.model_dump_json(),
        )
        return StartedOut.model_validate(answer)

    async def ask_alone(self, caller: Caller, body: SingleContactIn, key: str | None) -> StartedOut:
        """A registration of one, asked to be contacted alone at once. Nobody else is told or asked."""
        newcomer = self._newcomer(caller, body.contact.contact())
        command = OpenForOneAlone(body.county, newcomer, self._day(body.county))
        answer = await self.desk.decide(
            command,
            caller=_name(newcomer.person),
            key=key,
            claims=claims_of_one(command),
            resolve=lambda claimed: where_one_is(command, claimed, uuid4()),
            fingerprint=body.model_dump_json(),
        )
        return StartedOut.model_validate(answer)

    async def issue_ticket(self, caller: Caller, body: TicketIn) -> TicketOut:
        """A fresh ticket: never repeated, since it is shown once."""
        ticket = secrets.token_urlsafe(TICKET_BYTES)
        newcomer = self._newcomer(caller, body.contact.contact())
        holder = caller.by or _name(newcomer.person)
        command = IssueTicket(body.county, _digest(ticket), newcomer, holder, self._day(body.county))
        answer = await self.desk.decide(command, subject=uuid4(), claims=claims_of_issue(command))
        return TicketOut(ticket=ticket, expires_at=answer["expires_at"])

    async def token(self, caller: Caller, registration_id: UUID) -> TokenOut:
        """A party token for whoever is here as this person. Raises: UnknownRegistration.

        It never outlives the showing: what rooms answer afterwards depends on the other too, and nobody can ask them.
        """
        state = await self.desk.state(registration_id)
        person = self.persons.hashed(caller.identity)
        party_id = _party_of(state, person)
        if state is None or party_id is None or state.is_out_of_sight(self.desk.now()):
            raise UnknownRegistration
        if caller.by is not None:
            await self.desk.decide(ActForACaller(party_id, caller.by), subject=registration_id)
        token = self.tokens.issue(
            registration_id=registration_id,
            party_id=party_id,
            county=state.county,
            deadline=state.deadline,
            pins=state.pins.model_dump(),
            act=caller.by,
            until=state.shown_until,
        )
        return TokenOut(token=token, party_id=party_id)

    async def own(self, caller: Caller) -> list[OwnRegistrationOut]:
        """The registrations that this person is part of."""
        person = self.persons.hashed(caller.identity)
        found: list[OwnRegistrationOut] = []
        now = self.desk.now()
        async for registration_id, state in store.here(self.desk.batches.database, person, now):
            if party_id := _party_of(state, person):
                found.append(
                    OwnRegistrationOut(
                        registration_id=registration_id,
                        county=state.county,
                        deadline=state.deadline.isoformat(),
                        status=state.status_for(party_id, now),
                    )
                )
        return found

    async def read_ticket(self, holder: str, body: TicketReadIn) -> TicketReadsOut:
        """What became of a ticket, for whoever took it. Raises: UnknownTicket."""
        noted = await store.ticket(self.desk.batches.database, _digest(body.ticket))
        if noted is None or noted.holder != holder:
            raise UnknownTicket
        reads = noted.reads(self.desk.now())
        joined = noted.registration_id if reads is TicketReads.JOINED else None
        return TicketReadsOut(reads=reads, registration_id=joined)

    def _day(self, county: str) -> date:
        """The county's calendar day. Raises: UnknownCounty."""
        try:
            return self.profiles.county(county).day(self.desk.now())
        except NoSuchCounty:
            raise UnknownCounty("/county") from None

    def _newcomer(self, caller: Caller, contact: Contact) -> Newcomer:
        return Newcomer(
            person=self.persons.hashed(caller.identity),
            identity=Sealed.of(caller.identity, party=None),
            contact=Sealed.of(contact, party=None),
            protection=Sealed.of(Protection(non_disclosure=caller.non_disclosure), party=None),
            by=caller.by,
        )


def entrance_routes(entrance: Entrance, doors: Doors) -> APIRouter:  # noqa: C901 - one small function per route
    """The routes by which people come in."""
    router = APIRouter(tags=["registrations"])

    async def signed_in(person: Annotated[SignedIn, Depends(doors.person)]) -> Caller:
        if not person.strong:
            raise NotStronglyIdentified
        identity = Identity(
            family_name=person.family_name,
            given_names=person.given_names,
            identity_code=person.identity_code,
            birth_date=person.birth_date,
        )
        return Caller(identity, person.non_disclosure)

    professional = doors.staff(Right.ACT)
    # A party token opens all that its parent has told, protected parts too.
    who_may_see_all = doors.staff(Right.ACT, Right.BODIES, Right.PROTECTED)

    @router.post("/registrations", status_code=201)
    async def start_registration(caller: Annotated[Caller, Depends(signed_in)], body: StartIn, key: Key) -> StartedOut:
        """Start with the other parent. Whether the pair meets in a registration that exists is not told."""
        return await entrance.start(caller, body, key)

    @router.post("/single-contact", status_code=201)
    async def ask_to_be_contacted_alone_at_once(
        caller: Annotated[Caller, Depends(signed_in)], body: SingleContactIn, key: Key
    ) -> StartedOut:
        """Ask to be contacted alone, whatever one is or was part of. No other parent is named, or asked anything."""
        return await entrance.ask_alone(caller, body, key)

    @router.get("/registrations")
    async def own_registrations(caller: Annotated[Caller, Depends(signed_in)]) -> list[OwnRegistrationOut]:
        """The caller's own registrations, in no telling order."""
        return await entrance.own(caller)

    @router.post("/registrations/{registration_id}/token", status_code=201)
    async def party_token(caller: Annotated[Caller, Depends(signed_in)], registration_id: UUID) -> TokenOut:
        """A token to act as oneself in one registration, for at most 15 minutes."""
        return await entrance.token(caller, registration_id)

    @router.post("/tickets", status_code=201)
    async def issue_ticket(caller: Annotated[Caller, Depends(signed_in)], body: TicketIn) -> TicketOut:
        """A joining ticket, shown this once, to be presented with a code to the invitation service."""
        return await entrance.issue_ticket(caller, body)

    @router.post("/tickets/lookup")
    async def read_ticket(caller: Annotated[Caller, Depends(signed_in)], body: TicketReadIn) -> TicketReadsOut:
        """What became of one's own ticket. Before its time is up nothing tells why it has not joined."""
        return await entrance.read_ticket(_name(entrance.persons.hashed(caller.identity)), body)

    @router.post("/assisted/registrations", status_code=201)
    async def start_for_a_caller(
        staff: Annotated[Staff, Depends(professional)], body: AssistedStartIn, key: Key
    ) -> StartedOut:
        """Start for somebody on the phone, whose identity has been checked."""
        _in_own_county(staff, body.county)
        return await entrance.start(_called_in(staff, body.person), body, key)

    @router.post("/assisted/single-contact", status_code=201)
    async def ask_for_a_caller_to_be_contacted_alone(
        staff: Annotated[Staff, Depends(professional)], body: AssistedSingleContactIn, key: Key
    ) -> StartedOut:
        """Ask for somebody on the phone, whose identity has been checked, that they be contacted alone."""
        _in_own_county(staff, body.county)
        return await entrance.ask_alone(_called_in(staff, body.person), body, key)

    @router.post("/assisted/registrations/{registration_id}/token", status_code=201)
    async def party_token_for_a_caller(
        staff: Annotated[Staff, Depends(who_may_see_all)], registration_id: UUID, body: AssistedTokenIn
    ) -> TokenOut:
        """A token to act for somebody on the phone; who acts is kept before it is given, and named in it."""
        state = await entrance.desk.state(registration_id)
        if state is None or state.county != staff.county:
            raise UnknownRegistration
        return await entrance.token(_called_in(staff, body.person), registration_id)

    @router.post("/assisted/tickets", status_code=201)
    async def issue_ticket_for_a_caller(
        staff: Annotated[Staff, Depends(professional)], body: AssistedTicketIn
    ) -> TicketOut:
        """A joining ticket for somebody on the phone."""
        _in_own_county(staff, body.county)
        return await entrance.issue_ticket(_called_in(staff, body.person), body)

    @router.post("/assisted/tickets/lookup")
    async def read_ticket_for_a_caller(
        staff: Annotated[Staff, Depends(professional)], body: TicketReadIn
    ) -> TicketReadsOut:
        """What became of a ticket that one took for a caller."""
        return await entrance.read_ticket(staff.actor, body)

    return router


def _called_in(staff: Staff, person: PersonIn) -> Caller:
    """Whether the population register shields a caller is not known over the phone; unknown is kept as unknown."""
    return Caller(person.identity(), None, staff.actor)


def _in_own_county(staff: Staff, county: str) -> None:
    if staff.county != county:
        raise NotAllowed


def _party_of(state: Registration | None, person: Person) -> UUID | None:
    """The party that this person is, where they are here."""
    if state is None:
        return None
    here = ((party_id, party.person) for party_id, party in state.parties.items() if party.is_here)
    return next((party_id for party_id, known in here if known and person.is_surely(known)), None)


def _name(person: Person) -> str:
    """The caller's name among idempotency keys and holders of tickets, which finds no registration."""
    return digest("caller", *person.hashes).hex()


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
