"""What rests of one registration in the whole house, told without anything that differs between two equal ones."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from rinnan_chassis.keyring import NOBODY
from rinnan_chassis.sealing import Key, open_token
from rinnan_chassis.wrapping import Bound, HeldWrapping
from rinnan_events import Binding, Group
from tests.load.template import NAMES, RESTING

APART = {"position", "partition", "offset", "mark", "previous_hash", "chain_hash", "body_digest", "wrapped"}
"""Columns that say where a row stands among others, or a digest of what is compared anyway."""
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")
PERSON = re.compile(r"\d{6}[-+A-FU-Y]9\d\d[0-9A-Y]|\d{4}-\d\d-\d\d(?!T)")
RECEIPT = re.compile(r"Task/\d+")
TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")

Row = Mapping[str, Any]


class Resting:
    """Every row of the house at one moment."""

    def __init__(self, tables: Mapping[str, Sequence[Row]], keys: Mapping[str, Key]) -> None:
        self._tables = tables
        self._keys = keys

    @classmethod
    async def read(cls, database: asyncpg.Connection, wrapping_keys: Mapping[Group, bytes]) -> Resting:
        """Read it all; the house is small."""
        found = await database.fetch(
            "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
        )
        names = [(row["table_schema"], row["table_name"]) for row in found]
        resting = [name for name in names if name[0] == "keyring" or name[1] in {*RESTING, "entry"}]
        tables = {
            f"{schema}.{table}": [dict(row) for row in await database.fetch(f'select * from "{schema}"."{table}"')]  # noqa: S608 - names from the database
            for schema, table in resting
        }
        wrapping, keys = HeldWrapping(wrapping_keys), dict[str, Key]()
        for group in Group:
            rows = [row for row in tables[f"keyring.key_{group}"] if row["wrapped"]]
            bound = [
                Bound(f"{row['subject']}/{row['party']}/{group}/{row['kid']}".encode(), row["wrapped"]) for row in rows
            ]
            secrets = await wrapping.unwrap(group, bound)
            keys |= {row["kid"]: Key(row["kid"], secret) for row, secret in zip(rows, secrets, strict=True)}
        return cls(tables, keys)

    def of(self, registration: UUID) -> dict[str, Counter[str]]:
        """Its rows by table: ids, hashes, people, receipts and times masked, what is sealed opened."""
        mine = self._names_of(registration)
        told = {
            table: Counter(self._told(row) for row in rows if _names(row) & mine)
            for table, rows in self._tables.items()
        }
        return {table: rows for table, rows in told.items() if rows}

    def _names_of(self, registration: UUID) -> set[str]:
        """Every id and hash that leads from row to row, beginning with the registration's."""
        named = [_names(row) for rows in self._tables.values() for row in rows]
        mine = {str(registration)}
        while True:
            more = mine.union(*(names for names in named if names & mine))
            if more == mine:
                return mine
            mine = more

    def _told(self, row: Row) -> str:
        return repr({name: self._masked(_text(value)) for name, value in row.items() if name not in APART})

    def _masked(self, text: str) -> str:
        opened = NAMES.sub(self._opened, text)
        return TIME.sub("time", TRACE.sub("trace", RECEIPT.sub("receipt", opened)))

    def _opened(self, found: re.Match[str]) -> str:
        if found.lastgroup != "token":
            return found.lastgroup or ""
        token = found.group()
        protected = token.partition(".")[0]
        header = orjson.loads(urlsafe_b64decode(protected + "=" * (-len(protected) % 4)))
        party = UUID(header["pty"]) if header["pty"] else None
        binding = Binding(header["place"], header["mark"], UUID(header["sub"]), party, Group(header["grp"]))
        plain = open_token(token, binding, self._keys[header["kid"]]).decode()
        told = _unordered(orjson.loads(PERSON.sub("somebody", NAMES.sub("id", plain))))
        return f"[{binding.place} {NAMES.sub('id', binding.mark)} {binding.group}: {told}]"


def _unordered(value: Any) -> Any:
    """JSON whose lists stand in an order of their own: what is sorted by random ids stands in any."""
    match value:
        case dict():
            return {name: _unordered(inner) for name, inner in value.items()}  # pyright: ignore[reportUnknownVariableType] - JSON
        case list():
            return sorted(map(repr, map(_unordered, value)))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
        case _:
            return value


def _names(row: Row) -> set[str]:
    """The ids and hashes in a row."""
    told = (_text(value) for column, value in row.items() if column not in APART)
    found = (match for text in told for match in NAMES.finditer(text))
    return {match.group() for match in found if match.lastgroup != "token"} - {str(NOBODY)}


def _text(value: object) -> str:
    match value:
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return value.hex()
        case datetime():
            return value.isoformat()
        case _:
            return str(value)
