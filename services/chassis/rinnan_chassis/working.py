"""Due work: everything that touches the outside world or waits for a time.

A row is leased (longer than the work may take, with a fencing number), run with no transaction open, and its result is
decided on like anything else. Never two at once for one subject: a partial unique index over what is leased says so.
Work whose lease ran out is run again, or never again and decided on as `Lost`, as its kind says. Due times follow the
clock port; leases follow PostgreSQL's real time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from rinnan_chassis import metrics
from rinnan_chassis.batch import Batches
from rinnan_chassis.database import Database
from rinnan_chassis.deciding import GaveUp, Lost, Unavailable
from rinnan_chassis.handlers import AfterCrash, Kind, due_payload, nothing_to_do
from rinnan_chassis.items import Item, Lease
from rinnan_chassis.jsonb import read_payload, read_state
from rinnan_chassis.keyring import Keyring
from rinnan_chassis.pace import Pace
from rinnan_chassis.sealing import KeyDestroyed, SealBroken
from rinnan_chassis.seals import open_part
from rinnan_events import AtRest, Opened, Sealed

O = TypeVar("O", bound=Opened)  # noqa: E741 - an opened part
log = logging.getLogger(__name__)

LOOK_ANYWAY_AFTER = 0.5
"""Seconds between looks for due work when nothing wakes the worker."""
FINISHED_WITHIN = 15.0
"""Seconds in which what runs may end by itself, when the worker is told to stop."""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of leased work, as its runner sees it."""

    subject: UUID
    kind: str
    key: str
    payload: Mapping[str, Any]
    attempt: int
    now: datetime
    _batches: Batches[Any]

    async def open(self, part: Sealed[O], model: type[O], *, party: UUID | None, subject: UUID | None = None) -> O:
        """What lies under a sealed part of this job's subject. Raises `KeyDestroyed`, `SealBroken`."""
        return await open_part(self._batches.keyring, part, model, subject=subject or self.subject, party=party)

    async def destroy_keys(self, parties: Sequence[UUID | None]) -> None:
        """Destroy every key of these parties (None: the subject's own), minted or not. Only some rooms may."""
        await self._batches.keyring.destroy(self.subject, parties)

    async def state(self) -> Any:
        """The subject's state as it was last decided, without a lock."""
        return await read_whole(self._batches, self.subject)

    @property
    def keyring(self) -> Keyring:
        """The keyring: to fetch many keys in one go, or to seal what rests in a table of the room's own."""
        return self._batches.keyring

    @property
    def database(self) -> Database:
        """The room's database, for tables of its own. What the chassis keeps is changed by deciding alone."""
        return self._batches.database


@dataclass(frozen=True, slots=True)
class _Leased:
    lease: Lease
    subject: UUID
    payload: Mapping[str, Any]
    ran_out_at: datetime | None
    """When the lease of a worker that never came back ended."""
    fault: str | None
    """Why its payload cannot be read."""


