"""What a batch is made of: facts on their way to a decider, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from rinnan_chassis.deciding import Claim, Claimed, Decider, Refusal
from rinnan_chassis.envelope import Headers


class Became(StrEnum):
    """What became of one item in one transaction."""

    DECIDED = "decided"
    NOTHING = "nothing"
    REFUSED = "refused"
    REPEATED = "repeated"
    PARKED = "parked"
    SET_ASIDE = "set_aside"
    STALE = "stale"
    PUT_BACK = "put_back"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does to a subject or a thing of it, who it is (issuer#subject, no name), and why.

    `thing`: a dead letter, or whatever a room names by an id.
    """

    by: str
    verb: str
    subject: UUID | None
    thing: UUID | None
    why: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A record as it came, so that it can be parked or set aside unchanged."""

    topic: str
    headers: Headers
    key: bytes | None
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to bring the result of one piece of work, as long as nobody took it over (`fence`)."""

    id: UUID
    kind: str
    key: str
    fence: int
    attempt: int
    timed: bool = False
    """Whether nothing ran in the outside world, so that it can wait while its subject is held."""


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a repeated HTTP command the same command: scoped to its caller and name."""

    caller: str
    name: str
    key: str
    id: UUID
    fingerprint: bytes


@dataclass(slots=True, eq=False)
class Item:
    """One fact for one decider. Exactly one of `heard`, `lease` and neither (a command) says where it came from."""

    fact: object
    decider: Decider[Any, Any] | None
    cause: str
    accepted_at: datetime
    subject: UUID | None
    claims: tuple[Claim, ...] = ()
    resolve: Callable[[Mapping[Claim, Claimed]], UUID] | None = None
    beside: UUID | None = None
    identity: tuple[str, str] | None = None
    heard: Heard | None = None
    lease: Lease | None = None
    once: Once | None = None
    parked: int | None = None
    letter: UUID | None = None
    fault: str | None = None
    traceparent: str | None = None
    became: Became = Became.NOTHING
    answer: Mapping[str, Any] = field(default_factory=dict[str, Any])
    refusal: Refusal | None = None

    @property
    def is_command(self) -> bool:
        """Whether a person waits for the answer."""
        return self.heard is None and self.lease is None

    @property
    def was_heard_before(self) -> bool:
        """Whether the inbox knows it from the time when it was parked or set aside."""
        return self.parked is not None or self.letter is not None
