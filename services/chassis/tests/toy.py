"""A toy room, for the chassis to be proven with: it hears news of a subject, remembers their numbers, and answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

from rinnan_chassis.deciding import Cancel, Claim, Claimed, Context, Decision, GaveUp, Lost, Refusal, Work, digest
from rinnan_chassis.handlers import AfterCrash, Backoff, Handlers
from rinnan_chassis.working import Job
from rinnan_events import Event, Group, Opened, Sealed

TOPICS = Path(__file__).parent / "toy_topics.toml"


class Secret(Opened):
    """What only the toy and the crier may read."""

    group: ClassVar[Group] = Group.OWN
    text: str


class Small(Opened):
    """Something that has to fit one size."""

    group: ClassVar[Group] = Group.CARE
    text: str


class News(Event):
    """What the crier says. `what` tells the toy's decider what to do with it."""

    type: ClassVar[str] = "crier.news_told.v1"
    topic: ClassVar[str] = "crier.news.v1"
    party_id: UUID
    number: int
    what: str = "note"
    secret: Sealed[Secret] | None = None


class Unheard(Event):
    """What the crier says to others."""

    type: ClassVar[str] = "crier.unheard_told.v1"
    topic: ClassVar[str] = "crier.news.v1"


class Answered(Event):
    """What the toy says to each piece of news."""

    type: ClassVar[str] = "toy.news_answered.v1"
    topic: ClassVar[str] = "toy.answer.v1"
    party_id: UUID
    number: int
    text: str = ""
    secret: Sealed[Secret] | None = None
    small: Sealed[Small] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The toy's state."""

    heard: tuple[int, ...] = ()
    text: str = ""
    secret: Sealed[Secret] | None = None
    results: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A person's command. `what` as in `News`."""

    party_id: UUID
    number: int = 0
    what: str = "note"
    secret: Sealed[Secret] | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """A person's wish for a name, or for another beside whoever has it."""

    name: str
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an errand brought."""

    text: str
    poison: bool = False


@dataclass(frozen=True, slots=True)
class Rang:
    """A bell rang at its time."""

    number: int


class TheToySaysNo(Refusal):
    """The toy's rules say no."""

    code = "toy.no"


class PoisonError(Exception):
    """A decider that raises."""


@dataclass(slots=True)
class World:
    """The toy's outside: what an errand does there is up to each test. `came` are the keys of who came, in order."""

    errand: Callable[[Job], Awaitable[object]] | None = None
    came: list[str] = field(default_factory=list[str])


def hear(kept: Kept | None, fact: News | Ask, context: Context) -> Decision[Kept] | None:
    """Remember the number and do what the fact asks for. One decider for events and commands."""
    kept = kept or Kept()
    noted = replace(kept, heard=(*kept.heard, fact.number), secret=fact.secret or kept.secret)
    answer = Answered(registration_id=context.subject, party_id=fact.party_id, number=fact.number)
    if fact.what == "poison":
        raise PoisonError
    if fact.what == "no":
        raise TheToySaysNo
    return None if fact.what == "nothing" else _WHAT[fact.what](noted, answer, context)


def _plans(kind: str, **later: int) -> Callable[[Kept, Answered, Context], Decision[Kept]]:
    def plan(noted: Kept, answer: Answered, context: Context) -> Decision[Kept]:
        due_at = context.now + timedelta(**later)
        return Decision(noted, works=[Work(kind, _key(answer), due_at, {"number": answer.number})])

    return plan


def _says(**more: Any) -> Callable[[Kept, Answered, Context], Decision[Kept]]:
    return lambda noted, answer, _: Decision(noted, [answer.model_copy(update=more)])


def _key(answer: Answered) -> str:
    return f"{answer.registration_id}.{answer.number}"


