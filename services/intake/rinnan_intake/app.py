"""Intake as a process: `python -m rinnan_intake.app`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from rinnan_chassis.desk import Desk
from rinnan_chassis.room import Room, run
from rinnan_chassis.settings import SettingsRefused
from rinnan_chassis.web import Doors, PartyTokens
from rinnan_events import Group
from rinnan_events.intake import (
    FormReopened,
    FormSubmitted,
    InvitationWanted,
    ParentJoined,
    PartyLeft,
    ProtectionNoted,
    RegistrationCompleted,
    RegistrationEnded,
    RegistrationOpened,
    RegistrationPurged,
    SingleContactRequested,
)
from rinnan_intake.api import routes
from rinnan_intake.handlers import handlers
from rinnan_intake.persons import Persons
from rinnan_intake.settings import Settings
from rinnan_profiles import load

HERE = Path(__file__).parent
SAYS = (
    RegistrationOpened,
    InvitationWanted,
    ParentJoined,
    FormSubmitted,
    FormReopened,
    RegistrationCompleted,
    RegistrationEnded,
    RegistrationPurged,
    PartyLeft,
    SingleContactRequested,
    ProtectionNoted,
)
OPENS = frozenset({Group.IDENTITY, Group.OWN, Group.CONTACT, Group.PROTECTION})


def room(settings: Settings) -> Room[Any]:
    """Intake, wired. Raises: SettingsRefused, BrokenProfiles."""
    profiles = load(*settings.profile_folders())
    profiles.ready_calendars(datetime.now(UTC))
    persons = Persons(settings.identity_pepper())
    key = _party_key(settings.party_key_file)

    def doors_open(desk: Desk[Any], doors: Doors) -> list[Any]:
        tokens = PartyTokens(key, desk.batches.clock)
        return [routes(desk, doors, profiles=profiles, persons=persons, tokens=tokens)]

    return Room(
        name="intake",
        settings=settings,
        handlers=handlers,
        says=SAYS,
        opens=OPENS,
        reference=profiles,
        routes=doors_open,
        migrations=HERE / "migrations",
        problems=HERE / "problems.toml",
        owner_of=lambda state: state.county if state else None,
    )


def _party_key(file: Path) -> OKPKey:
    try:
        return OKPKey.import_key(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, JoseError):
        raise SettingsRefused("RINNAN_PARTY_KEY_FILE: is not a readable private key") from None


if __name__ == "__main__":
    run(room(Settings.read()))
