"""The desk: a command is decided in a batch of one, answered once under its key, and leaves nothing when refused."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from pydantic_core import PydanticSerializationError
from services.chassis.tests.toy import Ask, Kept, Take, TheToySaysNo, name_of, news, secret

from rinnan_chassis.batch import KeyReused, Unstorable
from rinnan_chassis.folding import Closed
from rinnan_chassis.testing import Stage
from rinnan_chassis.writing import TooLarge

pytestmark = pytest.mark.stack

TABLES = ("subject", "claim", "inbox", "parked", "dead_letter", "outbox", "work", "command")


async def rows_of(stage: Stage[Kept]) -> dict[str, int]:
    counts = {table: await stage.batches.database.fetchval(f"select count(*) from {table}") for table in TABLES}  # noqa: S608
    return {table: count for table, count in counts.items() if count}


async def heard_of(stage: Stage[Kept], subject: UUID) -> tuple[int, ...]:
    kept = await stage.state(subject)
    return kept.heard if kept else ()


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ("no", TheToySaysNo),
        ("huge", TooLarge),
        ("large part", TooLarge),
        ("nul", Unstorable),
        ("unwritable", PydanticSerializationError),
    ],
)
async def test_a_refused_command_leaves_nothing(stage: Stage[Kept], what: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        await stage.desk.decide(Ask(uuid4(), what=what), subject=uuid4(), caller="a", key="k")
    assert await rows_of(stage) == {}


async def test_what_is_too_large_for_its_topic_is_answered_with_413(stage: Stage[Kept]) -> None:
    with pytest.raises(TooLarge) as refused:
        await stage.desk.decide(Ask(uuid4(), what="huge"), subject=uuid4())
    assert refused.value.status == 413


async def test_a_refused_command_leaves_what_was_there_as_it_was(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject))
    with pytest.raises(TheToySaysNo):
        await stage.desk.decide(Ask(uuid4(), 2, "no"), subject=subject)
    assert await heard_of(stage, subject) == (1,)


async def test_a_command_repeated_under_its_key_is_answered_as_before(stage: Stage[Kept]) -> None:
    subject, ask = uuid4(), Ask(uuid4(), 1)
    first = await stage.desk.decide(ask, subject=subject, caller="phone", key="one")
    await stage.hears(news(subject, 2))
    assert await stage.desk.decide(ask, subject=subject, caller="phone", key="one") == first == {"heard": [1]}
    assert await heard_of(stage, subject) == (1, 2)


async def test_another_key_or_another_caller_is_another_command(stage: Stage[Kept]) -> None:
    subject = uuid4()
    for caller, key in (("phone", "one"), ("phone", "two"), ("tablet", "one")):
        await stage.desk.decide(Ask(uuid4(), 1), subject=subject, caller=caller, key=key)
    assert await heard_of(stage, subject) == (1, 1, 1)


async def test_the_same_key_with_another_body_is_refused(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.desk.decide(Ask(uuid4(), 1), subject=subject, caller="phone", key="one", fingerprint="this")
    with pytest.raises(KeyReused):
        await stage.desk.decide(Ask(uuid4(), 2), subject=subject, caller="phone", key="one", fingerprint="that")
    with pytest.raises(KeyReused):
        await stage.desk.decide(Ask(uuid4(), 1), subject=uuid4(), caller="phone", key="one", fingerprint="this")


async def test_two_devices_at_once_under_one_key_do_it_once(stage: Stage[Kept]) -> None:
    subject, ask = uuid4(), Ask(uuid4(), 1)
    answers = await asyncio.gather(
        *(stage.desk.decide(ask, subject=subject, caller="both", key="one") for _ in range(5))
    )
    assert answers == [{"heard": [1]}] * 5
    assert await heard_of(stage, subject) == (1,)


async def test_two_devices_at_once_on_new_subjects_under_one_key_do_it_once(stage: Stage[Kept]) -> None:
    asked = [Ask(uuid4(), 1) for _ in range(4)]
    subjects = [uuid4() for _ in asked]
    await asyncio.gather(
        *(
            stage.desk.decide(each, subject=subject, caller="both", key="one", fingerprint="same")
            for each, subject in zip(asked, subjects, strict=True)
        ),
        return_exceptions=True,
    )
    assert await stage.batches.database.fetchval("select count(*) from subject") == 1


async def test_a_name_is_taken_by_one_of_two_who_want_it_at_once(stage: Stage[Kept]) -> None:
    results = await asyncio.gather(
        *(stage.desk.decide(Take("moon"), subject=uuid4(), claims=(name_of("moon"),)) for _ in range(2)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["TheToySaysNo", "dict"]
    assert await stage.batches.database.fetchval("select count(*) from claim") == 1


async def test_what_is_noted_on_a_claim_by_many_at_once_is_all_noted(stage: Stage[Kept]) -> None:
    subject, claims = uuid4(), (name_of("moon"),)
    await stage.desk.decide(Take("moon"), subject=subject, claims=claims)
    await asyncio.gather(*(stage.desk.decide(Take("moon"), subject=subject, claims=claims) for _ in range(10)))
    assert await stage.batches.database.fetchval("select note->'times' from claim") == "11"


async def test_starts_that_cross_meet_in_one_subject(stage: Stage[Kept]) -> None:
    name = name_of("sun")
    answers = await asyncio.gather(
        *(
            stage.desk.decide(Take("sun"), claims=(name,), resolve=lambda claimed: claimed[name].subject or uuid4())
            for _ in range(4)
        )
    )
    assert len({answer["holder"] for answer in answers}) == 1
    assert await rows_of(stage) == {"subject": 1, "claim": 1}


async def test_what_a_claim_led_to_is_left_as_it_was_where_it_is_decided_beside_it(stage: Stage[Kept]) -> None:
    subject, name = uuid4(), name_of("sun")
    await stage.desk.decide(Ask(uuid4()), subject=subject)
    before = await stage.state(subject)
    ask = Take("sun", beside=True)
    answer = await stage.desk.decide(ask, claims=(name,), resolve=lambda _: subject, beside=uuid4())
    assert await stage.state(UUID(answer["holder"])) == Kept()
    assert (await stage.state(subject), before) != (Kept(), None)
    assert await stage.state(subject) == before
    assert (await rows_of(stage))["subject"] == 2


async def test_a_name_is_free_again_when_its_subject_is_forgotten(stage: Stage[Kept]) -> None:
    first, second = uuid4(), uuid4()
    await stage.desk.decide(Take("star"), subject=first, claims=(name_of("star"),))
    await stage.desk.decide(Ask(uuid4(), what="forget"), subject=first)
    await stage.desk.decide(Take("star"), subject=second, claims=(name_of("star"),))
    assert await stage.batches.database.fetchval("select subject from claim") == second


async def test_a_command_on_a_forgotten_subject_is_closed(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await stage.hears(news(subject), news(subject, what="forget"))
    with pytest.raises(Closed):
        await stage.desk.decide(Ask(uuid4()), subject=subject)


async def test_a_command_whose_key_was_destroyed_is_closed(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    await stage.batches.keyring.destroy(subject, [party])
    with pytest.raises(Closed):
        await stage.desk.decide(Ask(party, secret=secret(party)), subject=subject)
    assert await rows_of(stage) == {}


async def test_a_command_is_judged_by_the_time_of_the_clock(stage: Stage[Kept]) -> None:
    stage.clock.pass_by(days=2)
    answer = await stage.desk.decide(Ask(uuid4(), what="judge"), subject=uuid4())
    assert answer == {"now": stage.clock.now().isoformat()}


async def test_only_a_keyed_digest_of_a_repeatable_body_is_kept(stage: Stage[Kept]) -> None:
    await stage.desk.decide(Ask(uuid4()), subject=uuid4(), caller="phone", key="one", fingerprint="CANARY")
    kept = await stage.batches.database.fetchrow("select caller, name, key, fingerprint, answer::text from command")
    assert "CANARY" not in str(tuple(kept))
