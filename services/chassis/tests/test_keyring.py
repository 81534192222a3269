from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from rinnan_chassis import keyring as keyrings
from rinnan_chassis.database import is_away
from rinnan_chassis.keyring import DESTROYED, NOBODY, KeyName, Keyring
from rinnan_chassis.provision import provision
from rinnan_chassis.sealing import Key, KeyNotHeld, SealBroken, new_secret, open_token, seal
from rinnan_chassis.wrapping import Bound, HeldWrapping, Wrapping, WrappingKeyWrong, load_wrapping_keys
from rinnan_events import Binding, Group

pytestmark = pytest.mark.stack

TOPICS_FILE = Path(__file__).parents[3] / "contracts" / "topics.toml"


class House:
    """A provisioned database, and keyrings as its rooms have them."""

    def __init__(self, environments: dict[str, dict[str, str]], admin_url: str, database: str) -> None:
        self.environments = environments
        self._admin_url = admin_url
        self._database = database

    def wrapping_keys(self, room: str) -> dict[Group, bytes]:
        return load_wrapping_keys(Path(self.environments[room]["RINNAN_WRAPPING_KEYS_FILE"]))

    @asynccontextmanager
    async def keyring(
        self, room: str, wrapping_keys: dict[Group, bytes] | Wrapping | None = None
    ) -> AsyncIterator[Keyring]:
        held = self.wrapping_keys(room) if wrapping_keys is None else wrapping_keys
        keyring = await Keyring.connect(self.environments[room]["RINNAN_DATABASE_URL"], held)
        try:
            yield keyring
        finally:
            await keyring.close()

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self._admin_url, database=self._database)
        try:
            yield connection
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def house(
    postgres_admin_url: str, tmp_path_factory: pytest.TempPathFactory, a_database_name: Callable[[], str]
) -> House:
    database = a_database_name()
    environments = asyncio.run(
        provision(
            admin_database_url=postgres_admin_url,
            kafka=None,
            topics_file=TOPICS_FILE,
            out=tmp_path_factory.mktemp("secrets"),
            database=database,
        )
    )
    return House(environments, postgres_admin_url, database)


def a_name(group: Group = Group.CONTACT, subject: UUID | None = None, party: UUID | None = None) -> KeyName:
    return KeyName(subject or uuid4(), party or uuid4(), group)


async def test_a_minted_key_is_the_same_for_every_room_that_may_open_it(house: House) -> None:
    names = [a_name(), KeyName(uuid4(), None, Group.CONTACT), a_name(Group.OWN)]
    async with house.keyring("intake") as intake, house.keyring("record_export") as export:
        minted = await intake.keys(names, mint=True)
        assert minted == await export.keys(names, mint=False)
        assert len({key.secret for key in minted.values() if isinstance(key, Key)}) == 3


async def test_minting_again_gives_the_key_that_is_there(house: House) -> None:
    name, other = a_name(), a_name()
    async with house.keyring("intake") as one, house.keyring("invitation") as another:
        first = await one.keys([name], mint=True)
        assert (await another.keys([name, other], mint=True))[name] == first[name]


async def test_two_rooms_that_mint_at_once_get_one_key(house: House) -> None:
    names = [a_name() for _ in range(200)]
    async with house.keyring("intake") as one, house.keyring("invitation") as another:
        first, second = await asyncio.gather(one.keys(names, mint=True), another.keys(names[::-1], mint=True))
    assert first == second


async def test_a_key_that_was_never_there_counts_as_destroyed_until_it_is_minted(house: House) -> None:
    name = a_name()
    async with house.keyring("intake") as keyring:
        assert await keyring.keys([name], mint=False) == {name: DESTROYED}
        assert isinstance((await keyring.keys([name], mint=True))[name], Key)


