"""From parts to deliveries: remembering what is heard, in whatever order, and planning when a record is whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from rinnan_chassis.deciding import Context, Decision, Work
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
from rinnan_events.intake import (
    CompletedPart,
    FormSubmitted,
    ParentJoined,
    PartyLeft,
    ProtectionNoted,
    RegistrationCompleted,
    RegistrationOpened,
    RegistrationPurged,
    SingleContactRequested,
)
from rinnan_events.record_export import DeliveryState
from rinnan_events.risk_screening import CareRouteSet
from rinnan_record_export.domain.ledger import Delivery, delivery_id
from rinnan_record_export.domain.parts import NONE, Form, Opening, Wanted, is_whole, keep, owner
from rinnan_record_export.domain.policy import PATIENCE, STRAGGLERS
from rinnan_record_export.domain.registration import (
    NOBODY_LEFT,
    PLAN_ANYWAY,
    Registration,
    alarm,
    assemble,
    call_off,
    change,
    county_now,
    paper,
    promise,
    together,
)

JOINT = owner(None)
IN_HAND = frozenset({DeliveryState.PLANNED, DeliveryState.CANCELLED})


@dataclass(frozen=True, slots=True)
class PlanAnyway:
    """A wanted record has waited long enough for what cannot be told to be missing."""

    owner: str


def note_the_opening(state: Registration | None, event: RegistrationOpened, ctx: Context) -> Decision[Registration]:
    """Know the county and what the registration is pinned to."""
    opening = Opening(event.county, event.opened_at, event.pins)
    return _plan(replace(state or Registration(), opening=opening), ctx)


def note_the_parent(state: Registration | None, event: ParentJoined, ctx: Context) -> Decision[Registration]:
    """Keep who a parent is, sealed."""
    state = state or Registration()
    return _plan(state.with_party(event.party_id, identity=event.identity, contact=event.contact), ctx)


def note_the_form(state: Registration | None, event: FormSubmitted, ctx: Context) -> Decision[Registration]:
    """Keep this version of a form, and the last few before it. One that came after the gate is a correction."""
    state = state or Registration()
    form = Form(event.submitted_at, event.own, event.contact)
    forms = state.party(event.party_id).forms | {event.version: form}
    noted = state.with_party(event.party_id, forms=keep(forms, state.listed(event.party_id, "form")))
    return _correct(_plan(noted, ctx), event.party_id, "form", ctx, version=event.version)


def note_protection(state: Registration | None, event: ProtectionNoted, ctx: Context) -> Decision[Registration]:
    """Keep the newest of what protects a parent. Once the record went out, it is a correction."""
    state = state or Registration()
    party = state.party(event.party_id)
    newest = event.version >= party.protection_version
    noted = state.with_party(
        event.party_id,
        protection=event.protection if newest else party.protection,
        protection_version=max(event.version, party.protection_version),
        protections=party.protections + 1,
    )
    return _correct(_plan(noted, ctx), event.party_id, "protection", ctx)


def note_the_consents(state: Registration | None, event: ConsentGiven, ctx: Context) -> Decision[Registration]:
    """Keep this version of a parent's consents, and the last few. One that came after the gate is a correction."""
    state = state or Registration()
    consents = state.party(event.party_id).consents | {event.version: event.consents}
    noted = state.with_party(event.party_id, consents=keep(consents, state.listed(event.party_id, "consent")))
    return _correct(_plan(noted, ctx), event.party_id, "consent", ctx, version=event.version)


def note_the_withdrawal(state: Registration | None, event: ConsentWithdrawn, ctx: Context) -> Decision[Registration]:
    """While a delivery is planned its record goes without this parent, and a person is told; later: a correction."""
    state = state or Registration()
    withdrawn = max(state.party(event.party_id).withdrawn, event.version)
    planned = _plan(state.with_party(event.party_id, withdrawn=withdrawn), ctx)
    corrected = _correct(planned, event.party_id, "withdrawal", ctx)
    return _tell_who_is_left_out(planned, ctx) if corrected is planned else corrected


