"""Wires the room together: `python -m rinnan_risk_screening.app`."""

from __future__ import annotations

from pathlib import Path

from rinnan_chassis.room import Room, run
from rinnan_events import Group
from rinnan_events.risk_screening import CareRouteSet, ScreeningCompleted
from rinnan_profiles import load
from rinnan_risk_screening.api import routes
from rinnan_risk_screening.domain import Registration
from rinnan_risk_screening.handlers import handlers
from rinnan_risk_screening.settings import Settings

PROBLEMS = Path(__file__).parent / "problems.toml"
SAYS = (ScreeningCompleted, CareRouteSet)


def room(settings: Settings) -> Room[Registration]:
    """Risk screening, as it runs."""
    profiles = load(*settings.profile_folders())
    return Room(
        name="risk_screening",
        settings=settings,
        handlers=handlers,
        says=SAYS,
        opens=frozenset({Group.SCREENING, Group.CARE}),
        reference=profiles,
        outside=profiles,
        routes=lambda desk, doors: [routes(desk, doors, profiles)],
        problems=PROBLEMS,
    )


if __name__ == "__main__":
    run(room(Settings.read()))