async def test_a_destroyed_key_is_gone_at_once_here_and_for_a_process_that_asks_now(house: House) -> None:
    name, stays = a_name(), a_name()
    async with house.keyring("intake") as intake, house.keyring("record_export") as export:
        await intake.keys([name, stays], mint=True)
        await intake.destroy(name.subject, [name.party])
        for keyring in (intake, export):
            found = await keyring.keys([name, stays], mint=False)
            assert found[name] is DESTROYED
            assert isinstance(found[stays], Key)


async def test_minting_under_a_tombstone_is_refused(house: House) -> None:
    subject, party = uuid4(), uuid4()
    async with house.keyring("intake") as keyring:
        await keyring.destroy(subject, [party, None])
        names = [a_name(Group.OWN, subject, party), KeyName(subject, None, Group.CONTACT)]
        assert await keyring.keys(names, mint=True) == dict.fromkeys(names, DESTROYED)


async def test_destroying_one_party_leaves_the_other_and_the_whole(house: House) -> None:
    subject, leaver, stayer = uuid4(), uuid4(), uuid4()
    names = [KeyName(subject, party, group) for party in (leaver, stayer, None) for group in (Group.OWN, Group.CONTACT)]
    async with house.keyring("intake") as keyring:
        await keyring.keys(names, mint=True)
        await keyring.destroy(subject, [leaver])
        found = await keyring.keys(names, mint=False)
        assert {name.party for name in names if found[name] is DESTROYED} == {leaver}


async def test_destroying_can_be_repeated_and_keeps_its_first_moment(house: House) -> None:
    name = a_name()
    async with house.keyring("intake") as keyring, house.admin() as admin:
        await keyring.keys([name], mint=True)
        moments = set()
        for _ in range(2):
            await keyring.destroy(name.subject, [name.party])
            moments.add(
                await admin.fetchval("select destroyed_at from keyring.key_contact where subject = $1", name.subject)
            )
        assert len(moments) == 1


async def test_a_purge_leaves_no_key_of_the_subject_in_any_group(house: House) -> None:
    subject, parties = uuid4(), [uuid4(), uuid4()]
    names = [KeyName(subject, party, group) for party in (*parties, None) for group in (Group.OWN, Group.CONTACT)]
    async with house.keyring("intake") as keyring, house.admin() as admin:
        minted = await keyring.keys(names, mint=True)
        assert await keyring.live(subject) == len(names)
        await keyring.destroy(subject, [*parties, None])
        assert await keyring.live(subject) == 0
        kids = {key.kid for key in minted.values() if isinstance(key, Key)}
        for group in Group:
            table = f"keyring.key_{group}"
            rows = await admin.fetch(f"select * from {table} where subject = $1", subject)  # noqa: S608 - from the enum
            assert {row["party"] for row in rows} == {*parties, NOBODY}
            assert {row["wrapped"] for row in rows} == {None}
            assert {row["kid"] for row in rows} <= kids | {None}


async def test_what_was_sealed_does_not_open_after_its_key_is_destroyed_though_a_new_party_comes(house: House) -> None:
    name = a_name(Group.OWN)
    binding = Binding("intake.form_submitted.v1", str(uuid4()), name.subject, name.party, name.group)
    async with house.keyring("intake") as keyring:
        key = (await keyring.keys([name], mint=True))[name]
        assert isinstance(key, Key)
        token = seal(b"{}", binding, key)
        await keyring.destroy(name.subject, [name.party])
        back = name._replace(party=uuid4())
        found = await keyring.keys([name, back], mint=True)
        assert found[name] is DESTROYED
        new_key = found[back]
        assert isinstance(new_key, Key)
        with pytest.raises(SealBroken):
            open_token(token, binding, new_key)


async def test_a_process_without_the_wrapping_key_cannot_open_though_its_role_may_read(house: House) -> None:
    name = a_name()
    async with house.keyring("intake") as intake, house.keyring("invitation", {}) as robbed:
        await intake.keys([name], mint=True)
        for mint in (True, False):
            with pytest.raises(KeyNotHeld, match="contact"):
                await robbed.keys([name], mint=mint)


