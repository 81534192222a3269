"""What is known of each party: sealed parts by version, quoted as they were heard and never looked into here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from rinnan_events import Sealed
from rinnan_events.intake import CompletedPart, Pins
from rinnan_events.opened import CareRoute, Consents, Contact, Identity, OwnForm, Protection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Form:
    """One version of a parent's own form, and how to reach them as they said with it."""

    submitted_at: datetime
    own: Sealed[OwnForm]
    contact: Sealed[Contact]


@dataclass(frozen=True, slots=True)
class Party:
    """One party's parts. `protections` counts what was noted: once at joining, and once with every submission."""

    identity: Sealed[Identity] | None = None
    contact: Sealed[Contact] | None = None
    forms: dict[int, Form] = field(default_factory=dict[int, Form])
    protection: Sealed[Protection] | None = None
    protection_version: int = 0
    protections: int = 0
    consents: dict[int, Sealed[Consents]] = field(default_factory=dict[int, Sealed[Consents]])
    withdrawn: int = 0
    care: dict[int, Sealed[CareRoute]] = field(default_factory=dict[int, Sealed[CareRoute]])


@dataclass(frozen=True, slots=True)
class Opening:
    """What the opening says of a registration."""

    county: str
    opened_at: datetime
    pins: Pins


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record that is to be delivered: of both parties, or of one who asked to be contacted alone.

    `parts` are the versions that go into it; None stands for one that nobody waits for. `identity` and `contact` are
    those of the request, where one party asked alone. `patient`: what no list counts is still waited for.
    """

    asked_at: datetime
    contact_by: datetime
    parts: tuple[CompletedPart, ...]
    identity: Sealed[Identity] | None = None
    contact: Sealed[Contact] | None = None
    patient: bool = True


NONE = 0
"""The version of a part that the record does without."""


KEPT = 8
"""How many of the newest versions of a part are kept beside those listed: a parent may give it in ever so often.

Not the newest alone: topics are heard in any order, so a list may come after versions that are later than it names.
"""


def keep(versions: dict[int, T], listed: Collection[int]) -> dict[int, T]:
    """What can still be needed of one part's versions."""
    newest = sorted(versions)[-KEPT:]
    return {version: part for version, part in versions.items() if version in newest or version in listed}


def chosen(versions: Mapping[int, T], listed: int) -> T | None:
    """The version listed. Where so many followed that it was let go before the list was heard, the first still kept.

    Nobody's record is stopped by it, and those that followed are a correction, as in every other order.
    """
    later = sorted(version for version in versions if version > listed)
    gone = listed != NONE and listed not in versions and len(later) >= KEPT
    return versions.get(later[0] if gone else listed)


def is_whole(party: Party, part: CompletedPart, *, surely: bool) -> bool:
    """Whether every version listed was heard.

    `surely`: and also every noting of protection that was said before. It has no version in the list, so it is counted.
    """
    return (
        party.protection is not None
        and (part.form == NONE or chosen(party.forms, part.form) is not None)
        and (part.consent == NONE or chosen(party.consents, part.consent) is not None)
        and (part.screening == NONE or chosen(party.care, part.screening) is not None)
        and (not surely or party.protections > part.form)
    )


def has_withdrawn(party: Party, part: CompletedPart) -> bool:
    """Whether the consents that the record was completed with were taken back."""
    return part.consent != NONE and party.withdrawn >= part.consent


def owner(party_id: UUID | None) -> str:
    """A party, or nobody, in a key."""
    return str(party_id or "none")
