"""Wires the room together: `python -m rinnan_consent.app`."""

from __future__ import annotations

from pathlib import Path

from rinnan_chassis.room import Room, run
from rinnan_consent.api import routes
from rinnan_consent.domain import Registration
from rinnan_consent.handlers import handlers
from rinnan_consent.settings import Settings
from rinnan_events import Group
from rinnan_events.consent import ConsentGiven, ConsentWithdrawn
from rinnan_profiles import load

PROBLEMS = Path(__file__).parent / "problems.toml"


def room(settings: Settings) -> Room[Registration]:
    """Consent, as it runs."""
    profiles = load(*settings.profile_folders())
    return Room(
        name="consent",
        settings=settings,
        handlers=handlers,
        says=(ConsentGiven, ConsentWithdrawn),
        opens=frozenset({Group.CONSENT}),
        reference=profiles,
        routes=lambda desk, doors: [routes(desk, doors, profiles)],
        problems=PROBLEMS,
    )


if __name__ == "__main__":
    run(room(Settings.read()))