async def test_another_wrapping_key_opens_nothing(house: House) -> None:
    name = a_name()
    async with house.keyring("intake") as intake, house.keyring("invitation", {Group.CONTACT: new_secret()}) as wrong:
        await intake.keys([name], mint=True)
        with pytest.raises(WrappingKeyWrong, match="contact"):
            await wrong.keys([name], mint=False)


async def test_a_wrapped_key_moved_to_another_owner_does_not_unwrap(house: House) -> None:
    name, thief = a_name(), a_name()
    async with house.keyring("intake") as intake, house.keyring("invitation") as other, house.admin() as admin:
        await intake.keys([name, thief], mint=True)
        await admin.execute(
            "update keyring.key_contact set (wrapped, kid) ="
            " (select wrapped, kid from keyring.key_contact where subject = $1) where subject = $2",
            name.subject,
            thief.subject,
        )
        with pytest.raises(WrappingKeyWrong):
            await other.keys([thief], mint=False)


@pytest.mark.parametrize(("room", "group"), [("invitation", Group.OWN), ("event_log", Group.CONTACT)])
async def test_a_role_without_the_grant_cannot_read_a_key_though_it_stole_the_wrapping_key(
    house: House, room: str, group: Group
) -> None:
    async with house.keyring(room, house.wrapping_keys("intake")) as thief:
        for mint in (True, False):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await thief.keys([a_name(group)], mint=mint)


async def test_a_room_that_may_not_destroy_cannot(house: House) -> None:
    name = a_name()
    async with house.keyring("invitation") as keyring:
        key = await keyring.keys([name], mint=True)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await keyring.destroy(name.subject, [name.party])
        assert await keyring.keys([name], mint=False) == key


async def test_the_destroyer_needs_no_wrapping_key(house: House) -> None:
    name = a_name(Group.SCREENING)
    async with house.keyring("risk_screening") as screening, house.keyring("intake", {}) as intake:
        await screening.keys([name], mint=True)
        await intake.destroy(name.subject, [name.party])
    async with house.keyring("risk_screening") as screening:
        assert await screening.keys([name], mint=True) == {name: DESTROYED}


async def test_a_race_of_minting_and_destroying_never_leaves_a_live_key(house: House) -> None:
    async with house.keyring("invitation") as minter, house.keyring("intake") as destroyer:
        seen: set[bool] = set()
        for turn in range(150):
            subject, parties = uuid4(), [uuid4() for _ in range(4)]
            names = [KeyName(subject, party, Group.CONTACT) for party in parties]
            racing = [minter.keys(names, mint=True), destroyer.destroy(subject, parties[::-1])]
            found = await asyncio.gather(*(racing if turn % 2 else racing[::-1]))
            minted = next(answer for answer in found if answer is not None)
            seen |= {key is DESTROYED for key in minted.values()}
            assert await destroyer.live(subject) == 0
        assert seen == {True, False}, "both orders were seen"


class SlowWrapping(HeldWrapping):
    """A port to wrapping keys that takes its time: it answers only when it is let."""

    def __init__(self, wrapping_keys: dict[Group, bytes]) -> None:
        super().__init__(wrapping_keys)
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def unwrap(self, group: Group, keys: Sequence[Bound]) -> list[bytes]:
        self.asked.set()
        await self.may_answer.wait()
        return await super().unwrap(group, keys)


async def test_a_key_that_is_destroyed_while_it_is_read_is_neither_given_nor_kept(house: House) -> None:
    name = a_name()
    async with house.keyring("intake") as other:
        await other.keys([name], mint=True)
    slow = SlowWrapping(house.wrapping_keys("intake"))
    async with house.keyring("intake", slow) as keyring:
        reading = asyncio.create_task(keyring.keys([name], mint=False))
        await slow.asked.wait()
        await keyring.destroy(name.subject, [name.party])
        slow.may_answer.set()
        assert await reading == {name: DESTROYED}
        assert await keyring.keys([name], mint=False) == {name: DESTROYED}


