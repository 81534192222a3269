"""The mapping table, read from `contracts/fhir/`: every code and system that this adapter writes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A part of the mapping table. Unknown and missing keys are refused, so a typing error is found at start-up."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Code(Table):
    """A code in its system."""

    system: str
    code: str
    version: str | None = None
    display: str | None = None

    def coding(self) -> dict[str, Any]:
        """The code as a Coding."""
        return {key: told for key, told in self if told is not None}

    def concept(self) -> dict[str, Any]:
        """The code as a CodeableConcept."""
        return {"coding": [self.coding()]}


class OwnIdentifier(Table):
    """How Rinnan's deterministic ids are said."""

    system: str
    prefix: str

    def value(self, own: UUID) -> str:
        """The identifier's value."""
        return f"{self.prefix}{own}"


class IdentityCode(Table):
    """How an identity code is said."""

    system: str
    type: Code


class Labels(Table):
    """Security labels."""

    non_disclosure: Code
    contact: Code
    protected: Code


class Scopes(Table):
    """The kinds of registration."""

    system: str
    joint: str
    single: str


class Vocabulary(Table):
    """A system whose codes are those of the record."""

    system: str

    def concept(self, code: str) -> dict[str, Any]:
        """A code of this system as a CodeableConcept."""
        return {"coding": [{"system": self.system, "code": code}]}


class Form(Table):
    """How a form and its answers are named."""

    canonical: str
    answer_system: str


class ConsentTable(Table):
    """How consents are classified."""

    scope: Code
    category: Code
    policy: str
    item_system: str


class TaskTable(Table):
    """The kinds of task."""

    system: str
    registration: str
    contact: str
    protection: str


class Codes(Table):
    """The systems of a task's coded inputs."""

    language: str
    safe_time: str
    care_route: str


class Tables(Table):
    """The whole mapping table of one version."""

    version: str
    own_identifier: OwnIdentifier
    identity_code: IdentityCode
    labels: Labels
    service_category: Code
    scope: Scopes
    service: Vocabulary
    form: Form
    parent: Code
    consent: ConsentTable
    task: TaskTable
    input: Vocabulary
    codes: Codes


def read(path: Path) -> Tables:
    """The table in a file. Raises ValueError (pydantic's, or TOML's) where it is not whole, OSError where not there."""
    return Tables.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
