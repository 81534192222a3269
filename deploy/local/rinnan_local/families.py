"""The demo's families: invented people as data, what each of them does, and how it must end."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from rinnan_profiles.identity_code import IdentityCode

FAMILIES = Path(__file__).parents[1] / "families"


class FamilyUnreadable(Exception):  # noqa: N818 - a state of the files
    """A family file does not say what a family is. Names the file and the fields."""


class Arrives(StrEnum):
    """How a parent comes to the registration. Two who start are crossed starts: they meet by themselves."""

    STARTS = "starts"
    JOINS_BY_CODE = "joins_by_code"
    NEVER = "never"


class Then(StrEnum):
    """What a parent does once there."""

    COMPLETES = "completes"
    EDITS_AFTER_SUBMITTING = "edits_after_submitting"
    DECLINES = "declines"
    ASKS_TO_BE_CONTACTED_ALONE = "asks_to_be_contacted_alone"


class Screening(StrEnum):
    """What a parent answers to the instrument; the player chooses the codes from the instrument itself."""

    ALL_NEGATIVE = "all_negative"
    ALL_POSITIVE = "all_positive"
    DECLINED = "declined"


class Answers(StrEnum):
    """What a parent answers to each question of the form; the player chooses the codes from the form itself."""

    FIRST_OPTION = "first_option"
    LAST_OPTION = "last_option"
    PREFER_NOT = "prefer_not"
    CANNOT_SAFELY = "cannot_safely"


class NamedBy(StrEnum):
    """How a parent names the other and the children."""

    IDENTITY_CODE = "identity_code"
    NAME_AND_BIRTH_DATE = "name_and_birth_date"


class Cis(StrEnum):
    """How the county's client information system behaves while this family registers."""

    WORKS = "works"
    IS_AWAY_FOR_A_WHILE = "is_away_for_a_while"
    ANSWERS_LATE = "answers_late"
    NONE = "none"


class Outcome(StrEnum):
    """The one end that a registration comes to."""

    CONFIRMED = "confirmed"
    VERIFIED_ON_PAPER = "verified_on_paper"
    SINGLE_CONTACT = "single_contact"
    ENDED = "ended"


def _a_test_code(text: str) -> str:
    if not IdentityCode.parse(text).is_test_code:
        raise ValueError("not a test identity code")
    return text


TestCode = Annotated[str, AfterValidator(_a_test_code)]


class Read(BaseModel):
    """Read from a file: closed, and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Person(Read):
    """Who somebody is. A person may have a single name: then `given_names` is empty."""

    family_name: str
    given_names: str = ""
    identity_code: TestCode | None = None
    birth_date: date

    @model_validator(mode="after")
    def _born_on_one_day(self) -> Person:
        if self.identity_code and IdentityCode.parse(self.identity_code).birth_date != self.birth_date:
            raise ValueError("the identity code tells another birth date")
        return self


class Home(Read):
    """Where a parent lives; told to the county only."""

    street: str
    postal_code: str
    town: str


class Parent(Person):
    """A parent and what they do. `person` signs them in at the development identity provider, and is not personal."""

    person: Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$")]
    language: str
    email: str
    phone: str
    home: Home | None = None
    non_disclosure: bool | None = None
    refuge: bool | None = None
    interpreter: str | None = None

    arrives: Arrives
    then: Then = Then.COMPLETES
    names_others_by: NamedBy = NamedBy.IDENTITY_CODE
    reached_by: Annotated[str, Field(pattern=r"^(email|sms)$")] = "email"
    services: tuple[str, ...] = ("agreement",)
    answers: Answers = Answers.FIRST_OPTION
    screening: Screening = Screening.ALL_NEGATIVE

    @property
    def who(self) -> Mapping[str, object]:
        """What identification knows of the parent: the same in every family that the parent belongs to."""
        return self.model_dump(include={*Person.model_fields, "non_disclosure"})


class Family(Read):
    """Two parents who register together, their children, and how it must end. The order of the parents says nothing."""

    id: Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$")]
    story: str
    county: str
    cis: Cis = Cis.WORKS
    outcome: Outcome
    parents: Annotated[tuple[Parent, ...], Field(min_length=2, max_length=2)]
    children: Annotated[tuple[Person, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _somebody_starts(self) -> Family:
        if all(parent.arrives is not Arrives.STARTS for parent in self.parents):
            raise ValueError("nobody starts")
        return self


def load_families(folder: Path = FAMILIES) -> tuple[Family, ...]:
    """Every family of a folder, by file name. Raises: `FamilyUnreadable`."""
    return tuple(_load(path) for path in sorted(folder.glob("*.toml")))


def _load(path: Path) -> Family:
    try:
        return Family.model_validate({"id": path.stem} | tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise FamilyUnreadable(f"{path.name}: {error}") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise FamilyUnreadable(f"{path.name}: {faults}") from None


def persons(families: Iterable[Family]) -> Mapping[str, Parent]:
    """Every parent by `person`; one may be in several families. Raises: `FamilyUnreadable` if told differently."""
    found: dict[str, Parent] = {}
    for family in families:
        for parent in family.parents:
            known = found.setdefault(parent.person, parent)
            if known.who != parent.who:
                raise FamilyUnreadable(f"{family.id}: {parent.person} is somebody else in another family")
    return found
