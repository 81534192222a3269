"""The heart: one batch, one transaction. Claim, read the inbox, fold the deciders, seal, write, commit.

Rules: rows are claimed in one fixed order of kinds, each sorted, placeholders first, because a
row that does not exist cannot be locked. A decider that raises has touched nothing: its message is set aside in the
same transaction and its subject held. Only when the database refuses data is the batch halved; anything else repeats
the whole batch and blames nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from rinnan_chassis import letters, rows
from rinnan_chassis.clock import Clock
from rinnan_chassis.database import Database, Transaction, is_crossed, refuses_data
from rinnan_chassis.deciding import Cancel, Refusal
from rinnan_chassis.envelope import said_id
from rinnan_chassis.folding import Closed, Folded, Subject, fold
from rinnan_chassis.handlers import Handlers, nothing_to_do
from rinnan_chassis.items import Act, Became, Heard, Item
from rinnan_chassis.keyring import DESTROYED, Destroyed, KeyName, Keyring
from rinnan_chassis.reading import NEVER, item_of
from rinnan_chassis.rows import OutboxRow
from rinnan_chassis.sealing import Key
from rinnan_chassis.seals import Keys, SealPass, names_of
from rinnan_chassis.topics import Topics, dead_letter_topic
from rinnan_chassis.writing import Unwritable, Written, write
from rinnan_events import Row

S = TypeVar("S")
RELEASED_AT_ONCE = 200
"""Parked messages that one transaction hears at most."""


class Unstorable(Refusal):
    """The database refuses the data, such as a NUL inside a text."""

    code = "chassis.unstorable"
    status = 422


class NotAsSeen(Refusal):
    """What waits of this subject has changed since it was looked at: look again before acting."""

    code = "chassis.not_as_seen"
    status = 409


class KeyReused(Refusal):
    """The idempotency key was used before for another command."""

    code = "chassis.idempotency_key_reused"
    status = 422


@dataclass(slots=True)
class Batches(Generic[S]):
    """Decides batches for one room. `schema` names its tables, `speaker` what it says."""

    schema: str
    speaker: str
    hearer: str
    handlers: Handlers[S]
    database: Database
    keyring: Keyring
    topics: Topics
    clock: Clock
    reference: Any
    after_commit: Callable[[Folded[S]], None] = field(default=lambda _: None)

    async def decide(self, items: Sequence[Item]) -> Sequence[Item]:
        """Decide on all items in one transaction; each item's `became` tells what became of it.

        Raises a command's `Refusal`, or whatever keeps the database or the keyring away: then nothing has happened,
        and the batch may be decided again.
        """
        try:
            return await self._decide(items, None)
        except _RefusedData:
            await self._halve(items)
            return items

    async def release(
        self, subject: UUID, act: Act, seen: Collection[UUID], first: Sequence[Item] = ()
    ) -> Sequence[Item]:
        """Let a held subject hear on: `first`, then what was parked, in order, a batch at a time under its lock.

        `seen` are the letters that waited when the act was decided on; those not redriven in `first` are passed over.
        The subject stays held where something is set aside again. Raises: NotAsSeen, when other letters wait by now.
        """
        heard: list[Item] = []
        going = _Release(subject, frozenset(seen), act)
        while True:
            try:
                heard += await self._decide(first, going)
            except _RefusedData:
                going.narrow()
                continue
            except NotAsSeen:
                if going.act is not None:
                    raise
                return heard  # somebody else goes on from here
            if not going.more:
                return heard
            first, going = (), _Release(subject, most=going.most)

    async def _decide(self, items: Sequence[Item], release: _Release | None) -> Sequence[Item]:
        while True:
            try:
                folded = await self._transaction(items, release)
            except _Closed as gone:
                for item in gone.items:
                    item.decider = nothing_to_do
            except Unwritable as unwritable:
                unwritable.item.fault = unwritable.reason
            except Exception as error:
                if is_crossed(error):
                    await asyncio.sleep(0.005)
                elif refuses_data(error):
                    raise _RefusedData from error
                else:
                    raise
            else:
                self.after_commit(folded)
                return folded.items

    async def _halve(self, items: Sequence[Item]) -> None:
        """The database refused some data: find whose, and set aside that one alone. Commands are refused together."""
        if items[0].is_command:
            raise Unstorable from None
        if len(items) > 1:
            middle = len(items) // 2
            await self.decide(items[:middle])
            await self.decide(items[middle:])
        else:
            _blame_the_data(items[0])
            await self.decide(items)

    async def _transaction(self, items: Sequence[Item], release: _Release | None) -> Folded[S]:
        async with self.database.acquire() as connection, connection.transaction():
            return await self._within(connection, items, release)

    async def _within(self, tx: Transaction, items: Sequence[Item], release: _Release | None) -> Folded[S]:
        wanted = {claim for item in items for claim in item.claims}
        claimed = await rows.claim(tx, self.schema, self.handlers.claims, wanted)
        for item in items:
            if item.resolve is not None:
                item.subject = item.resolve({claim: claimed[claim] for claim in item.claims})
        beside = {item.beside for item in items if item.beside is not None}
        ids = {item.subject for item in items if item.subject is not None} | ({release.subject} if release else set())
        subjects = await rows.subjects(tx, self.schema, self.handlers.state, ids | beside)
        if release is not None:
            await self._begin(tx, release, items, held=subjects[release.subject].held)
            subjects[release.subject].held = False
            items = release.taken = [*items, *await self._parked(tx, release, len(items))]
            late = {claim for item in items for claim in item.claims} - wanted
            claimed |= await rows.claim(tx, self.schema, self.handlers.claims, late)
            wanted |= late

        fresh = await self._fresh(tx, items)
        folded = fold(fresh, subjects, claimed, now=self.clock.now(), reference=self.reference)
        folded.items = items
        await self._write(tx, folded, fresh)
        if release is not None:
            await self._let_go(tx, subjects[release.subject], release)
        for item in fresh:
            await rows.remember_answer(tx, item)
        # A place beside is asked to go, used or not: which statements are run does not tell where it was decided.
        idle = beside | {
            each.id for each in subjects.values() if each.state is None and not each.held and not each.forgotten
        }
        await rows.drop_placeholders(tx, idle, {claim for claim in wanted if claim not in folded.claims})
        return folded

    async def _begin(self, tx: Transaction, release: _Release, redriven: Sequence[Item], *, held: bool) -> None:
        """Under the lock: act on what was seen and nothing else, and note who acts, and why."""
        if await letters.open_letters(tx, release.subject) != release.letters or not (held or redriven):
            raise NotAsSeen
        await letters.pass_over(tx, release.letters - {item.letter for item in redriven})
        if release.act is not None:
            await letters.note(tx, release.act)

    async def _let_go(self, tx: Transaction, subject: Subject[S], release: _Release) -> None:
        """Let go of the hold when all that was parked is heard, unless something was set aside again."""
        release.more = release.more and not subject.newly_held
        if not release.more and not subject.newly_held:
            await rows.let_go(tx, subject.id, self.clock.now(), self.handlers.never_again)

    async def _parked(self, tx: Transaction, release: _Release, taken: int) -> list[Item]:
        """What waits for a subject, in order, read under its lock; the same items when it is read again."""
        most = max(0, release.most - taken)
        found = await tx.fetch(
            """select position, topic, headers::text as headers, body from parked
               where subject = $1 order by position limit $2""",
            release.subject,
            most + 1,
        )
        release.more = len(found) > most
        for row in found[:most]:
            if row["position"] not in release.seen:
                release.seen[row["position"]] = self._parked_item(release.subject, row)
        return [release.seen[row["position"]] for row in found[:most]]

    def _parked_item(self, subject: UUID, row: Any) -> Item:
        heard = Heard(row["topic"], rows.read_headers(row["headers"]), str(subject).encode(), row["body"])
        item = item_of(self.handlers, heard, f"parked|{row['position']}")
        if item is None:
            item = Item(None, nothing_to_do, f"parked|{row['position']}", NEVER, subject, heard=heard)
        item.parked = row["position"]
        return item

    async def _fresh(self, tx: Transaction, items: Sequence[Item]) -> list[Item]:
        """The items that were not decided on before: by inbox, by fence, by idempotency key."""
        new = [item.identity for item in items if item.identity is not None and not item.was_heard_before]
        first = await rows.first_heard(tx, new) | {_name(item) for item in items if item.identity is None}
        leased = await rows.still_leased(tx, [item.lease for item in items if item.lease is not None])
        fresh: list[Item] = []
        for item in items:
            item.became, item.answer, item.refusal = Became.NOTHING, {}, None
            if item.heard is not None and not item.was_heard_before:
                if _name(item) not in first:
                    item.became = Became.REPEATED
                    continue
                first.discard(_name(item))
            if item.lease is not None and item.lease.id not in leased:
                item.became = Became.STALE
                continue
            if item.letter is not None and not await letters.settle(tx, item.letter):
                item.became = Became.STALE
                continue
            if item.once is not None:
                before = await rows.answered(tx, item.once)
                if before is not None:
                    if before[0] != item.once.fingerprint:
                        raise KeyReused
                    item.became, item.answer = Became.REPEATED, before[1]
                    continue
            fresh.append(item)
        return fresh

    async def _write(self, tx: Transaction, folded: Folded[S], items: Sequence[Item]) -> None:
        wanted, read, unread = names_of(said.event for said in folded.said)
        keys = await self._keys(wanted, read)
        tokens = await rows.tokens(tx, unread)
        sealed = self._seal(folded, keys, tokens)
        if sealed.wanted or sealed.read or sealed.unread:  # what rests, or destroyed keys, show only while sealing
            keys |= await self._keys(sealed.wanted, sealed.read)
            _refuse_destroyed(keys, sealed)
            tokens |= await rows.tokens(tx, sealed.unread)
            sealed = self._seal(folded, keys, tokens)
        await rows.write_claims(tx, folded.claims, sealed.notes)
        await rows.cancel(tx, [work for _, work in folded.works.values() if isinstance(work, Cancel)])
        await rows.write(tx, sealed.states, sealed.parts, [*sealed.outbox, *self._letters_said(folded)], sealed.works)
        await rows.drop_parts(tx, sealed.dropped)
        await rows.finish_works(tx, [item.lease.id for item in folded.done if item.lease], "done")
        await rows.finish_works(tx, [item.lease.id for item in folded.stuck if item.lease], "stuck")
        await rows.finish_works(tx, [item.lease.id for item in folded.put_back if item.lease], "waiting")
        await rows.park(tx, folded.parked)
        await rows.unpark(tx, [item.parked for item in items if item.parked is not None and item not in folded.parked])
        await letters.set_aside(tx, [(letter_id(self.hearer, item), item, reason) for item, reason in folded.set_aside])
        for act in folded.acts:
            await letters.note(tx, act)
        await rows.hold(tx, [each.id for each in folded.subjects.values() if each.newly_held])
        await rows.forget(tx, [each.id for each in folded.subjects.values() if each.newly_forgotten])

    async def _keys(self, wanted: Collection[KeyName], read: Collection[KeyName]) -> dict[KeyName, Key | Destroyed]:
        """Keys to seal with, made where they are not there yet, and keys to open with, which never are."""
        found: dict[KeyName, Key | Destroyed] = {}
        if wanted:
            found |= await self.keyring.keys(wanted, mint=True)
        if old := set(read) - found.keys():
            found |= await self.keyring.keys(old, mint=False)
        return found

    def _seal(self, folded: Folded[S], keys: Keys, tokens: Mapping[Row, str]) -> Written:
        kind, now = self.handlers.state, self.clock.now()
        seals = SealPass(keys, self.schema, guests=self.handlers.guests, tokens=tokens)
        return write(folded, seals, speaker=self.speaker, state=kind, topics=self.topics, now=now)

    def _letters_said(self, folded: Folded[S]) -> list[OutboxRow]:
        """What was set aside is said on the hearer's dead-letter topic, as sealed as it came."""
        said: list[OutboxRow] = []
        for item, reason in folded.set_aside:
            if item.heard is not None and item.letter is None:
                headers = [
                    *item.heard.headers,
                    ("rinnan-reason", reason.encode()),
                    ("rinnan-topic", item.heard.topic.encode()),
                ]
                said.append(
                    OutboxRow(
                        letter_id(self.hearer, item),
                        item.subject,
                        dead_letter_topic(self.hearer),
                        item.heard.key,
                        rows.write_headers(headers),
                        item.heard.body or b"",  # a record without key and body cannot be published
                    )
                )
        return said


