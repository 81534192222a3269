"""The keyring: one key per registration, party (or none) and seal group; kept wrapped, and destroyed for good.

It works over its own connections, never over the one that holds subject locks: a key is minted in a committed
transaction of its own before anything is sealed with it, so what was said is never left without its key.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from enum import Enum
from functools import cache
from typing import Any, Final, Literal, NamedTuple, Self, TypeAlias
from uuid import UUID, uuid4

import asyncpg

from rinnan_chassis.database import as_it_is
from rinnan_chassis.sealing import Key, KeyNotHeld, new_secret
from rinnan_chassis.wrapping import Bound, HeldWrapping, Wrapping
from rinnan_events import Group

NOBODY: Final = UUID(int=0)
CACHE_SECONDS: Final = 60.0
CACHED_KEYS: Final = 10_000
ANSWERED_WITHIN: Final = 10.0
"""Seconds after which the keyring counts as away: whoever asks may hold the locks of subjects meanwhile."""


class KeyName(NamedTuple):
    """What a key is for. `party` None: the registration as a whole."""

    subject: UUID
    party: UUID | None
    group: Group


class _Destroyed(Enum):
    DESTROYED = "destroyed"


Destroyed: TypeAlias = Literal[_Destroyed.DESTROYED]
DESTROYED: Final = _Destroyed.DESTROYED
"""Stands where a key stood: it was destroyed, or (when not minting) it was never there."""

Found: TypeAlias = Key | Destroyed


class Keyring:
    """Keys by name, cached for at most `cache_seconds` of real time.

    `wrapping_keys` are those that this process holds, or a port to what holds them.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        wrapping_keys: Mapping[Group, bytes] | Wrapping,
        cache_seconds: float = CACHE_SECONDS,
        *,
        cached_keys: int = CACHED_KEYS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if cache_seconds > CACHE_SECONDS:
            raise ValueError("a destroyed key may be remembered for at most 60 seconds")
        self._pool = pool
        self._wrapping = HeldWrapping(wrapping_keys) if isinstance(wrapping_keys, Mapping) else wrapping_keys
        self._cache_seconds = cache_seconds
        self._cached_keys = cached_keys
        self._monotonic = monotonic
        self._cache: dict[KeyName, tuple[float, Found]] = {}
        self._destructions = 0

    @classmethod
    async def connect(
        cls, url: str, wrapping_keys: Mapping[Group, bytes] | Wrapping, *, size: int = 4, **arguments: Any
    ) -> Self:
        """A keyring over a pool of its own. `arguments` go to asyncpg (TLS)."""
        pool = await asyncpg.create_pool(
            url, min_size=1, max_size=size, command_timeout=ANSWERED_WITHIN, reset=as_it_is, **arguments
        )
        return cls(pool, wrapping_keys)

    async def close(self) -> None:
        """Let go of the connections and of every key."""
        self._cache.clear()
        await self._pool.close()

    async def keys(self, names: Collection[KeyName], *, mint: bool) -> dict[KeyName, Found]:
        """The keys of a whole batch, read with one statement; with `mint`, those that were never there are made.

        Whatever else this process may open of the same subjects is read along: it will be asked for next.
        A destroyed key is DESTROYED, and minting never brings it back. Without `mint`, a key that was never there is
        DESTROYED too: nothing can have been sealed with it.
        Raises: KeyNotHeld, WrappingKeyWrong, and what asyncpg raises when the keyring is away or gives no right.
        """
        now = self._monotonic()
        found = {name: kept[1] for name in names if (kept := self._cache.get(name)) and kept[0] > now}
        missing = _by_group(name for name in names if name not in found)
        for group in missing:
            if group not in self._wrapping.groups:
                raise KeyNotHeld(group)
        while missing:
            before = self._destructions
            subjects = {name.subject for named in missing.values() for name in named}
            fetched = await self._read(subjects)
            if mint and (unmade := _without(missing, fetched)):
                fetched |= await self._mint(unmade)
                if _without(unmade, fetched):  # another process was quicker
                    fetched |= await self._read(subjects)
            if self._destructions == before:  # else one of these may have been destroyed after it was read
                self._keep(fetched, now)
                found |= fetched
                break
        return {name: found.get(name, DESTROYED) for name in names}

    async def destroy(
        self, subject: UUID, parties: Collection[UUID | None], groups: Collection[Group] = tuple(Group)
    ) -> None:
        """Destroy the keys of these parties (None: the registration's own) in these groups, minted or not.

        It is committed when this returns, needs no wrapping key, and can be repeated. Other processes forget the keys
        within a minute. Raises: asyncpg's InsufficientPrivilegeError for a role that may not destroy.
        """
        try:
            async with self._acquire() as connection:
                await connection.execute(
                    "select keyring.destroy($1, $2, $3)",
                    subject,
                    [party or NOBODY for party in parties],
                    [group.value for group in groups],
                )
        finally:
            self._destructions += 1
            for party in parties:
                for group in groups:
                    self._cache.pop(KeyName(subject, party, group), None)

    async def live(self, subject: UUID) -> int:
        """How many keys of a subject still live, in all groups: 0 proves its purge. For roles that may destroy."""
        async with self._acquire() as connection:
            return await connection.fetchval("select keyring.live($1)", subject)

    def _acquire(self) -> AbstractAsyncContextManager[Any]:
        return self._pool.acquire(timeout=ANSWERED_WITHIN)

    async def _mint(self, wanted: Mapping[Group, list[KeyName]]) -> dict[KeyName, Found]:
        """Insert what is not there, in one transaction; what another process minted, or destroyed, stays as it is."""
        minted: dict[KeyName, Found] = {}
        async with self._acquire() as connection, _one_transaction(connection, len(wanted)):
            for group, names in wanted.items():
                keys = [Key(str(uuid4()), new_secret()) for _ in names]
                wrapped = await self._wrapping.wrap(
                    group,
                    [Bound(_bound_name(name, key.kid), key.secret) for name, key in zip(names, keys, strict=True)],
                )
                rows = await connection.fetch(_MINT[group], *_columns(names), wrapped, [key.kid for key in keys])
                fresh = {(row["subject"], row["party"]) for row in rows}
                minted |= {
                    name: key
                    for name, key in zip(names, keys, strict=True)
                    if (name.subject, name.party or NOBODY) in fresh
                }
        return minted

    async def _read(self, subjects: Collection[UUID]) -> dict[KeyName, Found]:
        """Every key of these subjects, in the groups that this process may open."""
        async with self._acquire() as connection:
            rows = await connection.fetch(_reading(tuple(self._wrapping.groups)), list(subjects))
        named = [(KeyName(row["subject"], _party(row["party"]), Group(row["grp"])), row) for row in rows]
        read: dict[KeyName, Found] = {name: DESTROYED for name, row in named if row["wrapped"] is None}
        live: defaultdict[Group, list[tuple[KeyName, Any]]] = defaultdict(list)
        for name, row in named:
            if row["wrapped"] is not None:
                live[name.group].append((name, row))
        for group, keys in live.items():
            secrets = await self._wrapping.unwrap(
                group, [Bound(_bound_name(name, row["kid"]), row["wrapped"]) for name, row in keys]
            )
            read |= {name: Key(row["kid"], secret) for (name, row), secret in zip(keys, secrets, strict=True)}
        return read

    def _keep(self, fetched: Mapping[KeyName, Found], since: float) -> None:
        until = since + self._cache_seconds
        for name, key in fetched.items():
            self._cache.pop(name, None)
            self._cache[name] = (until, key)
        for _ in range(len(self._cache) - self._cached_keys):
            del self._cache[next(iter(self._cache))]