_WHAT: dict[str, Callable[[Kept, Answered, Context], Decision[Kept]]] = {
    "note": lambda noted, answer, _: Decision(noted, [answer], answer={"heard": list(noted.heard)}),
    "nul": lambda noted, _answer, _: Decision(replace(noted, text="a\x00b")),
    "huge": _says(text="x" * 5_000),
    "large part": lambda noted, answer, _: _says(small=Sealed.of(Small(text="x" * 600), party=answer.party_id))(
        noted, answer, _
    ),
    "pass on": lambda noted, answer, _: _says(secret=noted.secret)(noted, answer, _),
    "unwritable": lambda noted, answer, context: Decision(
        noted, works=[Work("errand", _key(answer), context.now, {"thing": object()})]
    ),
    "unwritable state": lambda noted, _answer, _: Decision(replace(noted, text=object())),  # type: ignore[arg-type]
    "forget": lambda _noted, _answer, _: Decision(forget=True),
    "errand": _plans("errand"),
    "errand in an hour": _plans("errand", hours=1),
    "once": _plans("once"),
    "bell": _plans("bell"),
    "cancel": lambda noted, answer, _: Decision(noted, works=[Cancel("errand", _key(answer))]),
    "judge": lambda noted, _answer, context: Decision(
        replace(noted, text=context.accepted_at.isoformat()), answer={"now": context.now.isoformat()}
    ),
}


def _brought(kept: Kept | None, result: str) -> Decision[Kept]:
    kept = kept or Kept()
    return Decision(replace(kept, results=(*kept.results, result)))


def note_the_errand(kept: Kept | None, fetched: Fetched, _: Context) -> Decision[Kept]:
    """Remember what an errand brought."""
    if fetched.poison:
        raise PoisonError
    return _brought(kept, fetched.text)


def note_the_bell(kept: Kept | None, rang: Rang, _: Context) -> Decision[Kept]:
    """Remember that a bell rang."""
    return _brought(kept, f"rang {rang.number}")


def note_the_loss(kept: Kept | None, lost: Lost, _: Context) -> Decision[Kept]:
    """Remember that nobody knows what became of it."""
    return _brought(kept, f"lost {lost.kind}")


def note_the_surrender(kept: Kept | None, given_up: GaveUp, _: Context) -> Decision[Kept]:
    """Remember that it was tried often enough."""
    return _brought(kept, f"gave up: {given_up.reason}")


def take(kept: Kept | None, ask: Take, context: Context) -> Decision[Kept]:
    """Take the one name that one subject at a time may hold, and note how often it was taken."""
    claim = name_of(ask.name)
    taken = context.claimed[claim]
    if ask.beside:
        return Decision(Kept(), answer={"holder": str(context.beside)}, beside=True)
    if taken.subject not in (None, context.subject):
        raise TheToySaysNo
    mine = Claimed(context.subject, {"times": taken.note.get("times", 0) + 1})
    return Decision(kept or Kept(), claims={claim: mine}, answer={"holder": str(context.subject)})


def name_of(name: str) -> Claim:
    """The claim to a name."""
    return Claim("name", digest(name))


async def run_the_errand(job: Job, world: World) -> object:
    """Go out and do what the test says."""
    world.came.append(job.key)
    return Fetched("fetched") if world.errand is None else await world.errand(job)


def toy(*, lease: timedelta = timedelta(seconds=60), give_up_after: int | None = 3) -> Handlers[Kept]:
    """The toy's table."""
    handlers = Handlers(Kept, claims=("name",))
    handlers.hears(News, hear)
    handlers.commands(Ask, hear)
    handlers.commands(Take, take)
    handlers.results(Fetched, note_the_errand)
    handlers.results(Rang, note_the_bell)
    handlers.results(Lost, note_the_loss)
    handlers.results(GaveUp, note_the_surrender)
    backoff = Backoff(first=timedelta(minutes=1), factor=2, give_up_after=give_up_after)
    handlers.works("errand", run_the_errand, lease=lease, retry=backoff)
    handlers.works("once", run_the_errand, lease=lease, after_crash=AfterCrash.DECIDE, retry=backoff, parallel=2)
    handlers.due("bell", Rang)
    return handlers


def news(subject: UUID, number: int = 1, what: str = "note", **more: Any) -> News:
    """Something to tell the toy."""
    return News(registration_id=subject, party_id=more.pop("party", None) or uuid4(), number=number, what=what, **more)


def secret(party: UUID, text: str = "hush") -> Sealed[Secret]:
    """A part that is not sealed yet."""
    return Sealed.of(Secret(text=text), party=party)
