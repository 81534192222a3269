from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rinnan_chassis.clock import ClockNotAllowed, FileClock, SystemClock, clock_of

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def shows(path: Path, shown: datetime, rate: float) -> FileClock:
    set_to(path, shown, rate)
    return FileClock(path)


def set_to(path: Path, shown: datetime, rate: float) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"real": time.time(), "shown": shown.timestamp(), "rate": rate}))
    fresh.replace(path)


def test_the_system_clock_is_aware_of_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


@pytest.mark.parametrize("rate", [0.0, 1.0, 86_400.0])
def test_a_file_clock_runs_at_its_rate(tmp_path: Path, rate: float) -> None:
    clock = shows(tmp_path / "clock.json", MONDAY, rate)
    time.sleep(0.02)
    ahead = clock.now() - MONDAY
    assert timedelta(seconds=0.02 * rate) <= ahead <= timedelta(seconds=2 * rate)


def test_a_file_clock_jumps_when_its_file_is_replaced(tmp_path: Path) -> None:
    clock = shows(tmp_path / "clock.json", MONDAY, 0)
    assert clock.now() == MONDAY
    set_to(tmp_path / "clock.json", MONDAY + timedelta(days=14), 0)
    time.sleep(0.06)
    assert clock.now() == MONDAY + timedelta(days=14)


def test_a_clock_that_jumps_is_for_loopback_only(tmp_path: Path) -> None:
    shows(tmp_path / "clock.json", MONDAY, 0)
    assert isinstance(clock_of(tmp_path / "clock.json", on_loopback=True), FileClock)
    with pytest.raises(ClockNotAllowed):
        clock_of(tmp_path / "clock.json", on_loopback=False)


def test_without_a_file_it_is_the_system_clock() -> None:
    assert isinstance(clock_of(None, on_loopback=False), SystemClock)
