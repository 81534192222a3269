"""A county's time: days of its calendar, working days of its promise."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rinnan_profiles import County, Destination, NoDestination, load

HOUSE = Path(__file__).parents[2]
COUNTY: County = load(HOUSE / "contracts", HOUSE / "deploy" / "counties").county("vakehyva")
moments = st.datetimes(datetime(2025, 1, 1), datetime(2034, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it


def test_the_deadline_is_the_end_of_the_countys_day() -> None:
    assert COUNTY.deadline(datetime(2026, 2, 23, 10, tzinfo=UTC)) == datetime(2026, 3, 9, 21, 59, 59, tzinfo=UTC)


def test_an_opening_after_the_countys_midnight_is_of_the_next_day() -> None:
    late = datetime(2026, 2, 23, 22, 30, tzinfo=UTC)
    assert COUNTY.deadline(late) == datetime(2026, 3, 10, 21, 59, 59, tzinfo=UTC)


def test_the_deadline_keeps_to_the_countys_clock_over_the_change_to_summer_time() -> None:
    assert COUNTY.deadline(datetime(2026, 3, 20, 10, tzinfo=UTC)) == datetime(2026, 4, 3, 20, 59, 59, tzinfo=UTC)


@given(moments)
def test_everybody_who_opens_on_one_day_has_the_same_deadline(moment: datetime) -> None:
    assert COUNTY.day(COUNTY.deadline(moment)) == COUNTY.day(moment) + timedelta(days=COUNTY.answer_days)


@pytest.mark.parametrize(
    ("completed", "by"),
    [
        (datetime(2026, 2, 23, 10, tzinfo=UTC), date(2026, 3, 2)),  # Monday to Monday
        (datetime(2026, 2, 28, 10, tzinfo=UTC), date(2026, 3, 6)),  # Saturday to Friday
        (datetime(2026, 4, 1, 10, tzinfo=UTC), date(2026, 4, 10)),  # over Good Friday and Easter Monday
        (datetime(2026, 6, 17, 10, tzinfo=UTC), date(2026, 6, 25)),  # over Midsummer's Eve
        (datetime(2026, 12, 22, 10, tzinfo=UTC), date(2026, 12, 31)),  # over Christmas Eve and Christmas Day
        (datetime(2026, 12, 30, 10, tzinfo=UTC), date(2027, 1, 8)),  # over New Year's Day and Epiphany
    ],
)
def test_the_promise_runs_on_finnish_working_days(completed: datetime, by: date) -> None:
    assert COUNTY.day(COUNTY.contact_by(completed)) == by


def test_a_day_on_which_the_county_is_closed_is_no_working_day() -> None:
    closed = COUNTY.model_copy(update={"closed_on": (date(2026, 2, 24),)})
    assert closed.day(closed.contact_by(datetime(2026, 2, 23, 10, tzinfo=UTC))) == date(2026, 3, 3)


def test_the_next_full_hour_is_never_now() -> None:
    assert COUNTY.next_full_hour(datetime(2026, 2, 23, 10, tzinfo=UTC)) == datetime(2026, 2, 23, 11, tzinfo=UTC)
    assert COUNTY.next_full_hour(datetime(2026, 2, 23, 10, 59, 59, 999999, tzinfo=UTC)).hour == 11


@given(moments)
def test_the_next_full_hour_is_within_an_hour(moment: datetime) -> None:
    hour = COUNTY.next_full_hour(moment)
    assert moment < hour <= moment + timedelta(hours=1)
    assert (hour.minute, hour.second, hour.microsecond) == (0, 0, 0)


def test_reminders_leave_by_day_and_in_order() -> None:
    deadline = COUNTY.deadline(datetime(2026, 2, 23, 10, tzinfo=UTC))
    assert COUNTY.reminders_at(deadline) == (
        datetime(2026, 3, 2, 10, tzinfo=UTC),
        datetime(2026, 3, 7, 10, tzinfo=UTC),
    )


@given(moments, st.integers(0, 40))
def test_a_code_never_outlives_the_deadline(opened: datetime, later: int) -> None:
    deadline = COUNTY.deadline(opened)
    assert COUNTY.code_expires_at(opened + timedelta(days=later), deadline) <= deadline


def test_an_ending_waits_for_what_came_in_time() -> None:
    deadline = COUNTY.deadline(datetime(2026, 2, 23, 10, tzinfo=UTC))
    assert COUNTY.ending_at(deadline) == deadline + COUNTY.grace > deadline


def test_paper_is_prepared_before_the_promise_is_broken() -> None:
    by = COUNTY.contact_by(datetime(2026, 2, 23, 10, tzinfo=UTC))
    assert COUNTY.paper_at(COUNTY.destinations[0], by) == by - timedelta(days=1)


def with_two() -> County:
    old = COUNTY.destinations[0].model_copy(update={"valid_until": date(2026, 5, 31)})
    new = Destination.model_validate(
        COUNTY.destinations[0].model_dump() | {"name": "new-cis", "valid_from": date(2026, 6, 1)}
    )
    return COUNTY.model_copy(update={"destinations": (old, new)})


def test_a_county_that_changes_its_system_delivers_to_the_new_one_from_its_day_on() -> None:
    county = with_two()
    assert county.joint_destination(datetime(2026, 5, 31, 20, 59, tzinfo=UTC)).name == "vakehyva-cis"
    assert county.joint_destination(datetime(2026, 5, 31, 21, 0, tzinfo=UTC)).name == "new-cis"


def test_a_delivery_already_planned_finds_its_old_destination_by_name() -> None:
    assert with_two().destination("vakehyva-cis").valid_until == date(2026, 5, 31)


def test_no_destination_is_said_out_loud() -> None:
    later = COUNTY.destinations[0].model_copy(update={"valid_from": date(2030, 1, 1)})
    county = COUNTY.model_copy(update={"destinations": (later,)})
    with pytest.raises(NoDestination):
        county.joint_destination(datetime(2026, 5, 31, tzinfo=UTC))
    with pytest.raises(NoDestination):
        county.destination("elsewhere")


def test_a_write_settles_after_its_lease_and_what_the_system_declares() -> None:
    one = COUNTY.destinations[0]
    begun = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert one.lease > one.write_timeout
    assert one.settled_at(begun) == begun + one.lease + one.settle_after


def test_rendering_waits_for_nobody_and_is_taken_up_again_sooner_than_a_write_of_the_same_time_out() -> None:
    writes, renders = (one.model_copy(update={"write_timeout": timedelta(seconds=30)}) for one in COUNTY.destinations)
    assert renders.lease < writes.lease


def test_paper_is_rendered_by_the_first_destination_that_can() -> None:
    assert COUNTY.paper_destination(datetime(2026, 3, 2, tzinfo=UTC)).name == "vakehyva-paper"


def test_a_county_without_paper_is_told_so() -> None:
    without = COUNTY.model_copy(update={"destinations": COUNTY.destinations[:1]})
    assert [wrong for _, wrong in without.faults()] == [
        "no destination renders paper, for the day when a system is away"
    ]
