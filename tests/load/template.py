"""One played registration as its rows rest, and as many others like it as are wanted.

Every id, hash and key of a copy is its own, and what is sealed is sealed again under them by the chassis's own sealing;
people have identity codes of their own. Fresh ids stand in the order in which the played ones stand, since what is
sorted by id stays sorted. What housekeeping forgets after two days (sent outbox rows, answers to repeated commands) is
not copied. `tests/load/test_loading.py` proves that a loaded registration is and ends as a played one.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from rinnan_chassis.keyring import NOBODY
from rinnan_chassis.sealing import Key, new_secret, open_token, seal
from rinnan_chassis.wrapping import Bound, HeldWrapping
from rinnan_event_log.domain.chain import Link, chained
from rinnan_event_log.domain.entry import Entry, body_digest
from rinnan_events import Binding, Group
from tests.load.people import People

HASH_BYTES = 32
NAMES = re.compile(
    r"(?P<token>eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+)"
    r"|(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    r"|(?<![0-9a-f])(?P<hash>[0-9a-f]{64})(?![0-9a-f])"
)
RESTING = ("subject", "part", "claim", "inbox", "work")
ENTRY = [name for name in Entry.__dataclass_fields__ if name != "body_digest"]

Fresh = Mapping[str, str]
"""What stands in a copy for each id, hash, token and identity code of the played registration."""


class Text:
    """A text with holes, filled in anew for every copy."""

    def __init__(self, text: str, names: re.Pattern[str]) -> None:
        self.parts: list[str] = []
        self.holes: list[tuple[int, str]] = []
        end = 0
        for found in names.finditer(text):
            self.parts += [text[end : found.start()], ""]
            self.holes.append((len(self.parts) - 1, found.group()))
            end = found.end()
        self.parts.append(text[end:])

    def __call__(self, fresh: Fresh) -> str:
        parts = self.parts.copy()
        for place, name in self.holes:
            parts[place] = fresh[name]
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what is the same in every copy, and what is made anew."""

    same: list[Any]
    made: list[tuple[int, Callable[[Fresh], Any]]]

    def __call__(self, fresh: Fresh) -> list[Any]:
        row = self.same.copy()
        for place, make in self.made:
            row[place] = make(fresh)
        return row


@dataclass(frozen=True, slots=True)
class OldKey:
    """A key of the played registration, and the names that it is bound to."""

    subject: str
    party: str
    kid: str
    group: Group


@dataclass(frozen=True, slots=True)
class OldToken:
    """A sealed part of the played registration, opened."""

    place: str
    mark: str
    subject: str
    party: str
    group: Group
    kid: str
    plain: Text


@dataclass(slots=True)
class Copies:
    """Rows by table, to be written; and whose they are, as (registration, the party who has not given in)."""

    tables: dict[str, list[Sequence[Any]]] = field(default_factory=dict[str, "list[Sequence[Any]]"])
    ready: list[tuple[UUID, UUID]] = field(default_factory=list["tuple[UUID, UUID]"])