def _by_group(names: Iterable[KeyName]) -> dict[Group, list[KeyName]]:
    """Names by group, in the one order in which tables are locked. Within a table, the statement orders the rows."""
    grouped: defaultdict[Group, list[KeyName]] = defaultdict(list)
    for name in dict.fromkeys(names):
        grouped[name.group].append(name)
    return {group: grouped[group] for group in sorted(grouped)}


def _without(wanted: Mapping[Group, list[KeyName]], found: Mapping[KeyName, Found]) -> dict[Group, list[KeyName]]:
    left = {group: [name for name in names if name not in found] for group, names in wanted.items()}
    return {group: names for group, names in left.items() if names}


def _one_transaction(connection: Any, statements: int) -> AbstractAsyncContextManager[Any]:
    """A transaction around several statements; a single one is its own."""
    return connection.transaction() if statements > 1 else nullcontext()


def _columns(names: Collection[KeyName]) -> tuple[list[UUID], list[UUID]]:
    return [name.subject for name in names], [name.party or NOBODY for name in names]


def _party(column: UUID) -> UUID | None:
    return None if column == NOBODY else column


def _bound_name(name: KeyName, kid: str) -> bytes:
    return f"{name.subject}/{name.party or NOBODY}/{name.group}/{kid}".encode()


_MINT: Final = {
    group: f"""
        insert into keyring.key_{group} (subject, party, wrapped, kid)
        select subject, party, wrapped, kid
        from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[]) as minted (subject, party, wrapped, kid)
        order by subject, party
        on conflict do nothing
        returning subject, party
    """  # noqa: S608 - the table's name comes from the enum of seal groups
    for group in Group
}


@cache
def _reading(groups: tuple[Group, ...]) -> str:
    """One statement for the keys of some subjects in several groups."""
    return " union all ".join(
        f"select '{group}' as grp, subject, party, wrapped, kid from keyring.key_{group} where subject = any($1)"  # noqa: S608 - names and tables come from the enum of seal groups
        for group in groups
    )