class Worker:
    """Runs one room's due work."""

    def __init__(self, batches: Batches[Any], outside: Any) -> None:
        self._batches = batches
        self._outside = outside
        self._kinds = batches.handlers.kinds
        self._running: set[asyncio.Task[None]] = set()
        self._busy: dict[str, int] = dict.fromkeys(self._kinds, 0)
        self._results: asyncio.Queue[Item] = asyncio.Queue()
        self._stopping = False
        self.woken = asyncio.Event()
        self.moved_at = time.monotonic()
        self.trouble: str | None = None

    async def run(self) -> None:
        """Work until stopped; what runs then is finished and decided on."""
        deciding = asyncio.create_task(self._decide_results())
        pace = Pace()
        try:
            while not self._stopping:
                self.moved_at = time.monotonic()
                pace.begin()
                self.woken.clear()
                try:
                    found = await self._lease()
                    self.trouble = None
                except asyncpg.UniqueViolationError:
                    continue  # another worker has just leased work of one of these subjects: look again
                except Exception as error:  # noqa: BLE001 - whatever it is, nothing is leased; look again
                    self.trouble = "cannot_lease"
                    log.warning("cannot_lease", extra={"fault": type(error).__name__})
                    await asyncio.sleep(LOOK_ANYWAY_AFTER)
                    continue
                for leased in found:
                    self._start(leased)
                await self._wait()
                await pace.rest()
            if self._running:
                await asyncio.wait(self._running, timeout=FINISHED_WITHIN)
            await self._results.join()
        finally:
            deciding.cancel()
            for task in self._running:
                task.cancel()

    def stop(self) -> None:
        """Lease nothing further."""
        self._stopping = True
        self.woken.set()

    async def _lease(self) -> list[_Leased]:
        free = {kind.name: kind.parallel - self._busy[kind.name] for kind in self._kinds.values()}
        kinds = [name for name, slots in free.items() if slots > 0]
        if not kinds:
            return []
        rows = await self._batches.database.fetch(
            _LEASE,
            self._batches.clock.now(),
            kinds,
            [self._kinds[name].lease.total_seconds() for name in kinds],
            [free[name] for name in kinds],
        )
        return [self._leased(row) for row in rows]

    def _leased(self, row: Any) -> _Leased:
        timed = self._kinds[row["kind"]].run is None
        lease = Lease(row["id"], row["kind"], row["key"], row["fence"], row["attempts"], timed)
        payload: Mapping[str, Any] = {}
        fault = None
        try:
            payload = read_payload(row["payload"], AtRest.of(self._batches.schema, row["subject"]))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the trouble of this one piece of work
            fault = type(error).__name__
        return _Leased(lease, row["subject"], payload, row["ran_out_at"], fault)

    def _start(self, leased: _Leased) -> None:
        kind = self._kinds[leased.lease.kind]
        if leased.lease.timed:
            self._busy[kind.name] += 1  # until it is decided on; what runs in the outside world, until it has run
        if leased.fault is not None:
            self._bring(leased, None, fault=leased.fault)
        elif leased.ran_out_at is not None and kind.after_crash is AfterCrash.DECIDE:
            self._bring(leased, Lost(kind.name, leased.lease.key, leased.payload, leased.ran_out_at))
        elif kind.run is None:
            try:
                self._bring(leased, due_payload(kind, leased.payload))
            except Exception as error:  # noqa: BLE001 - planned by a room that has changed since
                self._bring(leased, None, fault=type(error).__name__)
        else:
            self._busy[kind.name] += 1
            task = asyncio.create_task(self._run(kind, leased))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, kind: Kind, leased: _Leased) -> None:
        now = self._batches.clock.now()
        job = Job(leased.subject, kind.name, leased.lease.key, leased.payload, leased.lease.attempt, now, self._batches)
        started = time.perf_counter()
        try:
            if kind.run is None:
                return
            async with asyncio.timeout(kind.lease.total_seconds() * 0.9):
                result = await kind.run(job, self._outside)
        except KeyDestroyed:
            self._bring(leased, None)
        except SealBroken as broken:
            log.exception("seal_broken", extra={"subject": str(leased.subject), "kind": kind.name})
            self._bring(leased, None, fault=type(broken).__name__)
        except Unavailable as away:
            await self._again(kind, leased, away.reason)
        except Exception as error:
            log.exception("work_failed", extra={"subject": str(leased.subject), "kind": kind.name})
            if kind.after_crash is AfterCrash.DECIDE:  # nobody knows how far it came
                ended = self._batches.clock.now()
                self._bring(leased, Lost(kind.name, leased.lease.key, leased.payload, ended))
            else:
                await self._again(kind, leased, type(error).__name__)
        else:
            self._bring(leased, result)
        finally:
            metrics.seconds.labels(f"work_{kind.name}").observe(time.perf_counter() - started)
            self._free(kind.name)

    async def _again(self, kind: Kind, leased: _Leased, reason: str) -> None:
        """Run it again after a growing delay, or let its decider hear that it was given up."""
        limit = kind.retry.give_up_after
        if limit is not None and leased.lease.attempt >= limit:
            self._bring(leased, GaveUp(kind.name, leased.lease.key, leased.payload, reason))
            return
        due_at = self._batches.clock.now() + kind.retry.delay(leased.lease.attempt)
        try:
            await self._batches.database.execute(
                "update work set state = 'waiting', due_at = $3, lease_until = null where id = $1 and fence = $2",
                leased.lease.id,
                leased.lease.fence,
                due_at,
            )
        except Exception as error:  # noqa: BLE001 - the lease then runs out, and its kind says what becomes of it
            log.warning("cannot_put_back", extra={"subject": str(leased.subject), "fault": type(error).__name__})

    def _bring(self, leased: _Leased, result: object | None, *, fault: str | None = None) -> None:
        lease = leased.lease
        cause = f"work|{lease.id}|{lease.fence}"
        deciders = self._batches.handlers.decided
        decider = deciders.get(type(result)) if result is not None else nothing_to_do
        now = self._batches.clock.now()
        self._results.put_nowait(Item(result, decider, cause, now, leased.subject, lease=lease, fault=fault))

    async def _decide_results(self) -> None:
        pace = Pace()
        while True:
            items = [await self._results.get()]
            await pace.rest()
            pace.begin()
            while not self._results.empty() and len(items) < 200:  # noqa: PLR2004 - as many as make one fair batch
                items.append(self._results.get_nowait())
            await self._decide(items)
            for item in items:
                self._results.task_done()
                if item.lease and item.lease.timed:
                    self._free(item.lease.kind)
            self.woken.set()

    async def _decide(self, items: Sequence[Item]) -> None:
        pause = 0.1
        while True:
            try:
                await self._batches.decide(items)
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing has happened; decide again
                self.trouble = "cannot_decide"
                log.warning("cannot_decide", extra={"fault": type(error).__name__, "results": len(items)})
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
            else:
                for item in items:
                    metrics.decided.labels(item.became.value).inc()
                return

    def _free(self, kind: str) -> None:
        self._busy[kind] -= 1
        self.woken.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_ANYWAY_AFTER):
                await self.woken.wait()
        except TimeoutError:
            return


