"""A county's calendar: days end at its midnight, and promises run on its working days."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

SATURDAY = 5
_END = time(23, 59, 59)


def end_of_day(day: date, timezone: str) -> datetime:
    """The last second of a calendar day there, in UTC: a date shown from it is still that day."""
    return datetime.combine(day, _END, ZoneInfo(timezone)).astimezone(UTC)


def at_hour(day: date, hour: int, timezone: str) -> datetime:
    """A full hour of a calendar day there, in UTC."""
    return datetime.combine(day, time(hour), ZoneInfo(timezone)).astimezone(UTC)


def day_of(moment: datetime, timezone: str) -> date:
    """The calendar day there."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def after_working_days(day: date, count: int, *, country: str, closed: Collection[date] = ()) -> date:
    """The `count`-th working day after `day`, which itself does not count.

    Working days are Monday to Friday without the country's public holidays (in Finland Midsummer's and Christmas Eve
    are among them) and without the days that the county itself is closed.
    """
    while count:
        day += timedelta(days=1)
        if day.weekday() < SATURDAY and day not in closed and day not in _holidays(country, day.year):
            count -= 1
    return day


def next_full_hour(moment: datetime, timezone: str) -> datetime:
    """The first full hour strictly after a moment, in UTC, as the clocks there show it."""
    local = moment.astimezone(ZoneInfo(timezone))
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return moment.astimezone(UTC) - past + timedelta(hours=1)


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    from holidays import country_holidays  # noqa: PLC0415 - takes half a second, and only promises need it

    return frozenset(country_holidays(country, years=year))
