"""A room: its table of deciders, what it may say and open, and the loops that keep it alive until it is stopped."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import asyncpg
import httpx
import uvloop
from fastapi import APIRouter

from rinnan_chassis.batch import Batches
from rinnan_chassis.clock import Clock, clock_of
from rinnan_chassis.database import Database, connect, is_away, migrate, whole_of
from rinnan_chassis.desk import Desk
from rinnan_chassis.folding import Folded
from rinnan_chassis.handlers import Handlers
from rinnan_chassis.hearing import Deciding, Ear, Hearer
from rinnan_chassis.housekeeping import Housekeeping
from rinnan_chassis.keyring import Keyring
from rinnan_chassis.logs import set_up_logs
from rinnan_chassis.operations import Operations, OwnerOf, nobody_knows
from rinnan_chassis.relay import Relay, channel
from rinnan_chassis.settings import Settings
from rinnan_chassis.topics import Topics
from rinnan_chassis.web.application import application
from rinnan_chassis.web.doors import Doors
from rinnan_chassis.web.health import Pulse, health
from rinnan_chassis.web.issuers import Issuers, issuers_of
from rinnan_chassis.web.operations import operations_routes
from rinnan_chassis.web.problems import Problems
from rinnan_chassis.web.serving import Served, served
from rinnan_chassis.web.tokens import PartyTokenCheck, public_keys
from rinnan_chassis.working import Worker
from rinnan_chassis.wrapping import WrappingKeysMissing
from rinnan_events import Event, Group, sealed_fields

S = TypeVar("S")
log = logging.getLogger(__name__)

Routes = Callable[[Desk[Any], Doors], Sequence[APIRouter]]

STOPPED_WITHIN = 20.0
"""Seconds in which what is in hand is finished, when the room is told to stop."""


class Loop(Protocol):
    """Something that runs until it is stopped."""

    async def run(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Room(Generic[S]):
    """What makes one service this service. `role` is its name in `topics.toml` and `speaker` the one it speaks under.

    Both are `name` where nothing else is told.
    """

    version: ClassVar[str] = metadata.version("rinnan-chassis")  # all packages are released as one

    name: str
    settings: Settings
    handlers: Handlers[S]
    says: Sequence[type[Event]] = ()
    opens: frozenset[Group] = frozenset()
    reference: Any = None
    outside: Any = None
    routes: Routes = field(default=lambda _desk, _doors: ())
    migrations: Path | None = None
    problems: Path | None = None
    role: str = ""
    speaker: str = ""
    hearer: Callable[[Batches[S]], Hearer] = Deciding
    topics: frozenset[str] = frozenset()
    loggable: frozenset[str] = frozenset()
    owner_of: OwnerOf = nobody_knows

    def __post_init__(self) -> None:
        for name in ("role", "speaker"):
            object.__setattr__(self, name, getattr(self, name) or self.name)


def run(room: Room[Any]) -> None:
    """Run a room until SIGTERM or SIGINT. Refuses to start with rights that `topics.toml` does not give it."""
    set_up_logs(room.name, room.settings.log_level, more=room.loggable)
    uvloop.run(_live(room))


async def _live(room: Room[S]) -> None:
    settings = room.settings
    topics = Topics.load(settings.topics_file)
    hears = room.handlers.topics | room.topics
    speaks = {event.topic for event in room.says}
    opens = room.opens | _sealed_in(room.says)
    topics.check(room.role, speaks=speaks, hears=hears, opens=opens)
    room.handlers.check()
    wrapping = settings.held_wrapping_keys()
    if missing := sorted(opens - wrapping.keys()):
        raise WrappingKeysMissing(", ".join(missing))
    clock = clock_of(settings.clock_file, on_loopback=settings.on_loopback())

    async with AsyncExitStack() as stack:
        database = await _patiently(lambda: _open_database(room))
        stack.push_async_callback(database.close)
        keyring = await Keyring.connect(settings.keyring(), wrapping, **settings.database_arguments())
        stack.push_async_callback(keyring.close)
        batches = Batches(
            room.name, room.speaker, room.role, room.handlers, database, keyring, topics, clock, room.reference
        )
        relay = Relay(room.name, database, settings.kafka_arguments())
        worker = Worker(batches, room.outside)
        group = room.speaker.replace("/", ".")
        ear = Ear(room.hearer(batches), group, settings.kafka_arguments(), hears)
        house = Housekeeping(batches, ear.lag if hears else None)
        batches.after_commit = _wake(relay, worker)
        secret = hashlib.sha256(b"fingerprints" + b"".join(wrapping[each] for each in sorted(wrapping))).digest()
        desk = Desk(batches, secret)
        moving: dict[str, Ear | Relay | Worker] = {"say": relay}
        moving |= {"hear": ear} if hears else {}
        moving |= {"work": worker} if room.handlers.kinds else {}
        vital = _Vital(database, house, moving, room.outside, whole_of(_migrations(room)))
        server = _served(room, desk, vital, _doors(settings, clock))
        loops: dict[str, Loop] = {**moving, "house": house, "vital": vital}
        wakers = asyncio.create_task(_listen(settings, room.name, relay))
        tasks = [asyncio.create_task(loop.run(), name=name) for name, loop in loops.items()]
        try:
            await _serve(server, tasks)
        finally:
            vital.stopping = True
            for loop in loops.values():
                loop.stop()
            wakers.cancel()
            _, late = await asyncio.wait(tasks, timeout=STOPPED_WITHIN)
            for task in late:  # what it waits for is away; whatever it was doing is done again
                log.warning("cut_off", extra={"loop": task.get_name()})
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=5)
            closing = getattr(room.outside, "aclose", None)
            if closing is not None:
                await closing()
            log.info("stopped")


def _sealed_in(says: Sequence[type[Event]]) -> frozenset[Group]:
    return frozenset(group for event in says for _, group in sealed_fields(event))


async def _open_database(room: Room[Any]) -> Database:
    settings = room.settings
    arguments = settings.database_arguments()
    await migrate(settings.database(), room.name, _migrations(room), **arguments)
    return await connect(settings.database(), room.name, **arguments)


def _migrations(room: Room[Any]) -> list[Path]:
    return [room.migrations] if room.migrations else []


async def _patiently(start: Callable[[], Any]) -> Any:
    """Wait for a database that is not there yet, instead of dying and being started again."""
    while True:
        try:
            return await start()
        except Exception as error:
            if not is_away(error) and not is_away(error.__cause__ or error):
                raise
            log.warning("database_away", extra={"fault": type(error).__name__})
            await asyncio.sleep(1.0)


def _wake(relay: Relay, worker: Worker) -> Callable[[Folded[Any]], None]:
    def wake(folded: Folded[Any]) -> None:
        if folded.said or folded.set_aside:
            relay.woken.set()
        if folded.works or folded.done:
            worker.woken.set()

    return wake


async def _listen(settings: Settings, schema: str, relay: Relay) -> None:
    """Let other instances' commits wake this one's relay. Losing the connection only costs time: it looks anyway."""
    while True:
        try:
            connection = await asyncpg.connect(settings.database(), **settings.database_arguments())
            lost = asyncio.Event()
            connection.add_termination_listener(_setting(lost))
            await connection.add_listener(channel(schema), relay.heard)
            await lost.wait()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            await asyncio.sleep(1.0)


def _setting(event: asyncio.Event) -> Callable[..., None]:
    def heard(*_: object) -> None:
        event.set()

    return heard


def _doors(settings: Settings, clock: Clock) -> Doors:
    parties = PartyTokenCheck(public_keys(settings.party_keys_file), clock) if settings.party_keys_file else None
    if settings.issuers_file is None:
        return Doors(parties=parties)
    client = httpx.AsyncClient(timeout=5.0)
    return Doors(parties=parties, issuers=Issuers(issuers_of(settings.issuers_file), clock, client))


def _served(room: Room[Any], desk: Desk[Any], vital: _Vital, doors: Doors) -> Served:
    problems = Problems.load(*([room.problems] if room.problems else []))
    routers = [
        operations_routes(Operations(desk.batches, room.owner_of), doors),
        *room.routes(desk, doors),
    ]
    settings = room.settings
    return served(
        application(f"Rinnan {room.name}", room.version, routers, problems),
        (settings.http_host, settings.http_port),
        health(vital.pulse, vital),
        (settings.health_host, settings.health_port),
    )


async def _serve(server: Served, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Serve until a signal says stop, or a loop ends that should not have."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.create_task(server.serve())
    log.info("started")
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([serving, waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    server.stop()
    waiting.cancel()
    await serving
    for task in done & set(tasks):
        task.result()
        raise RuntimeError(f"the loop {task.get_name()} ended by itself")


class _Vital:
    """The health of the room: which loops move, and what keeps it from hearing."""

    def __init__(
        self,
        database: Database,
        house: Housekeeping,
        loops: Mapping[str, Ear | Relay | Worker],
        outside: Any,
        is_whole: Callable[[Collection[str]], bool],
    ) -> None:
        self._database = database
        self._is_whole = is_whole
        self._house = house
        self._loops = loops
        self._outside = outside
        self._stop = asyncio.Event()
        self.pulse = Pulse()
        self.stopping = False

    async def run(self) -> None:
        seen: dict[str, float] = {}
        while not self._stop.is_set():
            for name, loop in self._loops.items():
                if seen.get(name) != loop.moved_at:
                    seen[name] = loop.moved_at
                    self.pulse.beat(name)
            try:
                async with asyncio.timeout(1.0):
                    await self._stop.wait()
            except TimeoutError:
                continue

    def stop(self) -> None:
        self._stop.set()

    async def database_answers(self) -> bool:
        """Whether the database answers a question."""
        return await self._database.fetchval("select true")

    async def migrations_are_current(self) -> bool:
        """Whether the tables have all that this process needs."""
        return self._is_whole([row["version_num"] for row in await self._database.fetch("select * from migration")])

    def is_stopping(self) -> bool:
        return self.stopping

    async def hearing(self) -> Mapping[str, Any]:
        """What waits, and the classes of what is in the way."""
        parts = {**self._loops, "outside": self._outside}
        troubles = {name: found for name, part in parts.items() if (found := getattr(part, "trouble", None))}
        return {**await self._house.count(), "troubles": troubles}
