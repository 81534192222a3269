"""Sealed parts of a state rest in rows of their own."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from services.chassis.tests.toy import Answered, Ask, Kept, Secret, news, secret

from rinnan_chassis.sealing import SealBroken
from rinnan_chassis.testing import Stage

pytestmark = pytest.mark.stack


async def rows(stage: Stage[Kept], subject: UUID) -> set[tuple[UUID, str]]:
    found = await stage.batches.database.fetch("select id, token from part where subject = $1", subject)
    return {(row["id"], row["token"]) for row in found}


async def keeping(stage: Stage[Kept], subject: UUID, party: UUID, text: str) -> None:
    await stage.desk.decide(Ask(party, 1, "note", secret(party, text)), subject=subject)


async def test_a_part_is_written_once_however_often_its_state_changes(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    await keeping(stage, subject, party, "hush")
    before = await rows(stage, subject)
    await stage.desk.decide(Ask(party, 2), subject=subject)
    assert len(before) == 1
    assert await rows(stage, subject) == before


async def test_a_state_names_its_parts_and_holds_no_token(stage: Stage[Kept]) -> None:
    subject = uuid4()
    await keeping(stage, subject, uuid4(), "hush")
    [(_, token)] = await rows(stage, subject)
    state = await stage.batches.database.fetchval("select state::text from subject where id = $1", subject)
    assert token not in state


async def test_a_part_that_is_replaced_is_gone(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    await keeping(stage, subject, party, "old")
    before = await rows(stage, subject)
    await keeping(stage, subject, party, "new")
    after = await rows(stage, subject)
    assert len(after) == 1
    assert not after & before


async def test_the_parts_of_a_forgotten_subject_are_gone(stage: Stage[Kept]) -> None:
    subject, other = uuid4(), uuid4()
    await keeping(stage, subject, uuid4(), "hush")
    await keeping(stage, other, uuid4(), "stays")
    await stage.desk.decide(Ask(uuid4(), 2, "forget"), subject=subject)
    assert await rows(stage, subject) == set()
    assert len(await rows(stage, other)) == 1


async def test_a_part_at_rest_is_said_in_an_event_long_after_it_was_told(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    await keeping(stage, subject, party, "hush")
    await stage.hears(news(subject, 2, "pass on", party=party))
    said = (await stage.said_of(Answered))[-1]
    assert said.secret is not None
    assert (await stage.open(said.secret, Secret, subject=subject, party=party)).text == "hush"


async def test_a_state_is_read_with_the_parts_of_one_party_and_of_no_other(stage: Stage[Kept]) -> None:
    subject, party, other = uuid4(), uuid4(), uuid4()
    await keeping(stage, subject, party, "hush")
    own = await stage.desk.state(subject, of=party)
    others = await stage.desk.state(subject, of=other)
    assert own is not None
    assert own.secret is not None
    assert others is not None
    assert others.secret is not None
    assert (await stage.desk.open(own.secret, Secret, subject=subject, party=party)).text == "hush"
    with pytest.raises(SealBroken):
        await stage.desk.open(others.secret, Secret, subject=subject, party=party)


async def test_a_part_whose_row_was_taken_away_is_said_of_nobody_and_its_subject_is_held(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    await keeping(stage, subject, party, "hush")
    await stage.batches.database.execute("delete from part where subject = $1", subject)
    [item] = await stage.hears(news(subject, 2, "pass on", party=party))
    assert item.fault == "SealBroken"


async def test_a_state_that_was_written_with_its_tokens_inside_is_read_and_written_apart(stage: Stage[Kept]) -> None:
    subject, party = uuid4(), uuid4()
    await keeping(stage, subject, party, "hush")
    [(_, token)] = await rows(stage, subject)
    await stage.batches.database.execute("delete from part where subject = $1", subject)
    await stage.batches.database.execute(
        """update subject set state = jsonb_set(state, '{secret}', jsonb_build_object(
             'jwe', $2::text, 'place', 'toy.subject', 'mark', 'Secret', 'sub', $1::text, 'pty', $3::text, 'grp', 'own'))
           where id = $1::uuid""",
        str(subject),
        token,
        str(party),
    )
    await stage.desk.decide(Ask(party, 2), subject=subject)
    assert {kept for _, kept in await rows(stage, subject)} == {token}
    state = await stage.state(subject)
    assert state is not None
    assert state.secret is not None
    assert (await stage.open(state.secret, Secret, subject=subject, party=party)).text == "hush"
