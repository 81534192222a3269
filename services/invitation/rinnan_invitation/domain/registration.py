"""What invitation remembers of a registration: who is asked, who is here, and which code is alive. Frozen values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from rinnan_chassis.deciding import Claim, Context
from rinnan_events import Group, Opened, Sealed
from rinnan_events.opened import Contact
from rinnan_profiles import County, Profiles

CODE = "code"
"""The kind of claim that leads from a code's keyed hash to its registration."""

ASKED_AGAIN_A_DAY = 3
"""How often one parent may have an invitation sent again within 24 hours. Own acts alone count."""

ASKED_AGAIN_IN_ALL = 10
"""How often one parent may have an invitation sent again at all: asking must not become a way to pester."""


class InvitationCode(Opened):
    """A code as its letter needs it. Sealed like a contact: it reaches a parent, so it is that parent's own."""

    group: ClassVar[Group] = Group.CONTACT
    code: str


@dataclass(frozen=True, slots=True)
class LiveCode:
    """A code that works until `expires_at`, or until it was presented too often. `key`: its keyed hash, hexadecimal."""

    invitation_id: UUID
    key: str
    expires_at: datetime
    presented: int = 0

    @property
    def claim(self) -> Claim:
        """The claim under which it is found."""
        return claim_of(self.key)


@dataclass(frozen=True, slots=True)
class Party:
    """One parent. `asked`: when this parent had the other asked again, within the last day or so."""

    contact: Sealed[Contact] | None = None
    wanted: bool = False
    joined: bool = False
    submitted: bool = False
    alone: bool = False
    left: bool = False
    code: LiveCode | None = None
    asked: tuple[datetime, ...] = ()
    asked_in_all: int = 0

    @property
    def awaited(self) -> bool:
        """Whether this parent is to be asked and is not here yet."""
        return self.wanted and not self.joined and not self.left

    @property
    def to_be_reminded(self) -> bool:
        """Whether this parent still has something to do. It depends on this parent's own acts alone."""
        waiting = self.awaited or (self.joined and not self.submitted and not self.alone)
        return waiting and not self.left and self.contact is not None

    def may_ask_again(self, now: datetime) -> bool:
        """Whether a further invitation may be sent today."""
        return len(self.asked_since(now - timedelta(days=1))) < ASKED_AGAIN_A_DAY

    def asked_since(self, moment: datetime) -> tuple[datetime, ...]:
        """When this parent asked after a moment."""
        return tuple(asked for asked in self.asked if asked > moment)


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration as invitation knows it. A departure may be heard before the opening: then little is known yet."""

    county: str = ""
    profile: str = ""
    deadline: datetime | None = None
    parties: dict[UUID, Party] = field(default_factory=dict[UUID, Party])
    completed: bool = False
    over: bool = False

    def of(self, party_id: UUID) -> Party:
        """One party; nothing is known of one that was not heard of."""
        return self.parties.get(party_id, Party())

    def having(self, party_id: UUID, party: Party) -> Registration:
        """The same registration with one party changed."""
        return replace(self, parties=self.parties | {party_id: party})

    def awaited_beside(self, asker: UUID) -> UUID | None:
        """The parent who is to be asked and is not here yet, where that is not the asker."""
        others = (party_id for party_id, party in self.parties.items() if party_id != asker and party.awaited)
        return next(others, None)

    def holder_of(self, key: str) -> tuple[UUID, Party, LiveCode] | None:
        """Whose live code has this key."""
        for party_id, party in self.parties.items():
            if party.code is not None and party.code.key == key:
                return party_id, party, party.code
        return None

    def live_codes(self) -> Iterator[tuple[UUID, LiveCode]]:
        """Every code that still works, with its party."""
        for party_id, party in self.parties.items():
            if party.code is not None:
                yield party_id, party.code


def claim_of(key: str) -> Claim:
    """The claim of a code's keyed hash."""
    return Claim(CODE, bytes.fromhex(key))


def pinned_county(state: Registration, ctx: Context) -> County:
    """The county as this registration was opened under it."""
    profiles: Profiles = ctx.reference
    return profiles.pinned_county(state.county, state.profile)
