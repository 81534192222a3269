"""When a destination rests: how much it is asked at once is delivery mechanics, and no word on any delivery.

After several requests in a row without an answer, one at a time goes through, each after a fresh check, and with each
that is answered one more may go beside it. A far side that is certainly away is left alone for a while first; what is
asked meanwhile is answered as unavailable, which it certainly is, and the ledger waits and judges as ever. What finds
no room yet stays in the host's queue. One process knows this for itself; a restart begins open.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta

from prometheus_client import Gauge

from rinnan_chassis.deciding import Unavailable as NotYet
from rinnan_chassis.handlers import Backoff
from rinnan_events.adapter import Outcome

log = logging.getLogger(__name__)

IN_A_ROW = 5
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=10)
QUEUED = Backoff(first=timedelta(seconds=2), factor=1.5, most=timedelta(seconds=30))
"""How long a request waits in the host's queue before it asks again whether there is room."""

RESTS = "destination_rests"
TROUBLE = frozenset({Outcome.UNAVAILABLE, Outcome.UNKNOWN})

openness = Gauge("rinnan_destination_open", "How far this host asks its destination: 1 as ever, 0 while it rests.")
openness.set(1)


class Breaker:
    """One destination's. Rests follow the clock port, as the ledger's waits do."""

    def __init__(self, parallel: int) -> None:
        self._parallel = parallel
        self._window = parallel
        self._running = 0
        self._in_a_row = 0
        self._rest: timedelta | None = None
        self._rests_until: datetime | None = None

    def trouble(self, now: datetime) -> str | None:
        """What keeps the destination from being asked as ever, as a class; None where nothing does."""
        if self._rests_until is None:
            return None
        return RESTS if self.rests(now) else "destination_opens"

    def rests(self, now: datetime) -> bool:
        """Whether the destination is to be left alone."""
        return self._rests_until is not None and now < self._rests_until

    @contextmanager
    def room(self) -> Generator[None]:
        """Room for one request. Raises the chassis's `Unavailable` where there is none: it stays in the queue."""
        if self._rests_until is not None and self._running >= self._window:
            raise NotYet("destination_opens")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def hear(self, outcome: Outcome, now: datetime) -> None:
        """Learn from an answer. What was under way when a rest began tells nothing new."""
        if self.rests(now):
            return
        if outcome in TROUBLE:
            self._in_a_row += 1
            if self._in_a_row >= IN_A_ROW or self._rests_until is not None:
                self._narrow(now, self._next_rest() if outcome is Outcome.UNAVAILABLE else None)
        else:
            self._in_a_row = 0
            self._open_further()

    def _next_rest(self) -> timedelta:
        """Each rest until the destination is open again is twice as long as the one before."""
        return min(self._rest * 2, LONGEST_REST) if self._rest else FIRST_REST

    def _narrow(self, now: datetime, rest: timedelta | None) -> None:
        """One at a time from now on, or after a rest. A far side that is there and answers late needs none."""
        if rest:
            log.warning(RESTS, extra={"seconds": rest.total_seconds()})
        elif self._rests_until is None:
            log.warning("destination_answers_late")
        self._rest = rest or self._rest
        self._rests_until, self._window, self._in_a_row = now + (rest or timedelta(0)), 1, 0
        openness.set(0 if rest else 1 / self._parallel)

    def _open_further(self) -> None:
        if self._rests_until is None:
            return
        self._window += 1
        openness.set(min(self._window / self._parallel, 1))
        if self._window > self._parallel:
            self._rests_until, self._rest, self._window = None, None, self._parallel
            log.info("destination_open")
