"""When: how long to wait, when to look, until when a write may begin, when paper takes over."""

from __future__ import annotations

from datetime import datetime, timedelta

from rinnan_profiles import Destination

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=30)
SHORTEST_GAP = timedelta(minutes=1)
STRAGGLERS = timedelta(minutes=1)
PATIENCE = timedelta(minutes=10)
PRINTED_WITHIN = timedelta(hours=1)
"""How soon a package is there that paper was asked for late: after that an alarm rings."""

SECOND_CHANCE = timedelta(days=1)
"""How long a destination is tried again once a person has said that a package was not keyed in."""

LOOKS = 2
"""Absent this often, apart from each other, means: it is not there and will not be."""


def wait(tries: int) -> timedelta:
    """The wait after the `tries`th time in a row that a destination was away: growing, and bounded."""
    return min(FIRST_WAIT * 2 ** min(tries - 1, 20), LONGEST_WAIT)


def gap(destination: Destination) -> timedelta:
    """How far apart two looks are: a quarter of what the destination declares, a minute at least."""
    return max(destination.settle_after / 4, SHORTEST_GAP)


def settled_at(destination: Destination, said: datetime | None, heard_at: datetime) -> datetime:
    """When an unanswered write can no longer take effect: as its host says, else by the destination's own word."""
    return said or destination.settled_at(heard_at)
