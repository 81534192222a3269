"""A clock that a test sets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

OPENING_DAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday morning."""


class StageClock:
    """Stands still until a test moves it."""

    def __init__(self, now: datetime = OPENING_DAY) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, to: datetime) -> None:
        """Show this time from now on."""
        self._now = to

    def pass_by(self, **span: float) -> None:
        """Let time pass: `pass_by(days=3)`."""
        self._now += timedelta(**span)
