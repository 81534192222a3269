"""What time it is. Due times, deadlines and token lifetimes use this clock; leases and time-outs use monotonic time."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, Protocol

_LOOK_AGAIN_AFTER: Final = 0.05


class ClockNotAllowed(Exception):  # noqa: N818 - a state of the settings
    """A clock that can run faster or jump was asked for where not everything is on loopback."""


class Clock(Protocol):
    """The clock port."""

    def now(self) -> datetime:
        """The time, in UTC and aware of it."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class _Setting(NamedTuple):
    real: float
    shown: float
    rate: float


class FileClock:
    """The local stack's clock, which can run faster or jump: all its processes read the same small file.

    `{"real": R, "shown": S, "rate": F}`, R and S in seconds since 1970: at the real time R the clock showed S, and
    since then it runs F times as fast. The file is looked at again at most every 50 ms, and must be replaced by
    renaming.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark = self._look()
        self._setting = self._read()
        self._look_again_at = time.monotonic() + _LOOK_AGAIN_AFTER

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._shown(), UTC)

    def _shown(self) -> float:
        if time.monotonic() >= self._look_again_at:
            self._look_again_at = time.monotonic() + _LOOK_AGAIN_AFTER
            if (mark := self._look()) != self._mark:
                self._mark = mark
                self._setting = self._read()
        real, shown, rate = self._setting
        return shown + (time.time() - real) * rate

    def _look(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_ino

    def _read(self) -> _Setting:
        told = json.loads(self._path.read_bytes())
        return _Setting(float(told["real"]), float(told["shown"]), float(told["rate"]))


def clock_of(clock_file: Path | None, *, on_loopback: bool) -> Clock:
    """The machine's clock, or the file's. Raises: ClockNotAllowed when not everything is on loopback."""
    if clock_file is None:
        return SystemClock()
    if not on_loopback:
        raise ClockNotAllowed("RINNAN_CLOCK_FILE is for a stack that is wholly on loopback")
    return FileClock(clock_file)