class Template:
    """What a played registration left behind, ready to be copied."""

    def __init__(self, wrapping_keys: Mapping[Group, bytes], people: People) -> None:
        self._wrapping = HeldWrapping(wrapping_keys)
        self._people = people
        self._people_names = re.compile("|".join(map(re.escape, people.written)))
        self._rows: dict[str, list[Row]] = {}
        self._entries: list[Row] = []
        self._keys: dict[OldKey, Key] = {}
        self._tokens: dict[str, OldToken] = {}
        self._ids: set[str] = set()
        self._hashes: set[str] = set()
        self._owners: set[str] = set()
        self.columns: dict[str, list[str]] = {}

    @classmethod
    async def read(cls, database: asyncpg.Connection, wrapping_keys: Mapping[Group, bytes], people: People) -> Template:
        """Everything that rests in a database in which nothing was played but this one registration."""
        template = cls(wrapping_keys, people)
        found = await database.fetch(
            "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
        )
        tables = [(row["table_schema"], row["table_name"]) for row in found]
        for schema, table in tables:
            if schema == "keyring":
                rows = await database.fetch(f'select * from keyring."{table}"')  # noqa: S608 - a name from the database
                await template._read_keys(Group(table.removeprefix("key_")), rows)
        for schema, table in tables:
            if table in RESTING:
                rows = await database.fetch(f'select * from "{schema}"."{table}"')  # noqa: S608 - as above
                template._read_rows(f"{schema}.{table}", rows)
        rows = await database.fetch("select * from event_log.entry order by position")
        template._entries = [template._row([row[name] for name in ENTRY]) for row in rows]
        return template

    async def copies(self, numbers: range, head: Link, *, played: tuple[UUID, UUID]) -> tuple[Copies, Link]:
        """Copies by number, their part of the log chained after `head`; and the log's new head."""
        copies = Copies({table: [] for table in (*self._rows, *self.columns)})
        keys: dict[Group, list[tuple[OldKey, Fresh, Key]]] = {}
        entries: list[Entry] = []
        for number in numbers:
            fresh = self._fresh_names()
            own = {old.kid: Key(fresh[old.kid], new_secret()) for old in self._keys}
            self._seal(fresh, own, self._people.of(number))
            for table, rows in self._rows.items():
                copies.tables[table] += [row(fresh) for row in rows]
            entries += [_entry(row(fresh)) for row in self._entries]
            for old in self._keys:
                keys.setdefault(old.group, []).append((old, fresh, own[old.kid]))
            copies.ready.append((UUID(fresh[str(played[0])]), UUID(fresh[str(played[1])])))
        for group, made in keys.items():
            copies.tables[f"keyring.key_{group}"] = await self._wrapped(group, made)
        kept = chained(head, entries)
        copies.tables["event_log.entry"] = [
            (
                *(row.position, row.previous_hash, row.chain_hash, row.entry.mark, row.entry.body_digest),
                *(getattr(row.entry, name) for name in ENTRY),
            )
            for row in kept
        ]
        return copies, Link(kept[-1].position, kept[-1].chain_hash) if kept else head

    async def _read_keys(self, group: Group, rows: Sequence[Any]) -> None:
        self.columns[f"keyring.key_{group}"] = ["subject", "party", "wrapped", "kid"]
        names = [f"{row['subject']}/{row['party']}/{group}/{row['kid']}".encode() for row in rows]
        bound = [Bound(name, row["wrapped"]) for name, row in zip(names, rows, strict=True)]
        for row, secret in zip(rows, await self._wrapping.unwrap(group, bound), strict=True):
            old = OldKey(str(row["subject"]), str(row["party"]), row["kid"], group)
            self._ids |= {old.subject, old.party, old.kid}
            self._keys[old] = Key(old.kid, secret)

    def _read_rows(self, table: str, rows: Sequence[Any]) -> None:
        if rows:
            self.columns[table] = list(rows[0].keys())
            self._rows[table] = [self._row(list(row.values())) for row in rows]

    def _row(self, values: list[Any]) -> Row:
        made: list[tuple[int, Callable[[Fresh], Any]]] = []
        for place, value in enumerate(values):
            match value:
                case UUID():
                    self._ids.add(str(value))
                    made.append((place, itemgetter(str(value))))
                case str() if (text := self._text(value)).holes:
                    made.append((place, text))
                case bytes() if len(value) == HASH_BYTES:
                    self._hashes.add(value.hex())
                    made.append((place, _bytes_of(value.hex())))
                case bytes():
                    made.append((place, _encoded(self._text(value.decode()))))
                case _:
                    pass
        return Row(values, made)

    def _text(self, text: str) -> Text:
        found = Text(text, NAMES)
        for match in NAMES.finditer(text):
            match match.lastgroup:
                case "token":
                    self._open(match.group())
                case "id":
                    self._ids.add(match.group())
                case _:
                    self._hashes.add(match.group())
        return found

    def _open(self, token: str) -> None:
        if token in self._tokens:
            return
        protected = token.partition(".")[0]
        header = orjson.loads(urlsafe_b64decode(protected + "=" * (-len(protected) % 4)))
        place, mark, subject, party = (header[name] for name in ("place", "mark", "sub", "pty"))
        group, kid = Group(header["grp"]), header["kid"]
        binding = Binding(place, mark, UUID(subject), UUID(party) if party else None, group)
        plain = open_token(token, binding, self._keys[OldKey(subject, party or str(NOBODY), kid, group)]).decode()
        self._owners |= {subject, *({party} if party else ())}
        self._ids |= {mark} if NAMES.fullmatch(mark) else set[str]()
        self._tokens[token] = OldToken(place, mark, subject, party or "", group, kid, Text(plain, self._people_names))

    def _fresh_names(self) -> dict[str, str]:
        fresh = dict(zip(sorted(self._ids), _random_ids(len(self._ids)), strict=True))
        fresh |= dict(zip(sorted(self._hashes), sorted(new_secret().hex() for _ in self._hashes), strict=True))
        fresh[str(NOBODY)] = str(NOBODY)
        return fresh

    def _seal(self, fresh: dict[str, str], own: Mapping[str, Key], people: Fresh) -> None:
        owners = {name: UUID(fresh[name]) for name in self._owners}
        for token, old in self._tokens.items():
            mark = fresh.get(old.mark, old.mark)
            binding = Binding(old.place, mark, owners[old.subject], owners.get(old.party), old.group)
            fresh[token] = seal(old.plain(people).encode(), binding, own[old.kid])

    async def _wrapped(self, group: Group, made: Sequence[tuple[OldKey, Fresh, Key]]) -> list[Sequence[Any]]:
        names = [(fresh[old.subject], fresh[old.party], key) for old, fresh, key in made]
        bound = [Bound(f"{sub}/{party}/{group}/{key.kid}".encode(), key.secret) for sub, party, key in names]
        wrapped = await self._wrapping.wrap(group, bound)
        return [(sub, party, raw, key.kid) for (sub, party, key), raw in zip(names, wrapped, strict=True)]


def _entry(values: Sequence[Any]) -> Entry:
    told = dict(zip(ENTRY, values, strict=True))
    return Entry(**told, body_digest=body_digest(told["body"]))


def _bytes_of(name: str) -> Callable[[Fresh], bytes]:
    return lambda fresh: bytes.fromhex(fresh[name])


def _encoded(text: Text) -> Callable[[Fresh], bytes]:
    return lambda fresh: text(fresh).encode()


def _random_ids(count: int) -> list[str]:
    """Random ids in their order, of version 4 to the letter; a third of what `uuid4` costs."""
    raw = os.urandom(16 * count).hex()
    many = (raw[start : start + 32] for start in range(0, len(raw), 32))
    return sorted(f"{a[:8]}-{a[8:12]}-4{a[13:16]}-a{a[17:20]}-{a[20:]}" for a in many)


def batches(numbers: range, size: int) -> Iterator[range]:
    """The numbers in bites."""
    for start in range(numbers.start, numbers.stop, size):
        yield range(start, min(start + size, numbers.stop))
