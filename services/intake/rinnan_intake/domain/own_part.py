"""A parent's own part: drafts saved step by step, giving the form in, and taking it back before the gate."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from rinnan_chassis.deciding import Context, Decision
from rinnan_events import Sealed
from rinnan_events.intake import FormReopened, FormSubmitted, ProtectionNoted
from rinnan_events.opened import Contact, OwnForm, Protection
from rinnan_intake.domain.gate import gate_work
from rinnan_intake.domain.state import Doubt, Party, Registration, the_party_that_may_change, to_a_person
from rinnan_intake.errors import ChangedElsewhere, FormIsGivenIn, ReopenedEnough, UnknownRegistration

MOST_VERSIONS = 50
"""Of one parent in one registration: with each, what this room and its neighbours keep of it grows."""


@dataclass(frozen=True, slots=True)
class SaveStep:
    """A draft of one step of the form. `expected` is the revision it was read at, where the caller says."""

    party_id: UUID
    step: str
    draft: Sealed[OwnForm]
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class SaveContact:
    """How this parent may be reached safely."""

    party_id: UUID
    contact: Sealed[Contact]
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class SaveProtection:
    """Where this parent lives, and what shields it."""

    party_id: UUID
    protection: Sealed[Protection]
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class SubmitForm:
    """The form is given in. `own` is the whole of the drafts as they were read at revision `expected`."""

    party_id: UUID
    own: Sealed[OwnForm]
    expected: int


@dataclass(frozen=True, slots=True)
class ReopenForm:
    """The parent takes their own form back to change it."""

    party_id: UUID
    expected: int | None = None


def save_step(state: Registration | None, command: SaveStep, context: Context) -> Decision[Registration]:
    """Keep a draft of one step. Raises: FormIsGivenIn, ChangedElsewhere, and why the part cannot be changed."""
    registration, party = _being_filled(state, command.party_id, command.expected, context)
    return _saved(registration, command.party_id, party, drafts={**party.drafts, command.step: command.draft})


def save_contact(state: Registration | None, command: SaveContact, context: Context) -> Decision[Registration]:
    """Keep how the parent may be reached. Raises: as `save_step`."""
    registration, party = _being_filled(state, command.party_id, command.expected, context)
    return _saved(registration, command.party_id, party, contact=command.contact)


def save_protection(state: Registration | None, command: SaveProtection, context: Context) -> Decision[Registration]:
    """Keep what protects the parent. Raises: as `save_step`."""
    registration, party = _being_filled(state, command.party_id, command.expected, context)
    return _saved(registration, command.party_id, party, protection=command.protection)


def submit_form(state: Registration | None, command: SubmitForm, context: Context) -> Decision[Registration]:
    """Give the form in; giving in what is given in already changes nothing.

    After the gate and before the full hour the answer is the same, but the version that completed is the one that
    went: a later one is a correction, and goes to a person.
    """
    registration, party = the_party_that_may_change(state, command.party_id, context.now)
    if party.form_is_given_in:
        return Decision(answer=_answer(party))
    if command.expected != party.revision:
        raise ChangedElsewhere
    given_in = registration.with_party(
        command.party_id,
        submitted=party.version,
        submitted_at=context.now,
        revision=party.revision + 1,
        protection_version=party.protection_version + 1,
    )
    part = given_in.parties[command.party_id]
    if part.contact is None or part.protection is None:
        raise UnknownRegistration
    says = (
        FormSubmitted(
            registration_id=context.subject,
            party_id=command.party_id,
            version=part.version,
            submitted_at=context.now,
            own=command.own,
            contact=part.contact,
        ),
        ProtectionNoted(
            registration_id=context.subject,
            party_id=command.party_id,
            version=part.protection_version,
            protection=part.protection,
        ),
    )
    works = gate_work(given_in, command.party_id, context)
    if not registration.is_open:
        given_in, works = to_a_person(given_in, Doubt.CHANGED_AFTER_COMPLETION, context)
    return Decision(state=given_in, says=says, works=works, answer=_answer(part))


def reopen_form(state: Registration | None, command: ReopenForm, context: Context) -> Decision[Registration]:
    """Take the form back; the version rises. A form that is not given in stays as it is.

    After the gate it is answered alike and not said: the version that completed stands.
    """
    registration, party = the_party_that_may_change(state, command.party_id, context.now)
    if not party.form_is_given_in:
        return Decision(answer=_answer(party))
    if command.expected not in {None, party.revision}:
        raise ChangedElsewhere
    if party.version >= MOST_VERSIONS:
        raise ReopenedEnough
    reopened = registration.with_party(command.party_id, version=party.version + 1, revision=party.revision + 1)
    part = reopened.parties[command.party_id]
    said = FormReopened(registration_id=context.subject, party_id=command.party_id, version=part.version)
    return Decision(state=reopened, says=(said,) if registration.is_open else (), answer=_answer(part))


def _being_filled(
    state: Registration | None, party_id: UUID, expected: int | None, context: Context
) -> tuple[Registration, Party]:
    registration, party = the_party_that_may_change(state, party_id, context.now)
    if party.form_is_given_in:
        raise FormIsGivenIn
    if expected not in {None, party.revision}:
        raise ChangedElsewhere
    return registration, party


def _saved(registration: Registration, party_id: UUID, party: Party, **changes: object) -> Decision[Registration]:
    saved = registration.with_party(party_id, revision=party.revision + 1, **changes)
    return Decision(state=saved, answer=_answer(saved.parties[party_id]))


def _answer(part: Party) -> dict[str, int | bool]:
    return {"version": part.version, "revision": part.revision, "given_in": part.form_is_given_in}
