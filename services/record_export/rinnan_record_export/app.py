"""Wires the room together: `python -m rinnan_record_export.app`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rinnan_chassis.room import Room, run
from rinnan_events import Group
from rinnan_events.record_export import (
    DeliveryLookupRequested,
    DeliveryMoved,
    DeliveryRequested,
    PackageRecalled,
    PackageRenderRequested,
)
from rinnan_profiles import load
from rinnan_record_export.api import routes
from rinnan_record_export.domain.registration import Registration
from rinnan_record_export.handlers import handlers
from rinnan_record_export.settings import Settings

HERE = Path(__file__).parent
SAYS = (DeliveryRequested, DeliveryLookupRequested, PackageRenderRequested, PackageRecalled, DeliveryMoved)
OPENS = frozenset({Group.IDENTITY, Group.OWN, Group.CONTACT, Group.PROTECTION, Group.CONSENT, Group.CARE, Group.RECORD})


def room(settings: Settings) -> Room[Registration]:
    """Record export, as it runs."""
    profiles = load(*settings.profile_folders())
    profiles.ready_calendars(datetime.now(UTC))
    return Room(
        name="record_export",
        settings=settings,
        handlers=handlers,
        says=SAYS,
        opens=OPENS,
        reference=profiles,
        routes=routes,
        migrations=HERE / "migrations",
        problems=HERE / "problems.toml",
        owner_of=lambda state: state.opening.county if state and state.opening else None,
    )


if __name__ == "__main__":
    run(room(Settings.read()))
