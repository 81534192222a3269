"""The local stack's clock: one small file that every process reads, so that days can pass in seconds."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LocalClock:
    """Sets what the clock file says; `rinnan_chassis.clock.FileClock` is what reads it.

    `{"real": R, "shown": S, "rate": F}`, R and S in seconds since 1970: at the real time R the clock showed S, and
    since then it runs F times as fast. The clock never goes back.
    """

    path: Path

    @classmethod
    def start(cls, path: Path, *, at: datetime | None = None, rate: float = 1.0) -> LocalClock:
        """A clock that shows `at` (now, if not given) and runs `rate` times as fast as the machine's."""
        clock = cls(path)
        clock._write(at.timestamp() if at else time.time(), rate)
        return clock

    def now(self) -> datetime:
        """The time that the clock shows, in UTC."""
        shown, _ = self._read()
        return datetime.fromtimestamp(shown, UTC)

    @property
    def rate(self) -> float:
        return self._read()[1]

    def run_at(self, rate: float) -> None:
        """Go on from the time shown now, `rate` times as fast as the machine's clock; 0 stands still."""
        shown, _ = self._read()
        self._write(shown, rate)

    def jump(self, ahead: timedelta) -> None:
        """Show a later time at once, and go on as fast as before. Raises: ValueError for a jump back."""
        if ahead < timedelta():
            raise ValueError("the clock never goes back")
        shown, rate = self._read()
        self._write(shown + ahead.total_seconds(), rate)

    def jump_to(self, moment: datetime) -> None:
        """Show `moment`, or go on as now where that is past."""
        self.jump(max(timedelta(), moment - self.now()))

    def _read(self) -> tuple[float, float]:
        told = json.loads(self.path.read_bytes())
        return told["shown"] + (time.time() - told["real"]) * told["rate"], told["rate"]

    def _write(self, shown: float, rate: float) -> None:
        """Replace the file by renaming: a reader sees the old clock or the new one, never half of one."""
        if rate < 0:
            raise ValueError("the clock never goes back")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        fresh.write_text(json.dumps({"real": time.time(), "shown": shown, "rate": rate}))
        fresh.replace(self.path)
