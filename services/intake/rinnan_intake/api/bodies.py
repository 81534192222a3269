"""What people send to intake, as strict as JSON is. Every fault names its field and repeats no value."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from rinnan_chassis.web import Body, Email, Line, Name, Phone
from rinnan_events.opened import Child, Contact, Identity, Protection
from rinnan_profiles import IdentityCode, NotAnIdentityCode
from rinnan_profiles.words import Language

OLDEST = timedelta(days=125 * 366)
MOST_CHILDREN = 20
MOST_CODES = 40


def _identity_code(text: str) -> str:
    try:
        return IdentityCode.parse(text).text
    except NotAnIdentityCode:
        raise PydanticCustomError("intake.identity_code_wrong", "not an identity code") from None


def _possible(day: date) -> date:
    today = datetime.now(UTC).date()  # the calendar of the real world: a fast clock makes nobody older
    if not today - OLDEST <= day <= today:
        raise PydanticCustomError("intake.date_impossible", "not a date of birth")
    return day


Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
LanguageIn = Annotated[Language, Field(max_length=40)]
County = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{2,40}$")]
IdentityCodeIn = Annotated[str, StringConstraints(max_length=20), AfterValidator(_identity_code)]
BirthDate = Annotated[date, AfterValidator(_possible)]
Codes = Annotated[tuple[Code, ...], Field(max_length=MOST_CODES)]


class PersonIn(Body):
    """A person by identity code, else by name and date of birth. A single name stands in `family_name`."""

    identity_code: IdentityCodeIn | None = None
    family_name: Name | None = None
    given_names: Name | None = None
    birth_date: BirthDate | None = None

    @model_validator(mode="after")
    def _is_named(self) -> PersonIn:
        if self.identity_code is None and (self.family_name is None or self.birth_date is None):
            raise PydanticCustomError("intake.person_not_named", "neither code nor name and date of birth")
        return self

    def identity(self) -> Identity:
        """The person as Rinnan keeps one."""
        return Identity(
            family_name=self.family_name or "",
            given_names=self.given_names or "",
            identity_code=self.identity_code,
            birth_date=self.birth_date,
        )


class ChildIn(PersonIn):
    """A child, named like any person."""

    def child(self) -> Child:
        """The child as the parent named it."""
        return Child(
            family_name=self.family_name or "",
            given_names=self.given_names or "",
            identity_code=self.identity_code,
            birth_date=self.birth_date,
        )


Children = Annotated[list[ChildIn], Field(min_length=1, max_length=MOST_CHILDREN)]


class ContactIn(Body):
    """How a parent may be reached safely."""

    language: LanguageIn
    email: Email | None = None
    phone: Phone | None = None
    safe_times: Codes = ()
    hide_caller: bool = True
    voicemail_allowed: bool = False
    interpreter: LanguageIn | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> ContactIn:
        if not (self.email or self.phone):
            raise PydanticCustomError("intake.no_way_to_reach", "neither e-mail nor phone")
        return self

    def contact(self) -> Contact:
        """The contact as Rinnan keeps one."""
        return Contact(**self.model_dump())


class ProtectionIn(Body):
    """Where a parent lives, and what shields them. What is left out is not told."""

    street: Line | None = None
    postal_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z -]{3,10}$")] | None = None
    town: Name | None = None
    non_disclosure: bool | None = None
    refuge: bool | None = None

    def protection(self) -> Protection:
        """The protection as Rinnan keeps it."""
        return Protection(**self.model_dump())


class StartIn(Body):
    """A parent starts a registration with the other parent."""

    county: County
    children: Children
    contact: ContactIn
    other: PersonIn
    other_contact: ContactIn


class AssistedStartIn(StartIn):
    """A professional starts for a caller, whose identity they have checked."""

    person: PersonIn


class TicketIn(Body):
    """Somebody who is signed in wants to join."""

    county: County
    contact: ContactIn


class TicketReadIn(Body):
    """A ticket is a secret: it travels in a body, and in no address."""

    ticket: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class AssistedTicketIn(TicketIn):
    """A professional takes a ticket for a caller."""

    person: PersonIn


class AssistedTokenIn(Body):
    """A professional acts for a caller."""

    person: PersonIn


class ChildrenIn(Body):
    """The children that this parent names."""

    children: Children


class StepIn(Body):
    """The coded answers of one page of the form."""

    answers: Annotated[dict[Code, Codes], Field(max_length=MOST_CODES)] = Field(default_factory=dict[str, Codes])
    services: Codes = ()


class SingleContactIn(Body):
    """Somebody asks to be contacted alone; nobody else is named, and nobody else is asked."""

    county: County
    contact: ContactIn


class AssistedSingleContactIn(SingleContactIn):
    """A professional asks for a caller, whose identity they have checked."""

    person: PersonIn


class AloneIn(Body):
    """A parent asks to be contacted alone, and may say anew how."""

    contact: ContactIn | None = None
