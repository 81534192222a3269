"""Who can sign in at the development identity provider: the families' parents, and invented members of staff."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field, TypeAdapter

from rinnan_local.families import FAMILIES, Parent, Read, load_families, persons

STAFF = Path(__file__).parents[1] / "staff.toml"
Claims = Mapping[str, Any]


class Professional(Read):
    """A professional of one county, with some of the rights."""

    person: Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$")]
    name: str
    county: str
    rights: tuple[Literal["life", "bodies", "protected", "act", "operate"], ...]


def load_staff(path: Path = STAFF) -> tuple[Professional, ...]:
    """All members of staff of a file."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    return TypeAdapter(tuple[Professional, ...]).validate_python(told["staff"])


def parents_claims(families: Path = FAMILIES) -> dict[str, Claims]:
    """What strong identification tells of each parent, by `person`."""
    return {person: _of_parent(parent) for person, parent in persons(load_families(families)).items()}


def staff_claims(staff: Iterable[Professional]) -> dict[str, Claims]:
    """What a county's sign-in tells of each member of its staff, by `person`."""
    return {
        one.person: {
            "sub": _subject("staff", one.person),
            "name": one.name,
            "county": one.county,
            "rights": list(one.rights),
        }
        for one in staff
    }


def _of_parent(parent: Parent) -> Claims:
    told = {
        "sub": _subject("parents", parent.person),
        "acr": "strong",
        "given_name": parent.given_names or None,
        "family_name": parent.family_name,
        "birthdate": parent.birth_date.isoformat(),
        "national_id": parent.identity_code,
        "non_disclosure": parent.non_disclosure,
    }
    return {claim: value for claim, value in told.items() if value is not None}


def _subject(issuer: str, person: str) -> str:
    """An opaque id, the same at every sign-in, that tells nothing of the person."""
    return str(uuid5(NAMESPACE_URL, f"rinnan-local/{issuer}/{person}"))
