"""What a person keys in, in the order and with the labels of the county's own CIS screens."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from rinnan_events.opened import ClientRecord, RecordChild, RecordParty
from rinnan_profiles.words import Code, Profile, Translated, Version, Words


class Sheet(StrEnum):
    """Which paper a section stands on. The cover is shared and tells nothing of either parent."""

    COVER = "cover"
    PARTY = "party"
    CHILD = "child"


class EntryField(Profile):
    """One field of a CIS screen. `source` is the path into the record: `record.…`, `party.…` or `child.…`."""

    label: Words
    source: Annotated[str, Field(pattern=r"^(record|party|child)(\.[a-z][a-z0-9_]*)+$")]
    check_twice: bool = False


class Section(Profile):
    """One CIS screen or part of it. `restricted`: it is keyed into a place that few may see, and printed apart."""

    id: Code
    title: Words
    sheet: Sheet
    restricted: bool = False
    fields: Annotated[tuple[EntryField, ...], Field(min_length=1)]


class ManualEntry(Translated):
    """A mapping from the record to a CIS's screens."""

    version: Version
    product: str
    sections: Annotated[tuple[Section, ...], Field(min_length=1)]


def read(source: str, record: ClientRecord, party: RecordParty | None = None, child: RecordChild | None = None) -> Any:
    """What the record holds at a source path; None where nothing was told."""
    root, *path = source.split(".")
    value: Any = {"record": record, "party": party, "child": child}[root]
    for step in path:
        if value is None:
            return None
        value = value.get(step) if isinstance(value, Mapping) else getattr(value, step)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - any mapping
    return value  # pyright: ignore[reportUnknownVariableType] - whatever the record holds
