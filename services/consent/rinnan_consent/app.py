"""Wires the room together: `python -m rinnan_consent.app`."""

from __future__ import annotations

from pathlib import Path

from rinnan_chassis.room import Room, run
from rinnan_chassis.settings import SettingsRefused
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
    if settings.contracts_dir is None or settings.counties_dir is None:
        raise SettingsRefused("RINNAN_CONTRACTS_DIR and RINNAN_COUNTIES_DIR: consent reads the texts and the counties")
    profiles = load(settings.contracts_dir, settings.counties_dir)
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
