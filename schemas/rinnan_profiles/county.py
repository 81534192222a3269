"""All that a wellbeing services county decides, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from rinnan_events.intake import Pins
from rinnan_profiles import calendar
from rinnan_profiles.letters import Kind, Letters, Message
from rinnan_profiles.words import Code, Language, Length, Profile, Standing, Version, Words, Wrongness, repeated

Days = Annotated[int, Field(ge=1, le=3650)]  # never none: a token from before the end was fixed must be over by then
Tries = Annotated[int, Field(ge=1, le=100)]

ADAPTERS = "rinnan.adapters"
"""The entry-point group in which adapters and renderers are found, by the name that a destination gives."""


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("no such time zone") from None
    return name


class Capabilities(Profile):
    """What a destination can do. An adapter's host compares this with what the adapter says of itself.

    `renders`: it makes packages that people key in, instead of writing.
    """

    transaction: bool
    conditional_create: bool
    searchable: bool
    restricted_place: bool
    renders: bool = False


class Destination(Profile):
    """One CIS installation, or a pile of paper, that finished registrations go to.

    `settle_after`: how long after the end of its lease an unanswered write may still take effect. `paper_after`: how
    long before the promise of contact ends the paper is prepared instead. `base_url` names the setting that holds the
    address. `labels` is the county's file for manual entry; without it the default order and labels are used.
    `settings` is what only this adapter knows, such as the name of a secret; its host refuses what it does not know.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{2,60}$")]
    adapter: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    settle_after: Length
    write_timeout: Length
    parallel: Annotated[int, Field(ge=1, le=64)]
    paper_after: Length
    base_url: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    labels: str | None = None
    capabilities: Capabilities
    settings: dict[str, str | int | float | bool] = Field(default_factory=dict)
    valid_from: date | None = None
    valid_until: date | None = None

    @property
    def lease(self) -> timedelta:
        """How long the host may take over one request, and some room.

        A write waits for up to three answers (look, write, count) and the check before it is given as long, all within
        what a worker may use of its lease: hence eight. Rendering waits for nobody.
        """
        waits = 3 if self.capabilities.renders else 8
        return waits * self.write_timeout + timedelta(seconds=30)

    def settled_at(self, begun_at: datetime) -> datetime:
        """When a write that began then can no longer take effect: its lease and `settle_after` are over."""
        return begun_at + self.lease + self.settle_after

    def faults(self) -> Iterator[Wrongness]:
        """What is wrong inside this destination."""
        if self.settle_after <= self.write_timeout:
            yield ("settle_after",), "settle_after must be longer than write_timeout"
        if not self.capabilities.restricted_place:
            yield ("capabilities", "restricted_place"), "the care route would reach nobody"

    def valid(self, day: date) -> bool:
        """Whether new deliveries go here on this day; both ends count in."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


class NoDestination(LookupError):  # noqa: N818 - a state of the world
    """A county has nowhere to deliver to on this day, or no destination of this name."""


class County(Profile):
    """One county, as one version of its profile says. Times come out in UTC; days are the county's calendar."""

    code: Annotated[str, Field(pattern=r"^[a-z0-9]{2,40}$")]
    version: Version
    name: Words
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    timezone: Annotated[str, AfterValidator(_known_timezone)]
    calendar: str
    closed_on: tuple[date, ...] = ()
    phone: Annotated[str, Field(pattern=r"^\+\d[\d ]{5,20}$")]
    phone_hours: Words

    form: str
    catalogue: str
    texts: str
    instrument: str
    services: Annotated[tuple[Code, ...], Field(min_length=1)]

    answer_days: Annotated[int, Field(ge=1, le=365)]
    grace: Length
    reminder_days_before: tuple[Annotated[int, Field(ge=1, le=364)], ...]
    reminder_hour: Annotated[int, Field(ge=8, le=20)]
    code_days: Annotated[int, Field(ge=1, le=365)]
    code_tries: Tries
    starts_per_day: Tries
    tickets_per_day: Tries
    ticket_minutes: Annotated[int, Field(ge=1, le=60)]
    contact_working_days: Annotated[int, Field(ge=1, le=60)]
    purge_days_after_settlement: Days
    purge_days_after_ending: Days

    letter_languages: Annotated[dict[Language, Standing], Field(min_length=1)]
    letters: Letters = Letters()
    destinations: Annotated[tuple[Destination, ...], Field(min_length=1)]

    @property
    def profile(self) -> str:
        """The name that a registration pins, such as `example.1`."""
        return f"{self.code}.{self.version}"

    def pins(self) -> Pins:
        """The versions that a registration opened now is held to for as long as it lives."""
        return Pins(
            profile=self.profile,
            form=self.form,
            catalogue=self.catalogue,
            texts=self.texts,
            instrument=self.instrument,
        )

    def faults(self) -> Iterator[Wrongness]:
        """What is wrong inside this profile; what it names elsewhere is looked at where all is read."""
        for place in ("name", "phone_hours"):
            for missing in sorted(set(self.languages) - getattr(self, place).languages):
                yield (place,), f"the text is missing in {missing}"
        for service in repeated(self.services):
            yield ("services",), f"{service} stands twice"
        if any(before >= self.answer_days for before in self.reminder_days_before):
            yield ("reminder_days_before",), "a reminder would leave before the registration is open"
        if self.purge_days_after_settlement <= self.answer_days:
            yield ("purge_days_after_settlement",), "it would be forgotten while reminders of it may still leave"
        for name in repeated(destination.name for destination in self.destinations):
            yield ("destinations",), f"the destination {name} stands twice"
        if not any(one.capabilities.renders and one.valid_until is None for one in self.destinations):
            yield ("destinations",), "no destination renders paper, for the day when a system is away"
        if self.destinations[-1].valid_until is not None:
            yield (
                ("destinations", len(self.destinations) - 1, "valid_until"),
                "after this day there is nowhere to deliver to",
            )
        for number, destination in enumerate(self.destinations):
            yield from ((("destinations", number, *place), text) for place, text in destination.faults())

    def deadline(self, opened_at: datetime) -> datetime:
        """The one deadline of a registration: the end of the county's day, `answer_days` after the day of opening."""
        return calendar.end_of_day(self.day(opened_at) + timedelta(days=self.answer_days), self.timezone)

    def ending_at(self, deadline: datetime) -> datetime:
        """When an ending is decided: `grace` after the deadline, so that what came in time has been heard."""
        return deadline + self.grace

    def contact_by(self, completed_at: datetime) -> datetime:
        """The end of the promise to make contact: the end of the `contact_working_days`-th working day after."""
        day = calendar.after_working_days(
            self.day(completed_at), self.contact_working_days, country=self.calendar, closed=self.closed_on
        )
        return calendar.end_of_day(day, self.timezone)

    def next_full_hour(self, moment: datetime) -> datetime:
        """The first full hour strictly after a moment: when both are shown `with the county`."""
        return calendar.next_full_hour(moment, self.timezone)

    def reminders_at(self, deadline: datetime) -> tuple[datetime, ...]:
        """The full hours in which to remind whoever has not acted, earliest first."""
        last = self.day(deadline)
        days = (last - timedelta(days=before) for before in sorted(self.reminder_days_before, reverse=True))
        return tuple(calendar.at_hour(day, self.reminder_hour, self.timezone) for day in days)

    def code_expires_at(self, issued_at: datetime, deadline: datetime) -> datetime:
        """When a code issued now stops working: after `code_days`, never past the deadline."""
        return min(calendar.end_of_day(self.day(issued_at) + timedelta(days=self.code_days), self.timezone), deadline)

    def ticket_expires_at(self, issued_at: datetime) -> datetime:
        """When a joining ticket that has not joined reads `did not match`, whatever the cause."""
        return issued_at + timedelta(minutes=self.ticket_minutes)

    def purge_at(self, settled_at: datetime) -> datetime:
        """When a settled registration is forgotten."""
        return settled_at + timedelta(days=self.purge_days_after_settlement)

    def purge_after_ending_at(self, ended_at: datetime) -> datetime:
        """When a registration that ended without becoming joint is forgotten."""
        return ended_at + timedelta(days=self.purge_days_after_ending)

    def paper_at(self, destination: Destination, contact_by: datetime) -> datetime:
        """When the promise of contact is in danger and paper is prepared, where a destination has not answered."""
        return contact_by - destination.paper_after

    def day(self, moment: datetime) -> date:
        """The county's calendar day of a moment."""
        return calendar.day_of(moment, self.timezone)

    def destination(self, name: str) -> Destination:
        """A destination by name, whether or not it is valid now; `NoDestination` where there is none."""
        for destination in self.destinations:
            if destination.name == name:
                return destination
        raise NoDestination(name)

    def joint_destination(self, at: datetime) -> Destination:
        """Where a record completed at this moment goes: the first destination that is valid on that day."""
        return self._first(destination for destination in self.destinations if destination.valid(self.day(at)))

    def paper_destination(self, at: datetime) -> Destination:
        """What renders the package when a record cannot be delivered: the first that does and is valid on that day."""
        day = self.day(at)
        return self._first(one for one in self.destinations if one.capabilities.renders and one.valid(day))

    def _first(self, found: Iterator[Destination]) -> Destination:
        for destination in found:
            return destination
        raise NoDestination(self.code)

    def message(
        self,
        kind: Kind | str,
        channel: str,
        languages: Sequence[str] = (),
        *,
        address: str,
        deadline: datetime,
        code: str = "",
    ) -> Message:
        """A neutral message to a person, on channel `email` or `sms`.

        `languages`: the person's own where it is known and there is a letter in it; otherwise all of the county's
        `letter_languages` stand in one message, because nobody knows which one the person reads.
        """
        known = [language for language in languages if self.letters.find(kind, channel, language)]
        return self.letters.write(
            kind,
            channel,
            known or tuple(self.letter_languages),
            code=code,
            address=address,
            deadline=self.day(deadline),
            phone=self.phone,
        )
