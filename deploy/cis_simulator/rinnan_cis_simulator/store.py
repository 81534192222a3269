"""What the simulated servers hold: SQLite, in a file or in memory. What was answered as stored survives a kill."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rinnan_cis_simulator.rules import REFERENCE, Create, Refused, Token

TABLES = """
create table if not exists resource (
  server text not null, type text not null, id integer not null, body blob not null,
  primary key (server, id)
) without rowid;
create table if not exists identifier (
  server text not null, type text not null, system text not null, value text not null, id integer not null,
  primary key (server, type, system, value, id)
) without rowid;
"""
OWN = "urn:ietf:rfc:3986"
LOCAL = re.compile(r"^([A-Za-z]+)/(\d+)$")


@dataclass(frozen=True, slots=True)
class Stands:
    """Where a create ended: at a new resource, or at one that was there."""

    type: str
    id: int
    new: bool


class Store:
    """All servers' resources. Calls are synchronous and short; one process, one thread, so they follow each other."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")  # survives a kill of the process; a power cut is not simulated
        self._db.executescript(TABLES)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def create(
        self, server: str, creates: Sequence[Create], *, half: bool = False, always: bool = False
    ) -> list[Stands]:
        """Create all, or none; raises `Refused`, and then nothing is stored.

        `half`: only the first half, and it stays. `always`: conditions are not heeded.
        """
        wanted = creates[: len(creates) // 2] if half else creates
        with self._transaction():
            stands: list[Stands] = []
            next_id = self._next_id(server)
            for create in wanted:
                place = None if always else self._existing(server, create) or self._same(stands, wanted, create)
                stands.append(place or Stands(create.type, next_id, new=True))
                next_id += not place
            names = {create.own: f"{here.type}/{here.id}" for create, here in zip(wanted, stands, strict=True)}
            for create, here in zip(wanted, stands, strict=True):
                if not half:
                    self._check(server, create, names)
                if here.new:
                    self._insert(server, create, here, names)
            return stands

    def search(self, server: str, kind: str, found: Token) -> list[int]:
        """The ids of what bears an identifier, oldest first."""
        rows = self._db.execute(
            "select id from identifier where server = ? and type = ? and system = ? and value = ? order by id",
            (server, kind, found.system, found.value),
        )
        return [row[0] for row in rows]

    def read(self, server: str, kind: str, number: int) -> bytes | None:
        """A resource's JSON with its id, or None."""
        row = self._db.execute(
            "select body from resource where server = ? and id = ? and type = ?", (server, number, kind)
        ).fetchone()
        return b'{"id":"%d",' % number + row[0][1:] if row else None

    def effects(self, server: str | None = None, value: str | None = None) -> dict[str, dict[str, int]]:
        """How many resources bear each of the senders' own identifiers, by server."""
        counted: dict[str, dict[str, int]] = {}
        rows = self._db.execute(
            "select server, value, count(*) from identifier where system = ? and (?2 is null or server = ?2)"
            " and (?3 is null or value = ?3) group by server, value",
            (OWN, server, value),
        )
        for name, own, count in rows:
            counted.setdefault(name, {})[own] = count
        return counted

    def arrived(self, server: str, most: int) -> list[tuple[str, int]]:
        """What stands on a server, newest first."""
        rows = self._db.execute(
            "select type, id from resource where server = ? order by id desc limit ?", (server, most)
        )
        return [(row[0], row[1]) for row in rows]

    def counts(self) -> list[tuple[str, str, int]]:
        """How many resources of each type stand on each server."""
        rows = self._db.execute("select server, type, count(*) from resource group by server, type order by 1, 2")
        return [(row[0], row[1], row[2]) for row in rows]

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def _next_id(self, server: str) -> int:
        (last,) = self._db.execute("select coalesce(max(id), 999) from resource where server = ?", (server,)).fetchone()
        return last + 1

    def _existing(self, server: str, create: Create) -> Stands | None:
        found = self.search(server, create.type, create.unless) if create.unless else []
        if len(found) > 1:
            raise Refused(412, "multiple-matches", f"several {create.type} match the condition")
        return Stands(create.type, found[0], new=False) if found else None

    @staticmethod
    def _same(stands: list[Stands], wanted: Sequence[Create], create: Create) -> Stands | None:
        """Where an earlier entry of the same bundle has just created what this one asks for."""
        for earlier, here in zip(wanted, stands, strict=False):
            if earlier.type == create.type and create.unless in earlier.identifiers:
                return Stands(here.type, here.id, new=False)
        return None

    def _check(self, server: str, create: Create, names: dict[str | None, str]) -> None:
        for told in create.references:
            local = LOCAL.match(told)
            known = told in names or (local and self.read(server, local[1], int(local[2])))
            if not known:
                raise Refused(400, "not-found", f"a reference in {create.type} points nowhere")

    def _insert(self, server: str, create: Create, here: Stands, names: dict[str | None, str]) -> None:
        body = REFERENCE.sub(
            lambda found: b'"reference":"%s"' % names.get(found[1].decode(), found[1].decode()).encode(), create.body
        )
        self._db.execute("insert into resource values (?, ?, ?, ?)", (server, create.type, here.id, body))
        self._db.executemany(
            "insert or ignore into identifier values (?, ?, ?, ?, ?)",
            [(server, create.type, one.system, one.value, here.id) for one in create.identifiers],
        )
