"""The heart: one batch, one transaction. Claim, read the inbox, fold the deciders, seal, write, commit.

Rules (design 3.1 to 3.3, 3.5): rows are claimed in one fixed order of kinds, each sorted, placeholders first, because a
row that does not exist cannot be locked. A decider that raises has touched nothing: its message is set aside in the
same transaction and its subject held. Only when the database refuses data is the batch halved; anything else repeats
the whole batch and blames nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from rinnan_chassis import rows
from rinnan_chassis.clock import Clock
from rinnan_chassis.database import Database, Transaction, is_crossed, refuses_data
from rinnan_chassis.deciding import Cancel, Claim, Refusal, Work
from rinnan_chassis.envelope import Envelope, said_id, source_of
from rinnan_chassis.envelope import wire as wire_form
from rinnan_chassis.folding import Closed, Folded, fold
from rinnan_chassis.handlers import Handlers
from rinnan_chassis.items import Became, Heard, Item
from rinnan_chassis.jsonb import write_payload, write_state
from rinnan_chassis.keyring import DESTROYED, Destroyed, KeyName, Keyring
from rinnan_chassis.reading import NEVER, item_of
from rinnan_chassis.rows import OutboxRow, WorkRow
from rinnan_chassis.sealing import Key
from rinnan_chassis.seals import Keys, SealPass, names_of
from rinnan_chassis.topics import Topics
from rinnan_chassis.tracing import child_of

S = TypeVar("S")
_NOBODY = UUID(int=0)


class TooLarge(Refusal):
    """What would be said is larger than its topic takes."""

    code = "chassis.too_large"
    status = 413

    def __init__(self, item: Item | None = None) -> None:
        super().__init__()
        self.item = item


class Unstorable(Refusal):
    """The database refuses the data, such as a NUL inside a text."""

    code = "chassis.unstorable"
    status = 422


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

    async def decide(self, items: Sequence[Item], *, release: UUID | None = None) -> Sequence[Item]:
        """Decide on all items in one transaction; each item's `became` tells what became of it.

        `release` lets a held subject hear again within the same transaction, with what was parked after `items`.
        Raises a command's `Refusal`, or whatever keeps the database or the keyring away: then nothing has happened,
        and the batch may be decided again.
        """
        while True:
            try:
                folded = await self._transaction(items, release)
            except _Closed as gone:
                for item in gone.items:
                    item.decider = _nothing_to_do
            except TooLarge as large:
                if large.item is None:
                    raise
                large.item.fault = large.code
            except Exception as error:
                if is_crossed(error):
                    await asyncio.sleep(0.005)
                elif refuses_data(error) and release is None:
                    await self._halve(items)
                    return items
                else:
                    raise
            else:
                self.after_commit(folded)
                return folded.items

    async def _halve(self, items: Sequence[Item]) -> None:
        """The database refused some data: find whose, and set aside that one alone."""
        if len(items) > 1:
            middle = len(items) // 2
            await self.decide(items[:middle])
            await self.decide(items[middle:])
        elif items[0].heard is None and items[0].lease is None:
            raise Unstorable from None
        elif items[0].fault is not None:
            raise RuntimeError("the database refuses what was set aside")
        else:
            items[0].fault = "database_refused_data"
            await self.decide(items)

    async def _transaction(self, items: Sequence[Item], release: UUID | None) -> Folded[S]:
        async with self.database.acquire() as connection, connection.transaction():
            return await self._within(connection, items, release)

    async def _within(self, tx: Transaction, items: Sequence[Item], release: UUID | None) -> Folded[S]:
        wanted = {claim for item in items for claim in item.claims}
        claimed = await rows.claim(tx, self.handlers.claims, wanted)
        for item in items:
            if item.resolve is not None:
                item.subject = item.resolve({claim: claimed[claim] for claim in item.claims})
        ids = {subject for subject in (release, *(item.subject for item in items)) if subject is not None}
        subjects = await rows.subjects(tx, self.handlers.state, ids)
        if release is not None:
            await tx.execute("update subject set held_at = null where id = $1", release)
            subjects[release].held = False
            items = [*items, *await self._parked(tx, release)]
            late = {claim for item in items for claim in item.claims} - wanted
            claimed |= await rows.claim(tx, self.handlers.claims, late)
            wanted |= late

        fresh = await self._fresh(tx, items)
        folded = fold(fresh, subjects, claimed, now=self.clock.now(), reference=self.reference)
        folded.items = items
        await self._write(tx, folded, fresh)
        for item in fresh:
            await rows.remember_answer(tx, item)
        idle = {each.id for each in subjects.values() if each.state is None and not each.held and not each.forgotten}
        await rows.drop_placeholders(tx, idle, {claim for claim in wanted if claim not in folded.claims})
        return folded

    async def _parked(self, tx: Transaction, subject: UUID) -> list[Item]:
        """What waits for a subject, in order, read under its lock."""
        return [
            self._parked_item(subject, row)
            for row in await tx.fetch(
                """select position, topic, headers::text as headers, body from parked
                   where subject = $1 order by position""",
                subject,
            )
        ]

    def _parked_item(self, subject: UUID, row: Any) -> Item:
        heard = Heard(row["topic"], rows.read_headers(row["headers"]), str(subject).encode(), row["body"])
        item = item_of(self.handlers, heard, f"parked|{row['position']}")
        if item is None:
            item = Item(None, _nothing_to_do, f"parked|{row['position']}", NEVER, subject, heard=heard)
        item.parked, item.identity = row["position"], None
        return item

    async def _fresh(self, tx: Transaction, items: Sequence[Item]) -> list[Item]:
        """The items that were not decided on before: by inbox, by fence, by idempotency key."""
        first = await rows.first_heard(tx, [item.identity for item in items if item.identity is not None])
        leased = await rows.still_leased(tx, [item.lease for item in items if item.lease is not None])
        fresh: list[Item] = []
        for item in items:
            if item.identity is not None:
                if item.identity not in first:
                    item.became = Became.REPEATED
                    continue
                first.discard(item.identity)
            if item.lease is not None and item.lease.id not in leased:
                item.became = Became.STALE
                continue
            if item.once is not None:
                before = await rows.answered(tx, item.once)
                if before is not None:
                    if before[0] != item.once.fingerprint:
                        raise KeyReused
                    item.became, item.answer, item.once = Became.REPEATED, before[1], None
                    continue
            fresh.append(item)
        return fresh

    async def _write(self, tx: Transaction, folded: Folded[S], items: Sequence[Item]) -> None:
        keys = await self._keys(*names_of(said.event for said in folded.said))
        sealed = self._seal(folded, keys)
        if sealed.wanted or sealed.read:  # what rests, or destroyed keys, show only while sealing
            keys |= await self._keys(sealed.wanted, sealed.read)
            self._refuse_destroyed(keys, folded, items)
            sealed = self._seal(folded, keys)
        await rows.write_subjects(tx, sealed.states)
        await rows.write_claims(tx, folded.claims, sealed.notes)
        await rows.write_outbox(tx, [*sealed.outbox, *self._letters_said(folded)], f"{self.schema}_outbox")
        cancels = [work for _, work in folded.works.values() if isinstance(work, Cancel)]
        await rows.write_works(tx, sealed.works, cancels, f"{self.schema}_work")
        await rows.finish_works(tx, [item.lease.id for item in folded.done if item.lease], "done")
        await rows.finish_works(tx, [item.lease.id for item in folded.stuck if item.lease], "stuck")
        await rows.park(tx, folded.parked)
        await rows.unpark(tx, [item.parked for item in items if item.parked is not None and item not in folded.parked])
        await rows.set_aside(tx, [(letter_id(self.hearer, item), item, reason) for item, reason in folded.set_aside])
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

    def _refuse_destroyed(self, keys: Keys, folded: Folded[S], items: Sequence[Item]) -> None:
        """A destroyed key is an answer: the items that need it are decided, with nothing to do (HTTP: closed)."""
        gone = {(name.subject, name.party) for name, key in keys.items() if key is DESTROYED}
        if not gone:
            return
        subjects = {subject for subject, _ in gone}
        concerned = [item for item in items if item.subject in subjects and item.became is Became.DECIDED]
        exact = [item for item in concerned if (item.subject, item.party) in gone]
        speakers = [said.item for said in folded.said if (said.event.subject, said.event.party) in gone]
        closed = set(exact or speakers or concerned)
        if any(item.heard is None and item.lease is None for item in closed):
            raise Closed
        raise _Closed(closed)

    def _seal(self, folded: Folded[S], keys: Keys) -> _SealedBatch:
        seals = SealPass(keys, f"{self.schema}.subject")
        states = {
            each.id: write_state(self.handlers.state, each.state, seals.at_rest(each.id))
            for each in folded.subjects.values()
            if each.changed and not each.newly_forgotten
        }
        outbox = [self._row(said.item, said.number, said.event, seals) for said in folded.said]
        works = [
            WorkRow(work.kind, work.key, subject, work.due_at, write_payload(work.payload, seals.at_rest(subject)))
            for item, work in folded.works.values()
            if isinstance(work, Work) and (subject := item.subject) is not None
        ]
        notes: dict[Claim, str] = {}
        for claim, value in folded.claims.items():
            if value is not None:
                notes[claim] = write_payload(value.note, seals.at_rest(value.subject or _NOBODY))
        return _SealedBatch(seals.wanted, seals.read, states, outbox, works, notes)

    def _row(self, item: Item, number: int, event: Any, seals: SealPass) -> OutboxRow:
        event_id = said_id(self.speaker, item.cause, number)
        body = wire_form(event, seals.said(event, event_id))
        if len(body) > self.topics.max_bytes(event.topic):
            raise TooLarge(item if item.heard or item.lease else None)
        envelope = Envelope(
            id=str(event_id),
            source=source_of(self.speaker),
            type=event.type,
            subject=event.subject,
            time=self.clock.now(),
            causation=item.identity[1] if item.identity else None,
            traceparent=child_of(item.traceparent),
        )
        headers = rows.write_headers(envelope.headers())
        return OutboxRow(event_id, event.subject, event.topic, str(event.subject).encode(), headers, body)

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
                        f"{self.hearer}.dead_letter.v1",
                        item.heard.key,
                        rows.write_headers(headers),
                        item.heard.body,
                    )
                )
        return said


@dataclass(frozen=True, slots=True)
class _SealedBatch:
    wanted: Collection[KeyName]
    read: Collection[KeyName]
    states: dict[UUID, str]
    outbox: list[OutboxRow]
    works: list[WorkRow]
    notes: dict[Claim, str]


class _Closed(Exception):  # noqa: N818 - not an error: some items need a destroyed key and are left out
    def __init__(self, items: set[Item]) -> None:
        super().__init__()
        self.items = items


def _nothing_to_do(_state: Any, _fact: object, _context: Any) -> None:
    return None


def letter_id(hearer: str, item: Item) -> UUID:
    """A dead letter's id: the same message set aside again is the same letter."""
    return item.letter or said_id(hearer, item.cause, 0)