def note_the_care(state: Registration | None, event: CareRouteSet, ctx: Context) -> Decision[Registration]:
    """Keep this version of the route of care, and the last few. One that came after the gate is a correction."""
    state = state or Registration()
    care = state.party(event.party_id).care | {event.version: event.care}
    noted = state.with_party(event.party_id, care=keep(care, state.listed(event.party_id, "screening")))
    return _correct(_plan(noted, ctx), event.party_id, "screening", ctx, version=event.version)


def let_go(state: Registration | None, event: PartyLeft, ctx: Context) -> Decision[Registration] | None:
    """Forget the leaver. While planned, the record goes without them; what went out already is a correction."""
    state = state or Registration()
    if event.party_id in state.left:
        return None
    staying = {party_id: party for party_id, party in state.parties.items() if party_id != event.party_id}
    gone = replace(state, parties=staying, left=(*state.left, event.party_id))
    return _correct(_plan(gone, ctx), event.party_id, "departure", ctx)


def complete(state: Registration | None, event: RegistrationCompleted, ctx: Context) -> Decision[Registration] | None:
    """The gate opened: both parties' record is wanted, exactly of the versions listed."""
    decision = _want(state, JOINT, Wanted(event.completed_at, event.contact_by, event.parts), ctx)
    return decision and _tell_who_is_left_out(decision, ctx)


def contact_alone(
    state: Registration | None, event: SingleContactRequested, ctx: Context
) -> Decision[Registration] | None:
    """One parent asked to be contacted alone: their own part is wanted, as it stands."""
    part = CompletedPart(party_id=event.party_id, form=event.form or NONE, consent=NONE, screening=NONE)
    wanted = Wanted(event.requested_at, event.contact_by, (part,), event.identity, event.contact)
    return _want(state, owner(event.party_id), wanted, ctx)


def plan_anyway(state: Registration | None, fact: PlanAnyway, ctx: Context) -> Decision[Registration] | None:
    """Wait no longer for notings of protection, which no list counts. Is a version listed missing: a person looks."""
    if state is None or fact.owner not in state.wanted or _planned(state, fact.owner):
        return None
    impatient = state.wanted | {fact.owner: replace(state.wanted[fact.owner], patient=False)}
    decision = _plan(replace(state, wanted=impatient), ctx)
    if decision.state is None or _planned(decision.state, fact.owner) or state.all_left(state.wanted[fact.owner]):
        return decision
    reason = "not_whole" if _taking_part(state, fact.owner) else NOBODY_LEFT
    return replace(decision, works=(*decision.works, alarm(reason, ctx)))


def purge(_state: Registration | None, _event: RegistrationPurged, _ctx: Context) -> Decision[Registration]:
    """Forget everything."""
    return Decision(forget=True)


def _want(state: Registration | None, name: str, wanted: Wanted, ctx: Context) -> Decision[Registration] | None:
    state = state or Registration()
    if name in state.wanted:
        return None
    decision = _plan(replace(state, wanted=state.wanted | {name: wanted}), ctx)
    for party_id, what in _heard_ahead(state, wanted):
        decision = _note(decision, party_id, what, ctx)
    if decision.state is not None and _planned(decision.state, name):
        return decision
    waiting = Work(PLAN_ANYWAY, f"{ctx.subject}.{name}", ctx.now + PATIENCE, {"owner": name})
    return replace(decision, works=(*decision.works, waiting))


def _tell_who_is_left_out(decision: Decision[Registration], ctx: Context) -> Decision[Registration]:
    """Call a person for whoever took consents back before the record of both went out: they still wait for contact."""
    state = decision.state
    if state is None or JOINT not in state.wanted or not _taking_part(state, JOINT):
        return decision
    calls = (
        alarm(f"went_without.{part.party_id}", ctx)
        for part in state.wanted[JOINT].parts
        if part.party_id not in state.left and not state.takes_part(part)
    )
    return replace(decision, works=(*decision.works, *calls))


