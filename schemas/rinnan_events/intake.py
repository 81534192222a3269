"""What intake says: the life of a registration, departures, and what protects a parent."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from rinnan_events.event import County, Event, Moment, Part
from rinnan_events.opened import Contact, Identity, OwnForm, Protection
from rinnan_events.sealed import Sealed

REGISTRATION = "intake.registration.v1"
DEPARTURE = "intake.departure.v1"
PROTECTION = "intake.protection.v1"


class Pins(Part):
    """The versions that a registration was opened under. They never move."""

    profile: str
    form: str
    catalogue: str
    texts: str
    instrument: str


class RegistrationOpened(Event):
    """A registration exists. Both parties have an id from the start; neither id tells who began."""

    type: ClassVar[str] = "intake.registration_opened.v1"
    topic: ClassVar[str] = REGISTRATION
    county: County
    party_ids: tuple[UUID, ...]
    opened_at: Moment
    deadline: Moment
    pins: Pins


class InvitationWanted(Event):
    """A parent started, and told how the other may be reached. Said at every start, whatever the other has done.

    `party_id` is the other: awaited, here, or gone. The contact may be the teller's own mailbox, so what is sent to it
    must not depend on the other; it is sealed under the registration's own key, which no departure destroys. `asked`
    counts the teller's starts so, this one included, also those before they left and came back as another party.
    """

    type: ClassVar[str] = "intake.invitation_wanted.v1"
    topic: ClassVar[str] = REGISTRATION
    party_id: UUID
    teller_id: UUID
    asked: int = 1
    contact: Sealed[Contact]

    @property
    def party(self) -> None:
        """Nobody: the told contact is no party's own."""


class ParentJoined(Event):
    """A parent is here. Said for both parents alike, whoever began."""

    type: ClassVar[str] = "intake.parent_joined.v1"
    topic: ClassVar[str] = REGISTRATION
    party_id: UUID
    joined_at: Moment
    identity: Sealed[Identity]
    contact: Sealed[Contact]


class FormSubmitted(Event):
    """A parent's own form is whole and given in. A later version replaces an earlier one."""

    type: ClassVar[str] = "intake.form_submitted.v1"
    topic: ClassVar[str] = REGISTRATION
    party_id: UUID
    version: int
    submitted_at: Moment
    own: Sealed[OwnForm]
    contact: Sealed[Contact]


class FormReopened(Event):
    """A parent took their own form back to change it, before the gate."""

    type: ClassVar[str] = "intake.form_reopened.v1"
    topic: ClassVar[str] = REGISTRATION
    party_id: UUID
    version: int


class CompletedPart(Part):
    """The exact versions of one party's part that the gate closed over."""

    party_id: UUID
    form: int
    consent: int
    screening: int


class RegistrationCompleted(Event):
    """The gate opened: every part is done. The point of no return. `contact_by` is fixed here and never moves."""

    type: ClassVar[str] = "intake.registration_completed.v1"
    topic: ClassVar[str] = REGISTRATION
    completed_at: Moment
    contact_by: Moment
    parts: tuple[CompletedPart, ...]


class RegistrationEnded(Event):
    """The registration closed without becoming joint. No cause is said, because there is only one ending."""

    type: ClassVar[str] = "intake.registration_ended.v1"
    topic: ClassVar[str] = REGISTRATION
    ended_at: Moment


class RegistrationPurged(Event):
    """Everything of this registration is to be forgotten; its keys are gone."""

    type: ClassVar[str] = "intake.registration_purged.v1"
    topic: ClassVar[str] = REGISTRATION
    purged_at: Moment


class PartyLeft(Event):
    """A party is no longer part of this registration. No cause is said."""

    type: ClassVar[str] = "intake.party_left.v1"
    topic: ClassVar[str] = DEPARTURE
    party_id: UUID
    left_at: Moment


class SingleContactRequested(Event):
    """A parent asks to be contacted alone; their own part goes to the county, and the other notices nothing.

    `form` is the version of the form that goes along; None where no form was ever given in.
    """

    type: ClassVar[str] = "intake.single_contact_requested.v1"
    topic: ClassVar[str] = DEPARTURE
    party_id: UUID
    requested_at: Moment
    contact_by: Moment
    form: int | None
    identity: Sealed[Identity]
    contact: Sealed[Contact]


class ProtectionNoted(Event):
    """Said at every joining and submission, whatever it holds, and always of one size."""

    type: ClassVar[str] = "intake.protection_noted.v1"
    topic: ClassVar[str] = PROTECTION
    party_id: UUID
    version: int
    protection: Sealed[Protection]
