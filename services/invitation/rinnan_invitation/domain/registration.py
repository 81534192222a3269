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

LETTERS_A_DAY = 3
"""How often one parent may have a letter sent within 24 hours, by starting or asking again. Own acts alone count."""

LETTERS_IN_ALL = 5
"""How often one parent may have a letter sent at all in one registration: asking must not become a way to pester."""

OWN_CONTACTS_KEPT = 5
"""How many of the contacts that a parent gave of themself are remembered, the newest."""


class InvitationCode(Opened):
    """A code as its letter needs it, sealed like the contact that the letter goes to."""

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
    """One parent. `own`: the contacts that they gave of themself, newest last; what the other told is kept nowhere.

    `codes`: those that open their place. Each letter has its own, and none dies of another: nobody can keep the other
    out by asking elsewhere. `asked`: when this parent had the other asked, within the last day or so. The last three
    are versions heard.
    """

    own: tuple[Sealed[Contact], ...] = ()
    wanted: bool = False
    joined: bool = False
    submitted: bool = False
    alone: bool = False
    left: bool = False
    codes: tuple[LiveCode, ...] = ()
    asked: tuple[datetime, ...] = ()
    asked_in_all: int = 0
    screening: int = 0
    consent: int = 0
    consent_withdrawn: int = 0

    @property
    def is_here(self) -> bool:
        """Joined, and not left."""
        return self.joined and not self.left

    @property
    def awaited(self) -> bool:
        """Whether this parent is to be asked and is not here yet."""
        return self.wanted and not self.joined and not self.left

    @property
    def to_be_reminded(self) -> bool:
        """Whether something of this parent's own part is still to be done. It depends on their own acts alone."""
        whole = self.submitted and self.screening > 0 and self.consent > self.consent_withdrawn
        return self.is_here and not whole and not self.alone and bool(self.own)

    def giving(self, contact: Sealed[Contact]) -> Party:
        """The same parent, here, after giving a contact of their own."""
        earlier = (own for own in self.own if own != contact)
        return replace(self, joined=True, own=(*earlier, contact)[-OWN_CONTACTS_KEPT:])

    def may_ask_today(self, now: datetime) -> bool:
        """Whether a further letter may be sent today."""
        return len(self.asked_since(now - timedelta(days=1))) < LETTERS_A_DAY

    @property
    def may_ask_at_all(self) -> bool:
        """Whether a further letter may be sent in this registration."""
        return self.asked_in_all < LETTERS_IN_ALL

    def having_asked(self, times: int) -> Party:
        """The same parent, of whom it is known that they have asked so often, perhaps as another party."""
        return replace(self, asked_in_all=max(self.asked_in_all, times))

    def asking(self, now: datetime) -> Party:
        """The same parent, after having the other asked once more."""
        recent = self.asked_since(now - timedelta(days=1))
        return replace(self, asked=(*recent, now), asked_in_all=self.asked_in_all + 1)

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

    def beside(self, asker: UUID) -> UUID | None:
        """The other parent: who is awaited, else who is here, else who is gone. None where there never was one."""
        others = ((not one.awaited, one.left, party_id) for party_id, one in self.parties.items() if party_id != asker)
        return min(others)[-1] if len(self.parties) > 1 else None

    def holder_of(self, key: str) -> tuple[UUID, Party, LiveCode] | None:
        """Whose live code has this key."""
        found = ((party_id, self.of(party_id), code) for party_id, code in self.live_codes() if code.key == key)
        return next(found, None)

    def live_codes(self) -> Iterator[tuple[UUID, LiveCode]]:
        """Every code not closed yet, with its party."""
        for party_id, party in self.parties.items():
            for code in party.codes:
                yield party_id, code


def claim_of(key: str) -> Claim:
    """The claim of a code's keyed hash."""
    return Claim(CODE, bytes.fromhex(key))


def pinned_county(state: Registration, ctx: Context) -> County:
    """The county as this registration was opened under it."""
    profiles: Profiles = ctx.reference
    return profiles.pinned_county(state.county, state.profile)
