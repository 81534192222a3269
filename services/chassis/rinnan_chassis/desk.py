"""The desk: where a person's command comes in over HTTP, is decided, and is answered."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from rinnan_chassis.batch import Batches
from rinnan_chassis.deciding import Claim, Claimed
from rinnan_chassis.items import Item, Once
from rinnan_chassis.seals import open_part
from rinnan_chassis.together import Together
from rinnan_chassis.working import read_subject, read_whole
from rinnan_events import Opened, Sealed

S = TypeVar("S")
O = TypeVar("O", bound=Opened)  # noqa: E741 - an opened part

Resolve = Callable[[Mapping[Claim, Claimed]], UUID]


@dataclass(slots=True)
class Desk(Generic[S]):
    """What a room's `api.py` works with. `secret` keys the fingerprints of repeated commands and is in no database."""

    batches: Batches[S]
    secret: bytes
    _together: Together = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._together = Together(self.batches.decide)

    def now(self) -> datetime:
        """The time by the clock port."""
        return self.batches.clock.now()

    async def state(self, subject: UUID, *, of: UUID | None = None) -> S | None:
        """The last good state of a subject, read without a lock. Sealed parts `of` that party alone can be opened."""
        return await (read_whole(self.batches, subject, of=of) if of else read_subject(self.batches, subject))

    async def open(
        self, part: Sealed[O], model: type[O], *, party: UUID | None, subject: UUID, mark: str | None = None
    ) -> O:
        """What lies under a seal. Raises `KeyDestroyed` (an answer: closed) and `SealBroken`."""
        return await open_part(self.batches.keyring, part, model, subject=subject, party=party, mark=mark)

    async def decide(
        self,
        command: object,
        *,
        subject: UUID | None = None,
        caller: str = "",
        key: str | None = None,
        claims: tuple[Claim, ...] = (),
        resolve: Resolve | None = None,
        beside: UUID | None = None,
        fingerprint: str = "",
        traceparent: str | None = None,
    ) -> Mapping[str, Any]:
        """Decide on a command, and give its answer; a repeat under the same `key` gets the same answer.

        The key counts for this caller and this kind of command. `fingerprint` is whatever tells two bodies apart; only
        its keyed digest is kept. At `beside`, a fresh id, it may be decided instead. Raises the decider's `Refusal`;
        then nothing is left behind.
        """
        name = type(command).__name__
        command_id = uuid4()
        once = None
        if key is not None:
            print_of = hmac.digest(self.secret, f"{subject}|{fingerprint}".encode(), hashlib.sha256)
            once = Once(caller, name, key, command_id, print_of)
        item = Item(
            command,
            self.batches.handlers.decider_of(command),
            f"command|{command_id}",
            self.now(),
            subject,
            claims=claims,
            resolve=resolve,
            beside=beside,
            once=once,
            traceparent=traceparent,
        )
        await self._together.decide(item)
        return item.answer
