"""What invitation says: codes, and asking and reminding the parents."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from rinnan_events.event import Event, Moment

INVITATION = "invitation.invitation.v1"


class Channel(StrEnum):
    """How a message was sent."""

    EMAIL = "email"
    SMS = "sms"


class Intention(StrEnum):
    """What the holder of a code wants: to join, or not to take part."""

    JOIN = "join"
    DECLINE = "decline"


class InvitationIssued(Event):
    """A one-time code exists for a party, beside those of earlier letters."""

    type: ClassVar[str] = "invitation.invitation_issued.v1"
    topic: ClassVar[str] = INVITATION
    party_id: UUID
    invitation_id: UUID
    expires_at: Moment


class InvitationSent(Event):
    """A message with a code left for a party, at least once, under a stable message id.

    Every start and every asking again sends one to the contact told then. Where the party was not awaited any more, its
    code was never issued and opens nothing.
    """

    type: ClassVar[str] = "invitation.invitation_sent.v1"
    topic: ClassVar[str] = INVITATION
    party_id: UUID
    invitation_id: UUID
    channel: Channel


class ParentReminded(Event):
    """A reminder left for a party, at most once: to their own contact, or to one that the other told.

    `perhaps`: the sender stopped in the middle, and it is not repeated. A reminder to a told contact leaves whatever
    the party did meanwhile, since the contact may be the teller's own.
    """

    type: ClassVar[str] = "invitation.parent_reminded.v1"
    topic: ClassVar[str] = INVITATION
    party_id: UUID
    perhaps: bool


class CodePresented(Event):
    """Somebody who is signed in presented a live code with a joining ticket. Whether it matches, only intake knows.

    `ticket` is the SHA-256 of the ticket in hexadecimal; the ticket itself never travels.
    """

    type: ClassVar[str] = "invitation.code_presented.v1"
    topic: ClassVar[str] = INVITATION
    party_id: UUID
    invitation_id: UUID
    ticket: str
    intention: Intention
    presented_at: Moment


class InvitationClosed(Event):
    """No code of this invitation works any longer."""

    type: ClassVar[str] = "invitation.invitation_closed.v1"
    topic: ClassVar[str] = INVITATION
    party_id: UUID
    invitation_id: UUID
