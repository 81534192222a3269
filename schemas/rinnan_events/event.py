"""What every event is: a fact in the past tense about one registration."""

from __future__ import annotations

from functools import cache
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rinnan_events.sealed import Group, Opened, form_of

Moment = Annotated[AwareDatetime, Field(description="RFC 3339 with offset; Rinnan writes UTC.")]
County = Annotated[str, Field(pattern=r"^[a-z0-9-]{2,40}$", description="The county's code in deploy/counties.")]
Destination = Annotated[str, Field(pattern=r"^[a-z0-9-]{2,60}$", description="One CIS installation, from county.toml.")]


class Part(BaseModel):
    """A clear value inside an event."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(BaseModel):
    """A fact about one registration. Clear fields hold ids, types, times, versions and neutral flags, nothing personal.

    `type` is `speaker.thing_happened.vN`; `topic` is the speaker's. The record's key is `registration_id`. A sealed
    field's group is named by its type; its owner is the event's `party`: mostly its `party_id`, else nobody.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    type: ClassVar[str]
    topic: ClassVar[str]

    registration_id: UUID

    @property
    def subject(self) -> UUID:
        """What this event is about: the registration."""
        return self.registration_id

    @property
    def party(self) -> UUID | None:
        """The party that this event speaks of, where it speaks of one."""
        return getattr(self, "party_id", None)


@cache
def sealed_forms_of(event: type[BaseModel]) -> tuple[tuple[str, type[Opened]], ...]:
    """The sealed fields of an event class and what lies under each, in the order they are declared."""
    forms = ((name, form_of(info.annotation)) for name, info in event.model_fields.items())
    return tuple((name, form) for name, form in forms if form is not None)


@cache
def sealed_fields(event: type[BaseModel]) -> tuple[tuple[str, Group], ...]:
    """The sealed fields of an event class and their groups."""
    return tuple((name, form.group) for name, form in sealed_forms_of(event))
