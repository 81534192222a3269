"""The words a decider speaks: plain values in, plain values out. A domain imports nothing else of the chassis."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID, uuid4

from rinnan_events import Event

S = TypeVar("S")
F_contra = TypeVar("F_contra", contravariant=True)


class Refusal(Exception):  # noqa: N818 - a refusal is a state of the world, not an error
    """The rules say no. `code` is stable, `room.state_of_the_world`; `field` names the input, never its value."""

    code: str = "chassis.refused"
    status: int = 409

    def __init__(self, field: str | None = None, **told: int | str) -> None:
        super().__init__(self.code)
        self.field = field
        self.told = told


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A name that must be unique, besides subjects: one decision at a time may hold it.

    `key` is a digest: nothing personal. Kinds are claimed in the order that the room declares, each sorted by key.
    """

    kind: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim points to, and what is noted on it (JSON values; nothing personal in the clear)."""

    subject: UUID | None = None
    note: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Work:
    """Something to do in the outside world, or at a time: written with the decision, run after it.

    `key` makes it idempotent within its kind: planning the same key again while it waits moves it to the new time and
    payload; planning a key that already ran does nothing. `payload` is JSON values and `Sealed` parts.
    """

    kind: str
    key: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Cancel:
    """Work that need not be done any longer. Work that is already running finishes."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class ByHand:
    """That a person did this, and why: kept with what operators do, in the decision's transaction. Nothing personal.

    `by`: issuer and subject of their token. `on`: what of the subject it was done to.
    """

    by: str
    verb: str
    why: str
    on: UUID | None = None


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """What a decider answers: the new state, what is now said, and what is to be done.

    `state` None leaves the state as it was. `claims` sets a claim, or lets it go with None. `answer` is what an HTTP
    caller gets and what a repeat of the command gets again: nothing personal. `forget` replaces the state by an empty
    tombstone, drops the subject's waiting work and lets go of all its claims. `by_hand` is told at `/operations/acts`.
    `beside`: all this is of `context.beside`, and the subject is left as it was.
    """

    state: S | None = None
    says: Sequence[Event] = ()
    works: Sequence[Work | Cancel] = ()
    claims: Mapping[Claim, Claimed | None] = field(default_factory=dict[Claim, Claimed | None])
    answer: Mapping[str, Any] | None = None
    forget: bool = False
    by_hand: ByHand | None = None
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What a decider may know besides state and fact: the time, and the reference data its room was started with.

    For an event, `now` is the clock at hearing and `accepted_at` the moment the speaker accepted the fact (`ce_time`);
    events are judged by `accepted_at`, commands by `now`. `beside` is a fresh subject, where the caller gave one:
    to decide there instead takes no transaction more.
    """

    now: datetime
    accepted_at: datetime
    subject: UUID
    reference: Any
    claimed: Mapping[Claim, Claimed] = field(default_factory=dict[Claim, Claimed])
    ids: Any = uuid4
    beside: UUID | None = None

    def new_id(self) -> UUID:
        """A fresh random id (uuid4: a time-ordered id would tell who began)."""
        return self.ids()


@dataclass(frozen=True, slots=True)
class PartyToken:
    """Who is acting: one party of one registration, or a professional (`act`) who fills in for them."""

    registration_id: UUID
    party_id: UUID
    county: str
    deadline: datetime
    pins: Mapping[str, str]
    act: str | None
    expires_at: datetime


class Unavailable(Exception):  # noqa: N818 - a state of the outside world
    """The outside world is away: due work is run again after a growing delay. `reason` is a class, never its text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The result of work that was tried as often as its room allows; `reason` is that of the last try."""

    kind: str
    key: str
    payload: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The result of work whose worker stopped in the middle, where its room says it must not run again."""

    kind: str
    key: str
    payload: Mapping[str, Any]
    lease_ended_at: datetime


class Decider(Protocol[S, F_contra]):
    """`(state, fact, context) → Decision`, or None for nothing to do, or a raised `Refusal`. Pure."""

    def __call__(self, state: S | None, fact: F_contra, context: Context, /) -> Decision[S] | None: ...


def digest(*parts: str) -> bytes:
    """SHA-256 over length-prefixed parts. A claim's key is made of values that are already random or already keyed."""
    hasher = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        hasher.update(len(encoded).to_bytes(4, "big"))
        hasher.update(encoded)
    return hasher.digest()
