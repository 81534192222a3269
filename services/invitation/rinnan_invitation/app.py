"""Wires the room together: `python -m rinnan_invitation.app`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx
from fastapi import APIRouter

from rinnan_chassis.desk import Desk
from rinnan_chassis.room import Room, run
from rinnan_chassis.web import Doors
from rinnan_events import Group
from rinnan_events.invitation import (
    Channel,
    CodePresented,
    InvitationClosed,
    InvitationIssued,
    InvitationSent,
    ParentReminded,
)
from rinnan_invitation import channels
from rinnan_invitation.api import routes
from rinnan_invitation.domain.registration import Registration
from rinnan_invitation.handlers import handlers
from rinnan_invitation.settings import Settings
from rinnan_invitation.work import Outside
from rinnan_profiles import Profiles, load

PROBLEMS = Path(__file__).parent / "problems.toml"


def room(settings: Settings) -> Room[Registration]:
    """Invitation, as it runs."""
    profiles = load(*settings.profile_folders())
    outside = outside_of(settings, profiles)

    def with_desk(desk: Desk[Registration], doors: Doors) -> Sequence[APIRouter]:
        outside.desk = desk
        return [routes(desk, doors, outside.pepper)]

    return Room(
        name="invitation",
        settings=settings,
        handlers=handlers,
        says=(InvitationIssued, InvitationSent, ParentReminded, CodePresented, InvitationClosed),
        opens=frozenset({Group.CONTACT}),
        reference=profiles,
        outside=outside,
        routes=with_desk,
        problems=PROBLEMS,
        owner_of=lambda state: (state.county or None) if state else None,
    )


def outside_of(settings: Settings, profiles: Profiles) -> Outside:
    """The ways out that the environment opens: e-mail always, text messages where a gateway is named."""
    ways: dict[Channel, channels.Channel] = {Channel.EMAIL: channels.Email(settings.mail_server())}
    if settings.sms_url:
        token = settings.sms_token.get_secret_value() if settings.sms_token else None
        ways[Channel.SMS] = channels.TextMessages(httpx.AsyncClient(), settings.sms_url, token)
    return Outside(profiles, settings.code_pepper.get_secret_value().encode(), settings.portal_address, ways)


if __name__ == "__main__":
    run(room(Settings.read()))
