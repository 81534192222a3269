"""The client record, put together from what lies under the seals: parties by their random ids, children joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from rinnan_events.opened import (
    CareRoute,
    Child,
    ClientRecord,
    Consents,
    Contact,
    Identity,
    OwnForm,
    Protection,
    RecordChild,
    RecordParty,
    Scope,
)
from rinnan_profiles import IdentityCode, NotAnIdentityCode, matching_text
from rinnan_record_export.domain.ledger import Delivery
from rinnan_record_export.domain.parts import Opening, Wanted

CHILDREN = UUID("c3a4c1de-8d0b-5a37-9a6e-0e0f5f1a7b22")
"""The uuid5 namespace of children. It never changes."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One party's part, opened."""

    party_id: UUID
    identity: Identity
    contact: Contact
    protection: Protection
    own: OwnForm | None
    submitted_at: datetime | None
    consents: Consents | None
    care: CareRoute | None


def client_record(
    registration_id: UUID, opening: Opening, wanted: Wanted, delivery: Delivery, parts: Sequence[Opened]
) -> ClientRecord:
    """The record of these parts, for one destination. The order of `parts` makes no difference."""
    ordered = sorted(parts, key=lambda part: part.party_id)
    children = joined(registration_id, [child for part in ordered if part.own for child in part.own.children])
    return ClientRecord(
        registration_id=registration_id,
        county=opening.county,
        destination=delivery.destination,
        scope=Scope.JOINT if delivery.party_id is None else Scope.SINGLE,
        form_version=opening.pins.form,
        opened_at=opening.opened_at,
        completed_at=wanted.asked_at,
        contact_by=wanted.contact_by,
        parties=tuple(_party(part, children) for part in ordered),
        children=tuple(sorted(set(children.values()), key=lambda child: child.child_id)),
    )


def joined(registration_id: UUID, named: Iterable[Child]) -> Mapping[Child, RecordChild]:
    """One child for all that name the same: by identity code, else by name and date of birth.

    A child named with a code and without it is one child, unless two codes fit: then nothing is guessed.
    """
    every = sorted(set(named), key=_order)
    by_code: dict[str, list[Child]] = {}
    by_name: dict[str, list[Child]] = {}
    for child in every:
        if child.identity_code:
            by_code.setdefault(child.identity_code, []).append(child)
    for child in every:
        if not child.identity_code:
            codes = {other.identity_code for other in every if other.identity_code and _text(other) == _text(child)}
            same = by_code[codes.pop() or ""] if len(codes) == 1 else by_name.setdefault(_text(child), [])
            same.append(child)
    groups = [*by_code.items(), *by_name.items()]
    return {child: _child(registration_id, name, same) for name, same in groups for child in same}


def _child(registration_id: UUID, known_as: str, same: Sequence[Child]) -> RecordChild:
    first = same[0]
    return RecordChild(
        child_id=uuid5(CHILDREN, f"{registration_id}/{known_as}"),
        family_name=first.family_name,
        given_names=first.given_names,
        identity_code=first.identity_code,
        birth_date=_born(first),
    )


def _party(part: Opened, children: Mapping[Child, RecordChild]) -> RecordParty:
    named = part.own.children if part.own else ()
    return RecordParty(
        party_id=part.party_id,
        identity=part.identity,
        contact=part.contact,
        protection=part.protection,
        own=part.own,
        submitted_at=part.submitted_at,
        consents=part.consents,
        care=part.care,
        children=tuple(sorted({children[child].child_id for child in named})),
    )


def _order(child: Child) -> tuple[bool, str, str, str]:
    """Those with a code first, then by what they are called: nothing of who named them."""
    return (not child.identity_code, child.identity_code or "", child.family_name, child.given_names)


def _text(child: Child) -> str:
    born = _born(child)
    return (
        matching_text(child.family_name, child.given_names, born)
        if born
        else f"{child.family_name}/{child.given_names}"
    )


def _born(child: Child) -> date | None:
    if child.birth_date or not child.identity_code:
        return child.birth_date
    try:
        return IdentityCode.parse(child.identity_code).birth_date
    except NotAnIdentityCode:
        return None