def _heard_ahead(state: Registration, wanted: Wanted) -> Iterator[tuple[UUID, str]]:
    """Parts later than the versions listed that topics brought before the list: corrections, in either order."""
    for part in wanted.parts:
        party = state.party(part.party_id)
        for what, heard in (("form", party.forms), ("consent", party.consents), ("screening", party.care)):
            listed = int(getattr(part, what))
            if listed != NONE and any(version > listed for version in heard):
                yield part.party_id, what


def _plan(state: Registration, ctx: Context) -> Decision[Registration]:
    """Plan what is wanted, whole and not planned yet; call off what was planned for parties who are all gone."""
    decision: Decision[Registration] = Decision(state=state)
    for row_id, delivery in state.deliveries.items():
        if delivery.state is DeliveryState.PLANNED and not _taking_part(state, owner(delivery.party_id)):
            decision = together(decision, call_off(state, row_id, delivery, ctx))
    for name, wanted in state.wanted.items():
        if not _planned(state, name) and _is_whole(state, name, wanted):
            decision = together(decision, _planned_now(decision.state or state, name, wanted, ctx))
    return decision


def _planned_now(state: Registration, name: str, wanted: Wanted, ctx: Context) -> Decision[Registration]:
    county = county_now(state, ctx)
    destination = county.joint_destination(wanted.asked_at)
    party_id = None if name == JOINT else wanted.parts[0].party_id
    row_id = delivery_id(ctx.subject, party_id, destination.name)
    delivery = Delivery(
        party_id=party_id,
        destination=destination.name,
        contact_by=wanted.contact_by,
        paper_at=county.paper_at(destination, wanted.contact_by),
        planned_at=ctx.now,
        moved_at=ctx.now,
        reason="completed" if party_id is None else "asked_alone",
    )
    # Nothing lists what else one parent alone has said: what is on its way is let come.
    begin = ctx.now if party_id is None else ctx.now + STRAGGLERS
    works = (assemble(row_id, delivery, begin), paper(row_id, delivery), promise(row_id, delivery))
    return change(state, row_id, delivery, ctx, works=works)


def _is_whole(state: Registration, name: str, wanted: Wanted) -> bool:
    taking_part = _taking_part(state, name)
    return (
        state.opening is not None
        and bool(taking_part)
        and all(
            (wanted.identity or state.party(part.party_id).identity) is not None
            and is_whole(state.party(part.party_id), part, surely=wanted.patient)
            for part in taking_part
        )
    )


def _taking_part(state: Registration, name: str) -> tuple[CompletedPart, ...]:
    return tuple(part for part in state.wanted[name].parts if state.takes_part(part))


def _planned(state: Registration, name: str) -> bool:
    return any(owner(delivery.party_id) == name for delivery in state.deliveries.values())


def _correct(
    decision: Decision[Registration], party_id: UUID, what: str, ctx: Context, *, version: int | None = None
) -> Decision[Registration]:
    """Note a correction for a person, where a record is out, or closed over an earlier version than this one."""
    state = decision.state
    if state is None or not any(
        _is_late(state, name, part, what, version)
        for name, wanted in state.wanted.items()
        for part in wanted.parts
        if part.party_id == party_id
    ):
        return decision
    return _note(decision, party_id, what, ctx)


def _note(decision: Decision[Registration], party_id: UUID, what: str, ctx: Context) -> Decision[Registration]:
    state = decision.state or Registration()
    noted = state.with_correction(what, party_id, ctx.now)
    works = (*decision.works, alarm(f"correction.{what}.{party_id}", ctx, str(noted.corrections[-1].number)))
    return replace(decision, state=noted, works=works)


def _is_late(state: Registration, name: str, part: CompletedPart, what: str, version: int | None) -> bool:
    listed = NONE if version is None else int(getattr(part, what))
    if version is not None and listed != NONE:
        return version > listed
    return any(
        owner(delivery.party_id) == name and delivery.state not in IN_HAND for delivery in state.deliveries.values()
    )
