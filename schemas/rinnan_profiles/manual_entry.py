"""What a person keys in, in the order and with the labels of the county's own CIS screens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Field

from rinnan_events.opened import ClientRecord, RecordChild, RecordParty
from rinnan_profiles.words import Code, Profile, Translated, Version, Words, Wrongness, repeated


class Sheet(StrEnum):
    """Which paper a section stands on. The cover is shared and tells nothing of either parent."""

    COVER = "cover"
    PARTY = "party"
    CHILD = "child"


ROOT_OF = {Sheet.COVER: "record", Sheet.PARTY: "party", Sheet.CHILD: "child"}
MODEL_OF: Mapping[str, type[BaseModel]] = {"record": ClientRecord, "party": RecordParty, "child": RecordChild}
PROTECTED = ("party.contact", "party.protection", "party.care")
NOT_ON_THE_COVER = ("record.parties", "record.children")


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

    def faults(self) -> Iterator[Wrongness]:
        """What is wrong inside this mapping: a path that leads nowhere, or protected data in an open place."""
        yield from super().faults()
        for name in repeated(section.id for section in self.sections):
            yield ("sections",), f"the section {name} stands twice"
        for number, section in enumerate(self.sections):
            for which, entry in enumerate(section.fields):
                place = ("sections", number, "fields", which, "source")
                root, _, path = entry.source.partition(".")
                if root != ROOT_OF[section.sheet] or entry.source.startswith(NOT_ON_THE_COVER):
                    yield place, f"{entry.source} does not belong on a {section.sheet} sheet"
                elif not _leads(MODEL_OF[root], path.split(".")):
                    yield place, f"{entry.source} leads nowhere in the record"
                elif entry.source.startswith(PROTECTED) and not section.restricted:
                    yield place, f"{entry.source} is protected and goes to a restricted section only"


def _leads(model: Any, path: list[str]) -> bool:
    """Whether a path leads from a model of the record to a value, through mappings by any key."""
    if get_origin(model) is dict:
        return bool(path) and _leads(get_args(model)[1], path[1:])
    if isinstance(model, type) and issubclass(model, BaseModel):
        info = model.model_fields.get(path[0]) if path else None
        return info is not None and _leads(info.annotation, path[1:])
    if not path:
        return all(_leads(each, path) for each in get_args(model))
    return any(
        _leads(each, path) for each in get_args(model) if each is not type(None) and get_origin(model) is not tuple
    )


def read(source: str, record: ClientRecord, party: RecordParty | None = None, child: RecordChild | None = None) -> Any:
    """What the record holds at a source path; None where nothing was told."""
    root, *path = source.split(".")
    value: Any = {"record": record, "party": party, "child": child}[root]
    for step in path:
        if value is None:
            return None
        value = value.get(step) if isinstance(value, Mapping) else getattr(value, step)
    return value
