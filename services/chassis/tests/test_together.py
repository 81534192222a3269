from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from services.chassis.tests.toy import Ask, Kept, Take, TheToySaysNo, name_of

from rinnan_chassis.batch import KeyReused, Unstorable
from rinnan_chassis.deciding import Refusal
from rinnan_chassis.folding import Closed
from rinnan_chassis.testing import Stage

pytestmark = pytest.mark.stack

REFUSED = {"no": TheToySaysNo, "nul": Unstorable}


def counted(stage: Stage[Kept]) -> list[int]:
    """How many items each committed transaction decided on, as they come."""
    sizes: list[int] = []
    stage.batches.after_commit = lambda folded: sizes.append(len(folded.items))
    return sizes


async def all_at_once(stage: Stage[Kept], *asked: tuple[UUID, Ask]) -> list[Mapping[str, Any] | BaseException]:
    return await asyncio.gather(
        *(stage.desk.decide(ask, subject=subject) for subject, ask in asked), return_exceptions=True
    )


async def test_commands_that_come_at_once_share_transactions_and_each_gets_its_own_answer(stage: Stage[Kept]) -> None:
    sizes = counted(stage)
    asked = [(uuid4(), Ask(uuid4(), number)) for number in range(60)]
    answers = await all_at_once(stage, *asked)
    assert answers == [{"heard": [number]} for number in range(60)]
    assert sum(sizes) == 60
    assert len(sizes) < 10


async def test_commands_of_one_subject_are_decided_in_the_order_in_which_they_came(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    answers = await all_at_once(stage, *((subject, Ask(party, number)) for number in range(20)))
    assert answers[-1] == {"heard": list(range(20))}


@pytest.mark.parametrize("what", sorted(REFUSED))
async def test_a_command_that_is_refused_is_refused_alone(stage: Stage[Kept], what: str) -> None:
    asked = [(uuid4(), Ask(uuid4(), number, what if number == 3 else "note")) for number in range(8)]
    answers = await all_at_once(stage, *asked)
    assert isinstance(answers.pop(3), REFUSED[what])
    assert answers == [{"heard": [number]} for number in range(8) if number != 3]
    assert await stage.state(asked[3][0]) is None


async def test_a_command_for_what_is_forgotten_is_refused_alone(stage: Stage[Kept]) -> None:
    gone, other = uuid4(), uuid4()
    await stage.desk.decide(Ask(uuid4(), 1, "forget"), subject=gone)
    refused, answer = await all_at_once(stage, (gone, Ask(uuid4(), 2)), (other, Ask(uuid4(), 2)))
    assert isinstance(refused, Closed)
    assert answer == {"heard": [2]}


async def test_the_same_command_twice_at_once_is_decided_once(stage: Stage[Kept]) -> None:
    subject, ask = uuid4(), Ask(uuid4(), 1)

    async def decide() -> Mapping[str, Any]:
        return await stage.desk.decide(ask, subject=subject, caller="somebody", key="k")

    assert await asyncio.gather(*(decide() for _ in range(5))) == [{"heard": [1]}] * 5
    assert await stage.state(subject) == Kept(heard=(1,))


async def test_another_command_under_a_key_that_is_being_decided_on_is_refused_and_the_first_is_not(
    stage: Stage[Kept],
) -> None:
    subject, ask = uuid4(), Ask(uuid4(), 1)
    answer, refused = await asyncio.gather(
        *(
            stage.desk.decide(ask, subject=subject, caller="somebody", key="k", fingerprint=body)
            for body in ("one", "another")
        ),
        return_exceptions=True,
    )
    assert answer == {"heard": [1]}
    assert isinstance(refused, KeyReused)


async def test_commands_that_find_their_subject_by_one_claim_at_once_find_the_same_one(stage: Stage[Kept]) -> None:
    claim = name_of("one")
    answers = await asyncio.gather(
        *(
            stage.desk.decide(Take("one"), claims=(claim,), resolve=lambda claimed: claimed[claim].subject or uuid4())
            for _ in range(8)
        )
    )
    assert len({answer["holder"] for answer in answers}) == 1


async def test_a_caller_who_hangs_up_keeps_nobody_else_from_an_answer(stage: Stage[Kept]) -> None:
    subjects = [uuid4() for _ in range(6)]
    asking = [asyncio.create_task(stage.desk.decide(Ask(uuid4(), 1), subject=each)) for each in subjects]
    await asyncio.sleep(0)
    asking[2].cancel()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, asyncio.CancelledError)] == [{"heard": [1]}] * 5


@given(asked=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["note", "no", "nul", "nothing"])), max_size=25))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_comes_at_once_ends_as_if_each_had_come_alone(
    stage: Stage[Kept], asked: list[tuple[int, str]]
) -> None:
    subjects, party = [uuid4() for _ in range(3)], uuid4()
    answers = await all_at_once(
        stage, *((subjects[place], Ask(party, number, what)) for number, (place, what) in enumerate(asked))
    )
    for (_, what), answer in zip(asked, answers, strict=True):
        assert type(answer) is REFUSED[what] if what in REFUSED else not isinstance(answer, Refusal)
    for place, subject in enumerate(subjects):
        noted = sorted(number for number, (where, what) in enumerate(asked) if where == place and what == "note")
        kept = await stage.state(subject)
        assert sorted(kept.heard if kept else ()) == noted
