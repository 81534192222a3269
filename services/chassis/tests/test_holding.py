"""Held: nothing further of a subject is heard until a person lets it go on, and its people notice nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from services.chassis.tests.broker import until
from services.chassis.tests.toy import Answered, Ask, Kept, News, hear, news, secret, toy

from rinnan_chassis import batch
from rinnan_chassis.batch import NotAsSeen
from rinnan_chassis.deciding import Context, Decision
from rinnan_chassis.handlers import Handlers
from rinnan_chassis.items import Became, Heard, Item
from rinnan_chassis.operations import NoSuchLetter, NotHeld, Operations
from rinnan_chassis.reading import NEVER
from rinnan_chassis.testing import Stage

pytestmark = pytest.mark.stack

WHY = {"by": "someone", "why": "the fault is known"}


async def hold(stage: Stage[Kept], subject: UUID, number: int = 99) -> UUID:
    """Hold a subject by a poison message, and give its dead letter."""
    await stage.hears(news(subject, number, "poison"))
    letter: UUID = await stage.batches.database.fetchval(
        "select id from dead_letter where subject = $1 and settled_at is null", subject
    )
    return letter


def mended(stage: Stage[Kept], still: str = "") -> Operations:
    """The operations of the same room with a decider that takes everything, except what is `still` poison."""
    handlers: Handlers[Kept] = toy()

    def takes(kept: Kept | None, event: News, context: Context) -> Decision[Kept] | None:
        what = "poison" if event.what == still else "note"
        return hear(kept, event.model_copy(update={"what": what}), context)

    handlers.hears(News, takes)
    return Operations(replace(stage.batches, handlers=handlers))


async def at_once(stage: Stage[Kept], subject: UUID, *acts: Coroutine[Any, Any, Any]) -> list[Any]:
    """Let all of these look before any of them has the subject's lock."""
    async with stage.batches.database.acquire() as other, other.transaction():
        await other.execute("select from subject where id = $1 for update", subject)
        acting = [asyncio.create_task(act) for act in acts]
        await until(stage, WAITING, len(acts))
    return await asyncio.gather(*acting, return_exceptions=True)


WAITING = "select count(*) = $1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


async def heard_of(stage: Stage[Kept], subject: UUID) -> tuple[int, ...]:
    kept = await stage.state(subject)
    return kept.heard if kept else ()


async def test_while_one_subject_is_held_others_pass(stage: Stage[Kept]) -> None:
    held, free = uuid4(), uuid4()
    await hold(stage, held)
    items = await stage.hears(news(held, 1), news(free, 1), batch=True)
    assert [item.became for item in items] == [Became.PARKED, Became.DECIDED]


async def test_people_of_a_held_subject_are_answered_as_before(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 1))
    await hold(stage, subject)
    answer = await stage.desk.decide(Ask(uuid4(), 2), subject=subject)
    assert answer == {"heard": [1, 2]}
    assert len(await stage.operations.held()) == 1


