"""Which fact goes to which decider: the one table that a room fills in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rinnan_chassis.deciding import Claim, Decider, GaveUp, Lost
from rinnan_chassis.envelope import source_of
from rinnan_events import Event

if TYPE_CHECKING:
    from rinnan_chassis.working import Job

S = TypeVar("S")
E = TypeVar("E", bound=Event)
F = TypeVar("F")

ClaimsOf = Callable[[Any], tuple[Claim, ...]]
Run = Callable[["Job", Any], Awaitable[object | None]]


class Undecided(Exception):  # noqa: N818 - a state of the table
    """Work of some kind could end in a result that no decider hears."""


class AfterCrash(StrEnum):
    """What becomes of work whose lease ran out: run it again, or never again and let the decider hear `Lost`."""

    AGAIN = "again"
    DECIDE = "decide"


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long unavailable work waits before the next try.

    `first`, each next wait `factor` times as long, at most `most`. Counted on the clock port. After
    `give_up_after` tries the decider for `GaveUp` hears of it; None never gives up.
    """

    first: timedelta = timedelta(seconds=5)
    factor: float = 2.0
    most: timedelta = timedelta(minutes=15)
    give_up_after: int | None = None

    def delay(self, attempt: int) -> timedelta:
        """The wait after the `attempt`th try, counted from 1."""
        return min(self.first * self.factor ** min(attempt - 1, 40), self.most)


@dataclass(frozen=True, slots=True)
class Hearing:
    """How an event is heard: on its own topic and of its own speaker, by which decider, and under which claims."""

    event: type[Event]
    topic: str
    speaker: str
    decider: Decider[Any, Any]
    claims: ClaimsOf | None
    concerns: Callable[[Any], bool] | None
    process: Callable[[Any], str] | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of due work. `lease` is longer than everything that `run` may take, time-outs included."""

    name: str
    run: Run | None
    result: type[Any] | None
    lease: timedelta
    after_crash: AfterCrash
    retry: Backoff
    parallel: int


@dataclass(slots=True)
class Handlers(Generic[S]):
    """A room's table of deciders and work. `claims` are its claim kinds, in the one order in which they are claimed.

    `guests`: whether it may say of a party what came in under a subject of its own and of no party, before anybody
    knew whose it would be. Everything else is said only of the subject and the party that it was sealed for.
    """

    state: type[S]
    claims: tuple[str, ...] = ()
    guests: bool = False
    heard: dict[str, Hearing] = field(default_factory=dict[str, Hearing])
    decided: dict[type[Any], Decider[S, Any]] = field(default_factory=dict[type[Any], Decider[S, Any]])
    kinds: dict[str, Kind] = field(default_factory=dict[str, Kind])

    def hears(
        self,
        event: type[E],
        decider: Decider[S, E],
        *,
        claims: Callable[[E], tuple[Claim, ...]] | None = None,
        concerns: Callable[[E], bool] | None = None,
        process: Callable[[E], str] | None = None,
    ) -> None:
        """Let `decider` decide on every `event` that a neighbour said; only on those that `concerns` it, where given.

        What does not concern the room is skipped before the inbox and leaves nothing behind. Where a neighbour is many
        processes, `process` tells by the event which of them alone may say it.
        """
        speaker = source_of(event.type.partition(".")[0])
        self.heard[event.type] = Hearing(event, event.topic, speaker, decider, claims, concerns, process)

    def commands(self, command: type[F], decider: Decider[S, F]) -> None:
        """Let `decider` decide on a person's command."""
        self.decided[command] = decider

    def results(self, result: type[F], decider: Decider[S, F]) -> None:
        """Let `decider` decide on what work brought back (also `Lost` and `GaveUp`)."""
        self.decided[result] = decider

    def works(
        self,
        kind: str,
        run: Run,
        *,
        lease: timedelta = timedelta(seconds=60),
        after_crash: AfterCrash = AfterCrash.AGAIN,
        retry: Backoff | None = None,
        parallel: int = 8,
    ) -> None:
        """Let `run` do the work of this kind in the outside world, never two at once for one subject."""
        self.kinds[kind] = Kind(kind, run, None, lease, after_crash, retry or Backoff(), parallel)

    def due(self, kind: str, result: type[Any]) -> None:
        """Let the decider of `result` hear `result(**payload)` when work of this kind falls due."""
        self.kinds[kind] = Kind(kind, None, result, timedelta(seconds=60), AfterCrash.AGAIN, Backoff(), 200)

    @property
    def never_again(self) -> frozenset[str]:
        """The kinds of work that are never run a second time without knowing that the first did nothing."""
        return frozenset(kind.name for kind in self.kinds.values() if kind.after_crash is AfterCrash.DECIDE)

    def check(self) -> None:
        """Refuse a table in which work could end without anybody to decide on it. Raises: Undecided."""
        awaited = [(kind.name, kind.result) for kind in self.kinds.values() if kind.result is not None]
        awaited += [(name, Lost) for name in sorted(self.never_again)]
        awaited += [(kind.name, GaveUp) for kind in self.kinds.values() if kind.retry.give_up_after is not None]
        if missing := [f"{name}: {result.__name__}" for name, result in awaited if result not in self.decided]:
            raise Undecided("nobody decides on " + ", ".join(missing))

    @property
    def topics(self) -> frozenset[str]:
        """The topics that this room listens to."""
        return frozenset(hearing.event.topic for hearing in self.heard.values())

    def decider_of(self, fact: object) -> Decider[S, Any]:
        """The decider for a command or a result; a KeyError here is a wiring fault."""
        return self.decided[type(fact)]


def due_payload(kind: Kind, payload: Mapping[str, Any]) -> object:
    """The fact that a purely timed kind of work brings."""
    if kind.result is None:
        raise TypeError(f"work of kind {kind.name} has a runner")
    return kind.result(**payload)


def nothing_to_do(_state: Any, _fact: object, _context: Any) -> None:
    """A decider for what nobody has to decide on."""
