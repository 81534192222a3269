"""One batch, one transaction: decided once, whatever comes twice, late, crossed, broken or too large."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from services.chassis.tests.toy import Answered, Kept, News, Unheard, hear, news

from rinnan_chassis.deciding import Claim
from rinnan_chassis.envelope import Headers
from rinnan_chassis.handlers import Handlers
from rinnan_chassis.items import Became, Heard, Item
from rinnan_chassis.reading import item_of
from rinnan_chassis.testing import Stage

pytestmark = pytest.mark.stack


async def heard_of(stage: Stage[Kept], subject: UUID) -> tuple[int, ...]:
    kept = await stage.state(subject)
    return kept.heard if kept else ()


def record(stage: Stage[Kept], headers: Headers, body: bytes | None, key: bytes | None = b"k") -> Item:
    item = item_of(stage.batches.handlers, Heard("crier.news.v1", headers, key, body), f"crier.news.v1|0|{uuid4()}")
    assert item is not None
    return item


async def test_the_same_event_a_thousand_times_is_decided_once(stage: Stage[Kept]) -> None:
    subject, event_id = uuid4(), str(uuid4())
    for _ in range(4):
        await stage.batches.decide([await stage.item(news(subject), event_id) for _ in range(250)])
    assert await heard_of(stage, subject) == (1,)
    assert len(await stage.said()) == 1


async def test_two_services_that_answer_one_cause_are_both_heard(stage: Stage[Kept]) -> None:
    subject, event_id = uuid4(), str(uuid4())
    for number, source in ((1, b"/rinnan/crier/one"), (2, b"/rinnan/crier/other")):
        headers, body = await stage.on_the_wire(news(subject, number), event_id)
        await stage.batches.decide([record(stage, [*headers, ("ce_source", source)], body)])
    assert await heard_of(stage, subject) == (1, 2)


async def test_two_rooms_say_of_one_cause_under_ids_of_their_own(stage: Stage[Kept]) -> None:
    subject, event_id = uuid4(), str(uuid4())
    await stage.batches.decide([await stage.item(news(subject), event_id)])
    await stage.batches.database.execute("truncate inbox")
    await replace(stage.batches, speaker="other").decide([await stage.item(news(subject), event_id)])
    assert await stage.batches.database.fetchval("select count(distinct id) from outbox") == 2


async def test_deciding_again_on_one_event_says_the_same_id(stage: Stage[Kept]) -> None:
    subject, event_id = uuid4(), str(uuid4())
    said: list[UUID] = []
    for _ in range(2):
        await stage.batches.decide([await stage.item(news(subject), event_id)])
        said.append(await stage.batches.database.fetchval("select id from outbox"))
        await stage.batches.database.execute("truncate inbox, outbox")
    assert said[0] == said[1]


async def test_a_poison_message_among_five_hundred_is_set_aside_alone(stage: Stage[Kept]) -> None:
    poisoned = uuid4()
    items = [await stage.item(news(uuid4())) for _ in range(499)]
    items.insert(250, await stage.item(news(poisoned, what="poison")))
    await stage.batches.decide(items)
    assert [item.became for item in items].count(Became.DECIDED) == 499
    assert items[250].became is Became.SET_ASIDE
    assert [row["subject"] for row in await stage.operations.held()] == [poisoned]


@pytest.mark.parametrize("what", ["nul", "huge", "large part", "unwritable", "unwritable state"])
async def test_what_cannot_be_written_is_set_aside_alone(stage: Stage[Kept], what: str) -> None:
    subject = uuid4()
    items = [await stage.item(each) for each in (news(uuid4()), news(subject, what=what), news(uuid4()))]
    await stage.batches.decide(items)
    assert [item.became for item in items] == [Became.DECIDED, Became.SET_ASIDE, Became.DECIDED]
    assert [row["subject"] for row in await stage.operations.held()] == [subject]


async def test_a_claim_that_cannot_be_made_of_an_event_is_the_trouble_of_that_event(stage: Stage[Kept]) -> None:
    handlers = Handlers(Kept, claims=("name",))
    handlers.hears(News, hear, claims=lambda event: (Claim("name", bytes.fromhex(event.what)),))
    batches = replace(stage.batches, handlers=handlers)
    headers, body = await stage.on_the_wire(news(uuid4(), what="no hex"))
    item = item_of(handlers, Heard("crier.news.v1", headers, b"k", body), "cause")
    assert item is not None
    await batches.decide([item])
    assert item.became is Became.SET_ASIDE


async def test_a_state_that_cannot_be_read_any_more_holds_its_own_subject_alone(stage: Stage[Kept]) -> None:
    old = uuid4()
    await stage.hears(news(old))
    await stage.batches.database.execute("""update subject set state = '{"heard": "of another age"}'""")
    items = await stage.hears(news(old, 2), news(uuid4()), batch=True)
    assert [item.became for item in items] == [Became.SET_ASIDE, Became.DECIDED]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("ce_subject", b"\xff"),
        ("ce_subject", b"nobody"),
        ("ce_id", b""),
        ("ce_id", b"a\x00b"),
        ("ce_source", b"x" * 10_000),
        ("ce_time", b"yesterday"),
        ("ce_specversion", b"0.3"),
    ],
)
async def test_an_envelope_that_cannot_be_read_is_set_aside_as_it_came(
    stage: Stage[Kept], header: str, value: bytes
) -> None:
    headers, body = await stage.on_the_wire(news(uuid4()))
    headers = [(name, value if name == header else kept) for name, kept in headers]
    items = [record(stage, headers, body), await stage.item(news(uuid4()))]
    await stage.batches.decide(items)
    assert [item.became for item in items] == [Became.SET_ASIDE, Became.DECIDED]
    letter = await stage.batches.database.fetchrow("select body from dead_letter")
    assert letter["body"] == body


async def test_names_of_few_but_wide_characters_that_no_index_holds_are_set_aside_alone(stage: Stage[Kept]) -> None:
    headers, body = await stage.on_the_wire(news(uuid4()))
    wide = "".join(chr(0x20000 + 97 * number) for number in range(400)).encode()  # nothing that PostgreSQL can squeeze
    headers += [("ce_id", wide), ("ce_source", b"/rinnan/crier/" + wide)]
    items = [record(stage, headers, body), await stage.item(news(uuid4()))]
    await stage.batches.decide(items)
    assert [item.became for item in items] == [Became.SET_ASIDE, Became.DECIDED]


async def test_without_a_readable_subject_nobody_is_held(stage: Stage[Kept]) -> None:
    item = record(stage, [("something", b"\x00\xff"), ("~odd", b"x")], None, None)
    await stage.batches.decide([item])
    assert item.became is Became.SET_ASIDE
    assert await stage.operations.held() == []
    assert [letter["subject"] for letter in await stage.operations.dead_letters()] == [None]


async def test_a_body_that_is_not_as_published_is_set_aside(stage: Stage[Kept]) -> None:
    headers, _ = await stage.on_the_wire(news(uuid4()))
    items = [record(stage, headers, body) for body in (None, b"\xff\x00", b'{"number": "many"}')]
    for item in items:
        item.identity = ("crier", str(uuid4()))
        await stage.batches.decide([item])
    assert [item.became for item in items] == [Became.SET_ASIDE, Became.PARKED, Became.PARKED]


async def test_a_body_about_another_subject_than_its_envelope_is_set_aside(stage: Stage[Kept]) -> None:
    headers, _ = await stage.on_the_wire(news(uuid4()))
    _, body = await stage.on_the_wire(news(uuid4()))
    item = record(stage, headers, body)
    await stage.batches.decide([item])
    assert item.became is Became.SET_ASIDE


async def test_an_unknown_type_is_skipped_and_leaves_nothing(stage: Stage[Kept]) -> None:
    headers, body = await stage.on_the_wire(Unheard(registration_id=uuid4()))
    assert item_of(stage.batches.handlers, Heard("crier.news.v1", headers, b"k", body), "cause") is None


async def test_an_event_with_nothing_to_do_leaves_no_subject(stage: Stage[Kept]) -> None:
    await stage.hears(news(uuid4(), what="nothing"), news(uuid4(), what="no"))
    assert await stage.batches.database.fetchval("select count(*) from subject") == 0


async def test_the_first_events_of_a_new_subject_from_three_topics_at_once_lose_no_state(stage: Stage[Kept]) -> None:
    other = replace(stage.batches)
    for _ in range(20):
        subject = uuid4()
        items = [await stage.item(news(subject, number)) for number in (1, 2, 3)]
        await asyncio.gather(
            stage.batches.decide(items[:1]), other.decide(items[1:2]), replace(stage.batches).decide(items[2:])
        )
        assert sorted(await heard_of(stage, subject)) == [1, 2, 3]


async def test_batches_in_crossed_order_on_two_instances_blame_no_message(stage: Stage[Kept]) -> None:
    subjects = [uuid4() for _ in range(40)]
    one = [await stage.item(news(subject, 1)) for subject in subjects]
    two = [await stage.item(news(subject, 2)) for subject in reversed(subjects)]
    await asyncio.gather(
        stage.batches.decide(one[:20]),
        replace(stage.batches).decide(two[:20]),
        stage.batches.decide(one[20:]),
        replace(stage.batches).decide(two[20:]),
    )
    assert {item.became for item in (*one, *two)} == {Became.DECIDED}
    assert all([sorted(await heard_of(stage, subject)) == [1, 2] for subject in subjects])


@pytest.mark.parametrize("known", [True, False])
async def test_batches_in_another_order_wait_in_a_row_and_never_in_a_circle(stage: Stage[Kept], known: bool) -> None:
    await _let_deadlocks_last(stage)
    for _ in range(5):
        subjects = sorted(uuid4() for _ in range(9))
        if known:
            await stage.hears(*(news(subject) for subject in subjects), batch=True)
        one = [await stage.item(news(subject, 2)) for subject in subjects]
        two = [await stage.item(news(subject, 3)) for subject in reversed(subjects)]
        async with stage.batches.database.acquire() as other, other.transaction():
            await other.execute("insert into subject (id) values ($1) on conflict do nothing", subjects[4])
            await other.execute("select from subject where id = $1 for update", subjects[4])
            deciding = [asyncio.create_task(stage.batches.decide(batch)) for batch in (one, two)]
            await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            await asyncio.gather(*deciding)


async def _let_deadlocks_last(stage: Stage[Kept]) -> None:
    """A deadlock that PostgreSQL would soon find and end shows as a batch that hangs."""
    async with AsyncExitStack() as stack:
        for _ in range(6):
            connection = await stack.enter_async_context(stage.batches.database.acquire())
            await connection.execute("set deadlock_timeout = '1min'")


async def test_a_deadlock_repeats_the_batch_and_blames_no_message(stage: Stage[Kept]) -> None:
    mine, yours = sorted((uuid4(), uuid4()))
    await stage.hears(news(mine), news(yours))
    items = [await stage.item(news(subject, 2)) for subject in (mine, yours)]
    async with stage.batches.database.acquire() as other, other.transaction():
        await other.execute("set local deadlock_timeout = '10s'")
        await other.execute("select from subject where id = $1 for update", yours)
        deciding = asyncio.create_task(stage.batches.decide(items))
        await asyncio.sleep(0.2)
        await other.execute("select from subject where id = $1 for update", mine)
    await deciding
    assert [item.became for item in items] == [Became.DECIDED, Became.DECIDED]


async def test_every_order_between_topics_cut_into_any_batches_gives_the_same_end(stage: Stage[Kept]) -> None:
    ends: set[tuple[int, ...]] = set()
    for order in set(permutations("aabbc")):
        subject, counts = uuid4(), dict.fromkeys("abc", 0)
        told: list[News] = []
        for topic in order:
            counts[topic] += 1
            told.append(news(subject, "abc".index(topic) * 10 + counts[topic]))
        cut = len(ends) % 5
        await stage.hears(*told[:cut], batch=True)
        await stage.hears(*told[cut:], batch=True)
        heard = await heard_of(stage, subject)
        assert [[number for number in heard if number // 10 == topic] for topic in range(3)] == [[1, 2], [11, 12], [21]]
        ends.add(heard)
    assert len(ends) == 30


async def test_an_event_tells_when_its_speaker_accepted_the_fact(stage: Stage[Kept]) -> None:
    subject = uuid4()
    item = await stage.item(news(subject, what="judge"))
    said_at = stage.clock.now()
    stage.clock.pass_by(days=3)
    await stage.batches.decide([item])
    kept = await stage.state(subject)
    assert kept is not None
    assert kept.text == said_at.isoformat()


async def test_a_trace_goes_through_inbox_and_outbox(stage: Stage[Kept]) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers, body = await stage.on_the_wire(news(uuid4()))
    await stage.batches.decide(
        [record(stage, [*headers, ("traceparent", f"00-{trace}-00f067aa0ba902b7-01".encode())], body)]
    )
    said = await stage.batches.database.fetchval("select headers::text from outbox")
    assert f"00-{trace}-" in said
    assert "00f067aa0ba902b7" not in said


async def test_what_is_said_names_its_cause(stage: Stage[Kept]) -> None:
    event_id = str(uuid4())
    await stage.batches.decide([await stage.item(news(uuid4()), event_id)])
    assert f'["ce_causationid", "{event_id}"]' in await stage.batches.database.fetchval(
        "select headers::text from outbox"
    )


async def test_what_is_said_keeps_the_order_in_which_it_was_decided(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(*(news(subject, number) for number in range(30)), batch=True)
    assert [answer.number for answer in await stage.said_of(Answered)] == list(range(30))
