"""What lies under the seals: the opened form of each seal group."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from rinnan_events.sealed import Group, Opened


class Identity(Opened):
    """Who a parent is, as the identification says. A person may have a single name: then `given_names` is empty."""

    group: ClassVar[Group] = Group.IDENTITY
    family_name: str
    given_names: str = ""
    identity_code: str | None = None
    birth_date: date | None = None


class Contact(Opened):
    """How one parent may be reached safely: their own where they gave it, nobody's own where the other told it."""

    group: ClassVar[Group] = Group.CONTACT
    language: str
    email: str | None = None
    phone: str | None = None
    safe_times: tuple[str, ...] = ()
    hide_caller: bool = True
    voicemail_allowed: bool = False
    interpreter: str | None = None


class Child(Opened):
    """A child as one parent named it: by identity code, else by name and date of birth."""

    group: ClassVar[Group] = Group.OWN
    family_name: str
    given_names: str
    identity_code: str | None = None
    birth_date: date | None = None


class OwnForm(Opened):
    """One parent's first-information form: coded answers to closed questions.

    `answers` maps a question's id to the codes chosen; `prefer_not` and `cannot_safely` are whole answers.
    """

    group: ClassVar[Group] = Group.OWN
    language: str
    services: tuple[str, ...]
    children: tuple[Child, ...]
    answers: dict[str, tuple[str, ...]]


class Protection(Opened):
    """Where a parent lives and what shields it. None means not told; treat unknown as restricted."""

    group: ClassVar[Group] = Group.PROTECTION
    street: str | None = None
    postal_code: str | None = None
    town: str | None = None
    non_disclosure: bool | None = None
    refuge: bool | None = None


class Consents(Opened):
    """What one parent agreed to, in which words. `given` maps a consent's id to yes or no."""

    group: ClassVar[Group] = Group.CONSENT
    text_version: str
    language: str
    given: dict[str, bool]
    given_at: AwareDatetime


class ScreeningAnswers(Opened):
    """One parent's answers to an instrument; `answers` is None where the parent declined the whole of it."""

    group: ClassVar[Group] = Group.SCREENING
    instrument: str
    instrument_version: str
    language: str
    answers: dict[str, str] | None


class Route(StrEnum):
    """How much care a contact takes. A screen only ever raises it; a professional decides."""

    STANDARD = "standard"
    INDIVIDUAL_FIRST = "individual_first"
    URGENT_CONTACT = "urgent_contact"


class CareRoute(Opened):
    """The route that a parent's screening leads to. Never shown to a parent, never called safe."""

    group: ClassVar[Group] = Group.CARE
    route: Route
    instrument: str
    instrument_version: str


class RecordChild(Opened):
    """A child in the record; `child_id` is deterministic, so a repeated assembly names the same child the same."""

    group: ClassVar[Group] = Group.RECORD
    child_id: UUID
    family_name: str
    given_names: str
    identity_code: str | None = None
    birth_date: date | None = None


class RecordParty(Opened):
    """All that one parent's part of the record holds. `children` names the children that this parent named."""

    group: ClassVar[Group] = Group.RECORD
    party_id: UUID
    identity: Identity
    contact: Contact
    protection: Protection
    own: OwnForm | None = None
    submitted_at: AwareDatetime | None = None
    consents: Consents | None = None
    care: CareRoute | None = None
    children: tuple[UUID, ...] = ()


class Scope(StrEnum):
    """Whether a record holds both parents' parts or one parent's request to be contacted alone."""

    JOINT = "joint"
    SINGLE = "single"


class ClientRecord(Opened):
    """The registration as a county's client information system, or a person with paper, takes it.

    `parties` and `children` are in the order of their random ids: no order tells who began. `contact_by` is the end of
    the promise to make contact, in the county's working calendar.
    """

    group: ClassVar[Group] = Group.RECORD
    registration_id: UUID
    county: str
    destination: str
    scope: Scope
    form_version: str
    opened_at: AwareDatetime
    completed_at: AwareDatetime
    contact_by: AwareDatetime
    parties: tuple[RecordParty, ...]
    children: tuple[RecordChild, ...]