@pytest.mark.parametrize("second", ["mints", "destroys"])
@pytest.mark.parametrize("met_in", [Group.CONTACT, Group.IDENTITY])
async def test_what_comes_in_another_order_waits_in_a_row_and_never_in_a_circle(
    house: House, second: str, met_in: Group
) -> None:
    subject, parties = uuid4(), sorted(uuid4() for _ in range(9))
    groups = (Group.CONTACT, Group.IDENTITY, Group.OWN)
    names = [KeyName(subject, party, group) for group in groups for party in parties]
    async with house.keyring("intake") as one, house.keyring("record_export") as another, house.admin() as admin:
        in_the_middle = admin.transaction()
        await in_the_middle.start()
        minting = f"insert into keyring.key_{met_in} (subject, party, wrapped) values ($1, $2, '')"  # noqa: S608 - enum
        await admin.execute(minting, subject, parties[4])
        mints = asyncio.create_task(one.keys(names, mint=True))
        if second == "mints":
            other = asyncio.create_task(another.keys(names[::-1], mint=True))
        else:
            other = asyncio.create_task(one.destroy(subject, parties[::-1], groups[::-1]))
        await two_wait(house)
        await in_the_middle.rollback()
        await asyncio.gather(mints, other)


async def two_wait(house: House) -> None:
    """Until two connections of this database wait for a lock, as far as PostgreSQL tells within 10 seconds."""
    async with asyncio.timeout(10), house.admin() as admin:
        waiting = (
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )
        while await admin.fetchval(waiting) < 2:
            await admin.execute("select pg_sleep(0.01)")


async def test_a_keyring_that_does_not_answer_counts_as_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyrings, "ANSWERED_WITHIN", 0.2)
    async with house.keyring("intake") as keyring, house.admin() as admin, admin.transaction():
        await admin.execute("lock table keyring.key_contact")
        for asking in (keyring.keys([a_name()], mint=True), keyring.destroy(uuid4(), [None])):
            async with asyncio.timeout(5):
                with pytest.raises(TimeoutError) as raised:
                    await asking
            assert is_away(raised.value)


async def test_a_keyring_with_no_connection_to_spare_counts_as_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyrings, "ANSWERED_WITHIN", 0.2)
    async with house.keyring("intake") as keyring, AsyncExitStack() as taken:
        for _ in range(keyring._pool.get_max_size()):
            await taken.enter_async_context(keyring._pool.acquire())
        async with asyncio.timeout(5):
            for asking in (
                keyring.keys([a_name()], mint=False),
                keyring.destroy(uuid4(), [None]),
                keyring.live(uuid4()),
            ):
                with pytest.raises(TimeoutError):
                    await asking


async def test_a_cached_key_is_forgotten_after_its_time(house: House) -> None:
    now = 0.0
    name = a_name()
    pool = await asyncpg.create_pool(house.environments["record_export"]["RINNAN_DATABASE_URL"], min_size=1, max_size=2)
    keyring = Keyring(pool, house.wrapping_keys("record_export"), monotonic=lambda: now)
    async with house.keyring("intake") as intake:
        key = await keyring.keys([name], mint=True)
        await intake.destroy(name.subject, [name.party])
        now = 59.9
        assert await keyring.keys([name], mint=False) == key
        now = 60.0
        assert await keyring.keys([name], mint=False) == {name: DESTROYED}
    await keyring.close()


async def test_the_cache_is_bounded(house: House) -> None:
    pool = await asyncpg.create_pool(house.environments["intake"]["RINNAN_DATABASE_URL"], min_size=1, max_size=2)
    keyring = Keyring(pool, house.wrapping_keys("intake"), cached_keys=10)
    names = [a_name() for _ in range(25)]
    found = await keyring.keys(names, mint=True)
    assert len(keyring._cache) == 10
    assert await keyring.keys(names, mint=False) == found
    await keyring.close()


async def test_a_cache_may_not_outlive_the_promise(house: House) -> None:
    async with house.keyring("intake") as keyring:
        with pytest.raises(ValueError, match="60 seconds"):
            Keyring(keyring._pool, {}, cache_seconds=61)
