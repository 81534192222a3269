"""Speech: what travels is sealed for its own place, and what is kept of a record is the record."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.chassis.tests.toy import Answered, Ask, Kept, News, Secret, news, secret

from rinnan_chassis.envelope import Envelope, Headers, Unreadable, read, said_id
from rinnan_chassis.items import Became, Heard
from rinnan_chassis.reading import item_of
from rinnan_chassis.rows import read_headers, write_headers
from rinnan_chassis.testing import Stage
from rinnan_chassis.testing.clock import OPENING_DAY
from rinnan_chassis.tracing import child_of

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(names, st.binary(max_size=40)), max_size=8))
def test_headers_are_kept_to_the_byte(headers: list[tuple[str, bytes]]) -> None:
    assert read_headers(write_headers(headers)) == headers


@given(st.lists(st.tuples(names, st.binary(max_size=40)), max_size=8))
def test_kept_headers_hold_nothing_that_the_database_refuses(headers: list[tuple[str, bytes]]) -> None:
    assert "\\u0000" not in write_headers(headers)


@given(st.lists(st.tuples(st.sampled_from(["ce_id", "ce_subject", "ce_time", "ce_type", "x"]), st.binary(max_size=60))))
def test_any_headers_are_an_envelope_or_unreadable(headers: list[tuple[str, bytes]]) -> None:
    with pytest.raises(Unreadable):
        read(headers)


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
        "select state::text as told from subject union select body::text from outbox"
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