async def test_what_parked_is_heard_in_order_on_release(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await hold(stage, subject)
    await stage.hears(*(news(subject, number) for number in range(1, 6)))
    assert await heard_of(stage, subject) == ()
    await stage.operations.release(subject, **WHY)
    assert await heard_of(stage, subject) == (1, 2, 3, 4, 5)
    assert await stage.operations.held() == []
    assert await stage.operations.dead_letters() == []


async def test_more_than_one_batch_of_parked_messages_is_heard_in_order(
    stage: Stage[Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch._Release, "__init__", _at_most_three)
    subject = uuid4()
    await hold(stage, subject)
    await stage.hears(*(news(subject, number) for number in range(1, 9)))
    await stage.operations.release(subject, **WHY)
    assert await heard_of(stage, subject) == tuple(range(1, 9))
    assert await stage.operations.held() == []


_as_it_is = batch._Release.__init__


def _at_most_three(self: Any, *which: Any, most: int = 3) -> None:
    _as_it_is(self, *which, most=min(most, 3))


async def test_a_letter_redriven_after_the_fix_is_decided_before_what_parked(stage: Stage[Kept]) -> None:
    subject = uuid4()
    letter = await hold(stage, subject, 1)
    await stage.hears(news(subject, 2), news(subject, 3))
    await mended(stage).redrive(letter, **WHY)
    assert await heard_of(stage, subject) == (1, 2, 3)
    assert await stage.operations.held() == []
    assert await stage.operations.dead_letters() == []


async def test_what_a_redriven_letter_makes_the_room_say_is_said(stage: Stage[Kept]) -> None:
    letter = await hold(stage, uuid4(), 7)
    await mended(stage).redrive(letter, **WHY)
    assert [answer.number for answer in await stage.said_of(Answered)] == [7]


async def test_a_letter_that_is_redriven_twice_at_once_is_decided_once(stage: Stage[Kept]) -> None:
    subject = uuid4()
    letter = await hold(stage, subject, 1)
    await asyncio.gather(*(mended(stage).redrive(letter, **WHY) for _ in range(3)), return_exceptions=True)
    assert await heard_of(stage, subject) == (1,)
    with pytest.raises(NoSuchLetter):
        await mended(stage).redrive(letter, **WHY)


async def test_a_letter_redriven_before_the_fix_stays_and_so_does_the_hold(stage: Stage[Kept]) -> None:
    subject = uuid4()
    letter = await hold(stage, subject)
    await stage.hears(news(subject, 1))
    assert (await stage.operations.redrive(letter, **WHY))["heard"] == ["set_aside", "parked"]
    assert [each["id"] for each in await stage.operations.dead_letters()] == [letter]
    assert [each["parked"] for each in await stage.operations.held()] == [1]


async def test_a_poison_message_among_what_parked_holds_again_from_there(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await hold(stage, subject)
    await stage.hears(news(subject, 1), news(subject, 2, "poison"), news(subject, 3))
    await stage.operations.release(subject, **WHY)
    assert await heard_of(stage, subject) == (1,)
    assert [(each["parked"], each["dead_letters"]) for each in await stage.operations.held()] == [(1, 1)]
    await stage.operations.release(subject, **WHY)
    assert await heard_of(stage, subject) == (1, 3)


@pytest.mark.parametrize("times", [2, 3])
async def test_what_nobody_has_seen_yet_is_passed_over_by_no_release(stage: Stage[Kept], times: int) -> None:
    subject = uuid4()
    await hold(stage, subject)
    await stage.hears(news(subject, 1), news(subject, 2, "poison"), news(subject, 3))
    became = await at_once(stage, subject, *(stage.operations.release(subject, **WHY) for _ in range(times)))
    assert [type(each) for each in became if isinstance(each, Exception)] == [NotAsSeen] * (times - 1)
    assert await heard_of(stage, subject) == (1,)
    assert [(each["parked"], each["dead_letters"]) for each in await stage.operations.held()] == [(1, 1)]


async def test_a_letter_redriven_twice_lets_nothing_pass_what_was_set_aside_since(stage: Stage[Kept]) -> None:
    subject = uuid4()
    letter = await hold(stage, subject, 1)
    await stage.hears(news(subject, 2), news(subject, 3, "no more"), news(subject, 4))
    operations = mended(stage, "no more")
    became = await at_once(stage, subject, *(operations.redrive(letter, **WHY) for _ in range(2)))
    assert [type(each) for each in became if isinstance(each, Exception)] == [NotAsSeen]
    assert await heard_of(stage, subject) == (1, 2)
    assert [(each["parked"], each["dead_letters"]) for each in await stage.operations.held()] == [(1, 1)]


async def test_a_letter_discarded_before_the_release_has_the_lock_is_looked_at_again(stage: Stage[Kept]) -> None:
    subject = uuid4()
    letter = await hold(stage, subject)
    async with stage.batches.database.acquire() as other, other.transaction():
        await other.execute("select from subject where id = $1 for update", subject)
        releasing = asyncio.create_task(stage.operations.release(subject, **WHY))
        await until(stage, WAITING, 1)
        await stage.operations.discard(letter, **WHY)
    with pytest.raises(NotAsSeen):
        await releasing
    assert len(await stage.operations.held()) == 1


async def test_data_refused_by_the_database_among_what_parked_is_set_aside_alone(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await hold(stage, subject)
    await stage.hears(news(subject, 1), news(subject, 2), news(subject, 3, "nul"), news(subject, 4))
    await stage.operations.release(subject, **WHY)
    assert await heard_of(stage, subject) == (1, 2)
    assert [(each["parked"], each["dead_letters"]) for each in await stage.operations.held()] == [(1, 1)]


async def test_a_redriven_letter_that_the_database_refuses_is_set_aside_again(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 1, "nul"), news(subject, 2))
    [letter] = await stage.operations.dead_letters()
    await stage.operations.redrive(letter["id"], **WHY)
    assert [each["parked"] for each in await stage.operations.held()] == [1]


async def test_what_parked_under_a_key_destroyed_since_has_nothing_to_do(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    await hold(stage, subject)
    await stage.hears(news(subject, 1, "pass on", party=party, secret=secret(party)), news(subject, 2))
    await stage.batches.keyring.destroy(subject, [party])
    await stage.operations.release(subject, **WHY)
    assert await heard_of(stage, subject) == (2,)
    assert await stage.operations.dead_letters() == []


async def test_a_message_that_parks_while_a_person_releases_is_not_left_behind(stage: Stage[Kept]) -> None:
    for _ in range(10):
        subject = uuid4()
        await hold(stage, subject)
        await stage.hears(news(subject, 1))
        more = [await stage.item(news(subject, number)) for number in (2, 3)]
        await asyncio.gather(
            stage.operations.release(subject, **WHY), *(replace(stage.batches).decide([item]) for item in more)
        )
        assert sorted(await heard_of(stage, subject)) == [1, 2, 3]
    assert await stage.batches.database.fetchval("select count(*) from parked") == 0


async def test_an_unreadable_message_of_a_held_subject_parks_in_its_place(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await hold(stage, subject)
    item = await stage.item(news(subject, 1))
    item.fault = "body_not_as_published"
    await stage.batches.decide([item])
    assert item.became is Became.PARKED


async def test_a_parked_event_that_comes_again_parks_once(stage: Stage[Kept]) -> None:
    subject, event_id = uuid4(), str(uuid4())
    await hold(stage, subject)
    for _ in range(3):
        await stage.batches.decide([await stage.item(news(subject, 1), event_id)])
    await stage.operations.release(subject, **WHY)
    assert await heard_of(stage, subject) == (1,)


async def test_what_a_parked_event_makes_the_room_say_names_its_cause(stage: Stage[Kept]) -> None:
    subject, event_id = uuid4(), str(uuid4())
    await hold(stage, subject)
    await stage.batches.decide([await stage.item(news(subject, 1), event_id)])
    await stage.operations.release(subject, **WHY)
    causes = await stage.batches.database.fetch(
        "select headers::text as headers from outbox where topic like '%answer%'"
    )
    assert [event_id in row["headers"] for row in causes] == [True]


async def test_a_discarded_letter_leaves_its_subject_held(stage: Stage[Kept]) -> None:
    letter = await hold(stage, uuid4())
    await stage.operations.discard(letter, **WHY)
    assert await stage.operations.dead_letters() == []
    assert len(await stage.operations.held()) == 1


async def test_every_act_of_an_operator_is_kept_with_who_and_why(stage: Stage[Kept]) -> None:
    subject = uuid4()
    letter = await hold(stage, subject)
    await stage.operations.redrive(letter, by="first", why="to see")
    await stage.operations.release(subject, by="second", why="seen")
    acts = await stage.operations.acts(subject)
    told = [(act["by"], act["verb"], act["thing"], act["why"]) for act in acts]
    assert told == [("first", "redrive", letter, "to see"), ("second", "release", None, "seen")]
    assert await stage.operations.acts(letter) == acts[:1]


@pytest.mark.parametrize("verb", ["release", "redrive", "discard"])
async def test_an_act_that_cannot_be_noted_is_not_done(stage: Stage[Kept], verb: str) -> None:
    subject = uuid4()
    letter = await hold(stage, subject)
    await stage.hears(news(subject, 1))
    await stage.batches.database.execute("alter table operation rename to gone")
    with pytest.raises(asyncpg.UndefinedTableError):
        await getattr(stage.operations, verb)(subject if verb == "release" else letter, **WHY)
    assert await heard_of(stage, subject) == ()
    assert [(each["parked"], each["dead_letters"]) for each in await stage.operations.held()] == [(1, 1)]


async def test_an_act_that_is_refused_is_not_noted(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject))
    with pytest.raises(NotHeld):
        await stage.operations.release(subject, **WHY)
    assert await stage.operations.acts(subject) == []


async def test_what_is_not_held_cannot_be_released(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject))
    with pytest.raises(NotHeld):
        await stage.operations.release(subject, **WHY)


async def test_a_forgotten_subject_hears_nothing_and_is_never_held(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 1, "errand"), news(subject, 2, "forget"))
    broken = await stage.item(news(subject, 3))
    broken.fault = "body_not_as_published"
    items = [*await stage.hears(news(subject, 4), news(subject, 5, "poison")), broken]
    await stage.batches.decide([broken])
    assert {item.became for item in items} == {Became.CLOSED}
    row = await stage.batches.database.fetchrow("select state, held_at, forgotten_at is not null as gone from subject")
    assert tuple(row) == (None, None, True)
    assert await stage.batches.database.fetchval("select count(*) from work") == 0


async def test_forgetting_leaves_nothing_that_was_parked_or_set_aside(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await hold(stage, subject)
    await stage.hears(news(subject, 1))
    await stage.desk.decide(Ask(uuid4(), what="forget"), subject=subject)
    left = "select (select count(*) from parked) + (select count(*) from dead_letter)"
    assert await stage.batches.database.fetchval(left) == 0
    assert await stage.operations.held() == []


def scoped(stage: Stage[Kept]) -> Operations:
    """The operations of a room that knows a county by what its subjects heard first."""
    return Operations(stage.batches, lambda kept: {1: "one", 2: "other"}.get(kept.heard[0]) if kept else None)


async def test_what_is_held_and_set_aside_is_listed_for_its_own_county(stage: Stage[Kept]) -> None:
    letters: dict[str | None, UUID] = {}
    for first, county in ((1, "one"), (2, "other"), (3, None)):
        subject = uuid4()
        await stage.hears(news(subject, first))
        letters[county] = await hold(stage, subject)
    nobodys = Item(None, None, "topic|0|7", NEVER, None, heard=Heard(News.topic, [], None, b""), fault="no_subject")
    await stage.batches.decide([nobodys])
    operations = scoped(stage)
    assert [each["id"] for each in await operations.dead_letters(within={"one"})] == [letters["one"]]
    assert [each["id"] for each in await operations.dead_letters(within={"one", None})][:2] == [
        letters["one"],
        letters[None],
    ]
    assert len(await operations.dead_letters(within={"one", None})) == 3
    assert [len(await operations.held(within=within)) for within in ({"one"}, {"else"}, {None}, {"one", "other"})] == [
        1,
        0,
        1,
        2,
    ]


@pytest.mark.parametrize("verb", ["release", "redrive", "discard"])
async def test_what_is_of_another_county_cannot_be_acted_on(stage: Stage[Kept], verb: str) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 1))
    letter = await hold(stage, subject)
    act = getattr(scoped(stage), verb)
    for within in ({"other"}, {"other", None}):
        with pytest.raises((NotHeld, NoSuchLetter)):
            await act(subject if verb == "release" else letter, within=within, **WHY)
    assert [each["dead_letters"] for each in await stage.operations.held()] == [1]
    await act(subject if verb == "release" else letter, within={"one"}, **WHY)
    assert [len(await scoped(stage).acts(subject, within=within)) for within in ({"one"}, {"other", None})] == [1, 0]


async def test_a_subject_whose_state_cannot_be_read_is_of_no_known_county(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject, 1))
    await hold(stage, subject)
    await stage.batches.database.execute("""update subject set state = '{"heard": "no list"}'""")
    assert [len(await scoped(stage).held(within=within)) for within in ({"one"}, {None})] == [0, 1]
