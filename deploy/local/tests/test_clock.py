"""The local clock runs faster, jumps ahead, never goes back, and reads the same in every process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rinnan_chassis.clock import FileClock
from rinnan_local.clock import LocalClock

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
A_MOMENT = timedelta(seconds=2)


def test_a_standing_clock_shows_the_time_it_was_given(tmp_path: Path) -> None:
    assert LocalClock.start(tmp_path / "clock.json", at=MONDAY, rate=0).now() == MONDAY


def test_a_jump_moves_the_time_shown_by_exactly_so_much(tmp_path: Path) -> None:
    clock = LocalClock.start(tmp_path / "clock.json", at=MONDAY, rate=0)
    clock.jump(timedelta(days=14))
    assert clock.now() == MONDAY + timedelta(days=14)


def test_a_clock_goes_on_from_the_time_shown_when_its_rate_changes(tmp_path: Path) -> None:
    clock = LocalClock.start(tmp_path / "clock.json", at=MONDAY, rate=0)
    clock.run_at(1)
    assert MONDAY <= clock.now() < MONDAY + A_MOMENT


def test_a_fast_clock_shows_later_times_at_its_rate(tmp_path: Path) -> None:
    clock = LocalClock.start(tmp_path / "clock.json", at=MONDAY, rate=86_400_000)
    assert clock.now() > MONDAY + timedelta(hours=1)


def test_a_clock_does_not_jump_back(tmp_path: Path) -> None:
    clock = LocalClock.start(tmp_path / "clock.json", at=MONDAY, rate=0)
    with pytest.raises(ValueError, match="never goes back"):
        clock.jump(timedelta(seconds=-1))


def test_jumping_to_a_past_moment_leaves_the_clock_as_it_is(tmp_path: Path) -> None:
    clock = LocalClock.start(tmp_path / "clock.json", at=MONDAY, rate=0)
    clock.jump_to(MONDAY - timedelta(days=1))
    assert clock.now() == MONDAY


def test_services_read_the_time_that_the_local_clock_shows(tmp_path: Path) -> None:
    clock = LocalClock.start(tmp_path / "clock.json", at=MONDAY, rate=0)
    assert FileClock(clock.path).now() == MONDAY
