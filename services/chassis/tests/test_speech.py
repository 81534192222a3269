"""Speech: what travels is sealed for its own place, and what is kept of a record is the record."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.chassis.tests.toy import Answered, Ask, Kept, News, Secret, hear, news, secret

from rinnan_chassis.envelope import Envelope, Headers, Unreadable, read, said_id
from rinnan_chassis.items import Became, Heard
from rinnan_chassis.keyring import KeyName
from rinnan_chassis.reading import MISPLACED, item_of
from rinnan_chassis.rows import read_headers, write_headers
from rinnan_chassis.sealing import Key, SealBroken, seal
from rinnan_chassis.testing import Stage
from rinnan_chassis.testing.clock import OPENING_DAY
from rinnan_chassis.tracing import child_of
from rinnan_events import Binding, Group, Sealed

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(names, st.binary(max_size=40)), max_size=8))
def test_headers_are_kept_to_the_byte(headers: list[tuple[str, bytes]]) -> None:
    assert read_headers(write_headers(headers)) == headers


@given(st.lists(st.tuples(names, st.binary(max_size=40)), max_size=8))
def test_kept_headers_hold_nothing_that_the_database_refuses(headers: list[tuple[str, bytes]]) -> None:
    assert "\\u0000" not in write_headers(headers)


@given(st.lists(st.tuples(st.sampled_from(["ce_id", "ce_subject", "ce_time", "ce_type", "x"]), st.binary(max_size=60))))
def test_any_headers_are_an_envelope_or_unreadable(headers: list[tuple[str, bytes]]) -> None:
    try:
        envelope = read([("ce_specversion", b"1.0"), ("ce_source", b"/rinnan/crier"), *headers])
    except Unreadable:
        return
    assert isinstance(envelope, Envelope)


def test_an_envelope_is_read_as_it_was_written() -> None:
    envelope = Envelope("an-id", "/rinnan/crier", News.type, uuid4(), OPENING_DAY, causation="why", traceparent="trace")
    assert read(envelope.headers()) == envelope


def test_an_id_of_what_is_said_is_that_of_its_speaker_cause_and_number() -> None:
    ids = {said_id(speaker, cause, number) for speaker in "ab" for cause in "cd" for number in (0, 1)}
    assert len(ids) == 8


def test_a_trace_that_cannot_be_read_begins_a_new_one() -> None:
    assert child_of("nonsense") != child_of("nonsense")
    assert child_of(None).startswith("00-")


@pytest.mark.stack
async def test_a_sealed_part_pasted_into_another_event_is_set_aside(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    _, foreign = await stage.on_the_wire(news(subject, 1, party=party, secret=secret(party)))
    headers, _ = await stage.on_the_wire(news(subject, 1, party=party, secret=secret(party)))
    item = item_of(stage.batches.handlers, Heard(News.topic, headers, b"k", foreign), "cause")
    assert item is not None
    await stage.batches.decide([item])
    assert item.became is Became.SET_ASIDE
    assert [letter["reason"] for letter in await stage.operations.dead_letters()] == ["seal_out_of_place"]


@pytest.mark.stack
@pytest.mark.parametrize("headers", [[], [("ce_subject", str(uuid4()).encode())]])
async def test_one_unreadable_record_that_comes_twice_in_a_batch_is_set_aside_once(
    stage: Stage[Kept], headers: Headers
) -> None:
    heard = Heard(News.topic, headers, None, b"x")
    twice = [item for _ in range(2) if (item := item_of(stage.batches.handlers, heard, "topic|0|7"))]
    other = await stage.item(news(uuid4()))
    await stage.batches.decide([*twice, other])
    assert [item.became for item in (*twice, other)] == [Became.SET_ASIDE, Became.REPEATED, Became.DECIDED]
    assert len(await stage.operations.dead_letters()) == 1


@pytest.mark.stack
@pytest.mark.parametrize(
    ("topic", "source"),
    [
        ("toy.answer.v1", "/rinnan/crier"),
        ("crier.dead_letter.v1", "/rinnan/crier"),
        (News.topic, "/rinnan/toy"),
        (News.topic, "/rinnan/crier2"),
        (News.topic, "/rinnan"),
        (News.topic, "crier"),
    ],
)
async def test_an_event_on_another_topic_or_by_another_speaker_is_nobodys_word(
    stage: Stage[Kept], topic: str, source: str
) -> None:
    told, event_id = news(uuid4(), 1), str(uuid4())
    headers, body = await stage.on_the_wire(told, event_id)
    named = [(name, source.encode() if name == "ce_source" else value) for name, value in headers]
    item = item_of(stage.batches.handlers, Heard(topic, named, b"k", body), "topic|0|7")
    assert item is not None
    await stage.batches.decide([item])
    assert item.became is Became.SET_ASIDE
    assert [(letter["reason"], letter["subject"]) for letter in await stage.operations.dead_letters()] == [
        (MISPLACED, None)
    ]
    await stage.batches.decide([genuine := await stage.item(told, event_id)])
    assert genuine.became is Became.DECIDED


@pytest.mark.stack
async def test_a_process_of_a_room_with_many_speaks_for_it(stage: Stage[Kept]) -> None:
    headers, body = await stage.on_the_wire(news(uuid4(), 1))
    named = [(name, b"/rinnan/crier/north" if name == "ce_source" else value) for name, value in headers]
    item = item_of(stage.batches.handlers, Heard(News.topic, named, b"k", body), "cause")
    assert item is not None
    await stage.batches.decide([item])
    assert item.became is Became.DECIDED


@pytest.mark.stack
@pytest.mark.parametrize(
    ("source", "became"),
    [
        ("/rinnan/crier/north", Became.DECIDED),
        ("/rinnan/crier/south", Became.SET_ASIDE),
        ("/rinnan/crier", Became.SET_ASIDE),
    ],
)
async def test_where_the_event_tells_which_process_says_it_no_other_is_believed(
    stage: Stage[Kept], source: str, became: Became
) -> None:
    stage.batches.handlers.hears(News, hear, process=lambda _: "north")
    headers, body = await stage.on_the_wire(news(uuid4(), 1))
    named = [(name, source.encode() if name == "ce_source" else value) for name, value in headers]
    item = item_of(stage.batches.handlers, Heard(News.topic, named, b"k", body), "cause")
    assert item is not None
    await stage.batches.decide([item])
    assert item.became is became


@pytest.mark.stack
async def test_a_pasted_part_whose_header_was_mended_is_set_aside_when_it_is_passed_on(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    first = await stage.item(news(subject, 1, "pass on", party=party, secret=secret(party, "one")))
    second = await stage.item(news(subject, 2, "pass on", party=party, secret=secret(party, "two")))
    assert isinstance(first.fact, News)
    assert isinstance(second.fact, News)
    assert first.fact.secret
    assert second.fact.secret
    head = second.fact.secret.token.split(".")[0]
    second.fact.secret.token = ".".join([head, *first.fact.secret.token.split(".")[1:]])
    others = [await stage.item(news(uuid4(), 3)), await stage.item(news(uuid4(), 4))]
    await stage.batches.decide([others[0], second, others[1]])
    assert [item.became for item in (others[0], second, others[1])] == [
        Became.DECIDED,
        Became.SET_ASIDE,
        Became.DECIDED,
    ]


async def keeping(stage: Stage[Kept], subject: UUID, party: UUID | None, text: str) -> str:
    """Let the toy keep a secret that a person told, and give its state as it rests."""
    await stage.desk.decide(
        Ask(party or uuid4(), 1, "note", Sealed.of(Secret(text=text), party=party)), subject=subject
    )
    return await stage.batches.database.fetchval("select state::text from subject where id = $1", subject)


async def paste(stage: Stage[Kept], subject: UUID, state: str) -> None:
    """Put another state in its place, and every part that rests beside it, whosoever it is."""
    await stage.batches.database.execute("update subject set state = $2::jsonb where id = $1", subject, state)
    await stage.batches.database.execute(
        "insert into part select $1, id, party, token from part on conflict (subject, id) do nothing", subject
    )


@pytest.mark.stack
@pytest.mark.parametrize("what", ["another party", "another subject", "another subject, renamed", "another table"])
async def test_a_part_that_was_pasted_at_rest_is_said_of_nobody_else(stage: Stage[Kept], what: str) -> None:
    subject, party, of, whose = uuid4(), uuid4(), uuid4(), uuid4()
    await keeping(stage, subject, party, "mine")
    if what == "another party":
        await keeping(stage, subject, whose, "HERS")
    elif what == "another table":
        await paste(stage, subject, (await keeping(stage, subject, party, "mine")).replace("toy.subject", "my.subject"))
        row = "update part set token = $2 where subject = $1"
        token = seal(
            b'{"text": "HERS"}',
            Binding("my.subject", "Secret", subject, party, Group.OWN),
            await key(stage, subject, party),
        )
        await stage.batches.database.execute(row, subject, token)
    else:
        foreign = await keeping(stage, of, party, "HERS")
        await paste(stage, subject, foreign.replace(str(of), str(subject)) if "renamed" in what else foreign)
    [item] = await stage.hears(news(subject, 2, "pass on", party=party))
    assert item.became is Became.SET_ASIDE
    assert [letter["reason"] for letter in await stage.operations.dead_letters()] == ["SealBroken"]
    kept = await stage.state(subject)
    assert kept is not None
    assert kept.secret is not None
    with pytest.raises(SealBroken):
        await stage.open(kept.secret, Secret, subject=subject, party=party)


async def key(stage: Stage[Kept], subject: UUID, party: UUID) -> Key:
    name = KeyName(subject, party, Group.OWN)
    found = (await stage.batches.keyring.keys([name], mint=True))[name]
    assert isinstance(found, Key)
    return found


@pytest.mark.stack
async def test_a_part_at_rest_opens_in_its_own_field_alone(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    told = Sealed.of(Secret(text="hush"), party=party, mark="first page")
    await stage.desk.decide(Ask(party, 1, "note", told), subject=subject)
    kept = await stage.state(subject)
    assert kept is not None
    assert kept.secret is not None
    for mark in (None, "second page"):
        with pytest.raises(SealBroken):
            await stage.desk.open(kept.secret, Secret, subject=subject, party=party, mark=mark)
    opened = await stage.desk.open(kept.secret, Secret, subject=subject, party=party, mark="first page")
    assert opened.text == "hush"


@pytest.mark.stack
@pytest.mark.parametrize(("guests", "became"), [(True, Became.DECIDED), (False, Became.SET_ASIDE)])
async def test_what_came_under_a_subject_of_its_own_is_said_where_the_room_takes_guests(
    stage: Stage[Kept], guests: bool, became: Became
) -> None:
    subject, party, own = uuid4(), uuid4(), uuid4()
    rests = await keeping(stage, own, None, "hush")
    await keeping(stage, subject, party, "mine")
    await paste(stage, subject, rests)
    stage.batches.handlers.guests = guests
    [item] = await stage.hears(news(subject, 2, "pass on", party=party))
    assert item.became is became


@pytest.mark.stack
async def test_a_room_that_takes_guests_says_nothing_of_one_partys_for_another(stage: Stage[Kept]) -> None:
    subject, party, whose = uuid4(), uuid4(), uuid4()
    stage.batches.handlers.guests = True
    await keeping(stage, subject, whose, "HERS")
    [item] = await stage.hears(news(subject, 2, "pass on", party=party))
    assert item.became is Became.SET_ASIDE


@pytest.mark.stack
async def test_what_is_passed_on_is_sealed_anew_for_its_own_place(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    item = await stage.item(news(subject, 1, "pass on", party=party, secret=secret(party, "hush")))
    await stage.batches.decide([item])
    [answer] = await stage.said_of(Answered)
    assert answer.secret is not None
    assert (await stage.open(answer.secret, Secret, subject=subject, party=party)).text == "hush"
    assert isinstance(item.fact, News)
    assert item.fact.secret is not None
    assert answer.secret.token != item.fact.secret.token


@pytest.mark.stack
async def test_a_secret_rests_sealed_in_state_and_outbox(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    await stage.desk.decide(Ask(party, 1, "pass on", secret(party, "CANARY")), subject=subject)
    rows = await stage.batches.database.fetch(
        "select state::text as told from subject union select token from part union select body::text from outbox"
    )
    assert not any("CANARY" in row["told"] for row in rows)
    kept = await stage.state(subject)
    assert kept is not None
    assert kept.secret is not None
    assert (await stage.open(kept.secret, Secret, subject=subject, party=party)).text == "CANARY"


@pytest.mark.stack
async def test_a_late_event_after_its_key_was_destroyed_has_nothing_to_do(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    late = await stage.item(news(subject, 1, "pass on", party=party, secret=secret(party)))
    other = await stage.item(news(subject, 2, "pass on", party=(still := uuid4()), secret=secret(still)))
    await stage.batches.keyring.destroy(subject, [party])
    await stage.batches.decide([late, other])
    assert (late.became, other.became) == (Became.NOTHING, Became.DECIDED)
    assert await stage.operations.dead_letters() == []
    assert [answer.number for answer in await stage.said_of(Answered)] == [2]
