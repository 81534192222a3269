"""A room refuses to start with rights, keys or a table that it does not have, before it touches anything."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from services.chassis.tests.toy import TOPICS, Answered, Kept, News, hear
from services.chassis.tests.toy_room import room as toy_room

from rinnan_chassis.database import is_away, migrate, whole_of
from rinnan_chassis.handlers import AfterCrash, Handlers, Undecided
from rinnan_chassis.room import Room, _live
from rinnan_chassis.sealing import new_secret
from rinnan_chassis.settings import Settings
from rinnan_chassis.topics import NotGiven
from rinnan_chassis.wrapping import WrappingKeysMissing, write_wrapping_keys
from rinnan_events import Group

NOWHERE = "postgresql://nobody@127.0.0.1:9/nothing"


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Room[Kept]]:
    """The toy with the wrapping keys of these groups."""

    def with_keys(*groups: Group) -> Room[Kept]:
        keys = write_wrapping_keys({group: new_secret() for group in groups})
        told = {"DATABASE_URL": NOWHERE, "TOPICS_FILE": str(TOPICS), "WRAPPING_KEYS": keys, "HTTP_PORT": "0"}
        told |= {"KAFKA_SERVERS": "127.0.0.1:9", "HEALTH_PORT": "0"}
        for name, value in told.items():
            monkeypatch.setenv(f"RINNAN_{name}", value)
        return toy_room(Settings.read())

    return with_keys


def start(room: Room[Kept]) -> None:
    """Start a room that must not get as far as its database."""

    async def at_most_a_second() -> None:
        async with asyncio.timeout(1):
            await _live(room)

    asyncio.run(at_most_a_second())


def test_a_room_without_the_wrapping_keys_of_what_it_opens_does_not_start(room: Callable[..., Room[Kept]]) -> None:
    with pytest.raises(WrappingKeysMissing, match=r"^care$"):
        start(room(Group.OWN))


def test_what_a_room_seals_it_must_have_the_wrapping_key_for(room: Callable[..., Room[Kept]]) -> None:
    with pytest.raises(WrappingKeysMissing, match=r"^care, own$"):
        start(replace(room(), opens=frozenset()))


def test_a_room_that_would_say_hear_or_open_what_it_was_not_given_does_not_start(
    room: Callable[..., Room[Kept]],
) -> None:
    with pytest.raises(NotGiven, match=r"speak on crier\.news\.v1"):
        start(replace(room(*Group), says=(Answered, News)))
    with pytest.raises(NotGiven, match=r"hear toy\.answer\.v1"):
        start(replace(room(*Group), topics=frozenset({Answered.topic})))
    with pytest.raises(NotGiven, match="open screening"):
        start(replace(room(*Group), opens=frozenset({Group.SCREENING})))


def test_a_room_whose_work_could_end_undecided_does_not_start(room: Callable[..., Room[Kept]]) -> None:
    handlers = Handlers(Kept)
    handlers.hears(News, hear)
    handlers.works("once", hear, after_crash=AfterCrash.DECIDE)  # type: ignore[arg-type]  # it never runs
    with pytest.raises(Undecided):
        start(replace(room(*Group), handlers=handlers))


def test_a_room_with_all_that_it_needs_waits_for_its_database(room: Callable[..., Room[Kept]]) -> None:
    with pytest.raises(TimeoutError):
        start(room(*Group))


async def test_a_database_that_is_starting_up_is_away() -> None:
    async def starting_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"N")
        length = struct.unpack("!i", await reader.readexactly(4))[0]
        await reader.readexactly(length - 4)
        told = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
        writer.write(b"E" + struct.pack("!i", len(told) + 4) + told)
        writer.close()

    async with await asyncio.start_server(starting_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Exception, match="starting up") as refused:
            await migrate(f"postgresql://nobody@127.0.0.1:{port}/nothing", "toy")
    assert is_away(refused.value)


MIGRATION = """
revision = "{0}"
down_revision = {1!r}
branch_labels = {2!r}
depends_on = ("chassis_0001",)


def upgrade() -> None: ...
"""


@pytest.mark.parametrize(
    ("there", "whole"),
    [
        ([], False),
        (["chassis_0001"], False),
        (["toy_0001"], False),
        (["toy_0002"], False),
        (["toy_0002", "chassis_0003"], True),
        (["toy_0003_of_a_later_room"], True),
    ],
)
def test_tables_are_whole_when_no_revision_is_missing(tmp_path: Path, there: list[str], whole: bool) -> None:
    for name, before, branch in (("toy_0001", None, ("toy",)), ("toy_0002", "toy_0001", None)):
        (tmp_path / f"{name}.py").write_text(MIGRATION.format(name, before, branch))
    assert whole_of([tmp_path])(there) is whole