@dataclass(slots=True)
class _Release:
    """How far a held subject is heard on in one transaction, and what was read for it."""

    subject: UUID
    letters: frozenset[UUID] = frozenset()
    act: Act | None = None
    most: int = RELEASED_AT_ONCE
    more: bool = False
    seen: dict[int, Item] = field(default_factory=dict[int, Item])
    taken: Sequence[Item] = ()

    def narrow(self) -> None:
        """The database refused some of it: take one at a time, and when that is refused, blame it."""
        if self.most > 1:
            self.most = 1
        else:
            _blame_the_data(*self.taken)


class _Closed(Exception):  # noqa: N818 - not an error: some items need a destroyed key and are left out
    def __init__(self, items: set[Item]) -> None:
        super().__init__()
        self.items = items


class _RefusedData(Exception):  # noqa: N818 - the database refuses the data itself; whose it is has to be found
    pass


def _blame_the_data(*items: Item) -> None:
    if not items or any(item.fault is not None for item in items):
        raise RuntimeError("the database refuses what was set aside")
    for item in items:
        item.fault = "database_refused_data"


def _refuse_destroyed(keys: Keys, sealed: Written) -> None:
    """A destroyed key is an answer: the items that need it are decided, with nothing to do (HTTP: closed)."""
    gone = {
        item
        for needed in (sealed.wanted, sealed.read)
        for name, items in needed.items()
        if keys[name] is DESTROYED
        for item in items
    }
    if any(item.is_command for item in gone):
        raise Closed
    if gone:
        raise _Closed(gone)


def _name(item: Item) -> tuple[str, str]:
    """What tells an item from another; without a readable envelope no inbox knows it, but its own batch does."""
    return item.identity or ("", item.cause)


def letter_id(hearer: str, item: Item) -> UUID:
    """A dead letter's id: the same message set aside again is the same letter, and no event of the room's own."""
    return item.letter or said_id(f"{hearer}.dead_letter", item.cause, 0)