async def read_subject(batches: Batches[Any], subject: UUID) -> Any:
    """The last good state of a subject, without a lock; None where there is none. Its sealed parts cannot be opened."""
    text = await batches.database.fetchval("select state::text from subject where id = $1", subject)
    return None if text is None else read_state(batches.handlers.state, text, AtRest.of(batches.schema, subject))


async def read_whole(batches: Batches[Any], subject: UUID, *, of: UUID | None = None) -> Any:
    """The same, with the tokens of its sealed parts as they rested at that moment: all, or those `of` one party."""
    row = await batches.database.fetchrow(_WHOLE, subject, of)
    if row is None or row["state"] is None:
        return None
    rests = AtRest.of(batches.schema, subject, dict(zip(row["ids"], row["tokens"], strict=True)))
    return read_state(batches.handlers.state, row["state"], rests)


_WHOLE = """
select s.state::text as state, rested.ids, rested.tokens
from subject s, lateral (
  select coalesce(array_agg(id::text), '{}') as ids, coalesce(array_agg(token), '{}') as tokens
  from part where subject = s.id and ($2::uuid is null or party is null or party = $2)
) as rested
where s.id = $1
"""

_LEASE = """
with kind as (
  select * from unnest($2::text[], $3::float8[], $4::int[]) as k (name, lease, free)
), due as (
  select w.* from kind cross join lateral (
    select w.id, w.subject, w.kind, w.due_at, null::timestamptz as ran_out_at
    from work w
    where w.state = 'waiting' and w.kind = kind.name and w.due_at <= $1
      and not exists (select from work other where other.subject = w.subject and other.state = 'leased')
      and not exists (select from subject s where s.id = w.subject and s.held_at is not null)
    order by w.due_at limit kind.free * 2
    for update of w skip locked) as w
), one_each as (
  select distinct on (subject) id, kind, due_at, ran_out_at from due order by subject, due_at, id
), ran_out as (
  select w.id, w.kind, w.due_at, w.lease_until as ran_out_at from work w
  where w.state = 'leased' and w.lease_until < clock_timestamp() and w.kind = any($2::text[])
    and not exists (select from subject s where s.id = w.subject and s.held_at is not null)
  limit 50 for update of w skip locked
), chosen as (
  select id, kind, ran_out_at, row_number() over (partition by kind order by ran_out_at, due_at, id) as place
  from (select * from one_each union all select * from ran_out) as both_sorts
)
update work w
set state = 'leased', fence = w.fence + 1, attempts = w.attempts + 1,
    lease_until = clock_timestamp() + make_interval(secs => kind.lease)
from chosen join kind on kind.name = chosen.kind
where w.id = chosen.id and chosen.place <= kind.free
returning w.id, w.kind, w.key, w.subject, w.fence, w.attempts, w.payload::text as payload, chosen.ran_out_at
"""
