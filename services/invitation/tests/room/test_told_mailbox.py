"""What reaches a mailbox that one parent told for the other, and how asking again is answered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rinnan_chassis.deciding import Unavailable
from rinnan_events.intake import RegistrationPurged
from rinnan_events.invitation import (
    CodePresented,
    InvitationSent,
)
from rinnan_events.opened import Contact

if TYPE_CHECKING:
    from conftest import House


@pytest.mark.stack
async def test_asking_again_reaches_the_corrected_contact_with_a_code_beside_the_earlier(house: House) -> None:
    await house.begins()
    old = house.code()
    answer = await house.asks_again({"contact": {"language": "sv", "email": "corrected@example.org"}})
    await house.stage.works()
    assert (answer.status_code, house.mail.taken[-1].to, house.code() == old) == (202, "corrected@example.org", False)
    await house.presents(old)
    await house.stage.works()
    assert [said.party_id for said in await house.stage.said_of(CodePresented)] == [house.other]


LIVES = {
    "silent": "",
    "here": "joins",
    "declined": "leaves",
    "gone": "joins leaves",
    "came back": "joins leaves returns",
}


@pytest.mark.stack
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
async def test_what_reaches_a_told_mailbox_and_how_asking_is_answered_tell_nothing_of_the_other(
    house: House, life: str
) -> None:
    await house.begins(email="the-tellers-own@example.org")
    for act in life.split():
        if act == "returns":
            house.other = uuid4()
        await (house.leaves(house.other) if act == "leaves" else house.joins(house.other))
    told = {"contact": {"language": "fi", "email": "the-tellers-own@example.org"}}
    again = await house.asks_again(told)
    await house.wants(Contact(language="fi", email="the-tellers-own@example.org"))
    await house.stage.works()
    refused = await house.asks_again(told)
    hours = house.play.county.reminders_at(house.play.county.deadline(house.stage.clock.now()))
    reminders = [hour + timedelta(hours=1) for hour in hours]
    for moment in reminders:
        house.stage.clock.move(moment)
        await house.stage.works()
    read = [letter for letter in house.mail.taken if letter.to == "the-tellers-own@example.org"]
    assert (again.status_code, again.content, refused.status_code) == (202, b'{"accepted":true}', 429)
    assert [letter.subject for letter in read] == [read[0].subject] * 3 + [read[-1].subject] * 2
    assert [letter.written_at for letter in read[3:]] == reminders


@pytest.mark.stack
async def test_a_dead_code_is_answered_as_any_that_does_not_match(house: House) -> None:
    await house.begins()
    await house.joins(house.other)
    await house.asks_again()
    await house.stage.works()
    answer = await house.presents(house.code())
    await house.stage.works()
    assert (answer.status_code, await house.stage.said_of(CodePresented)) == (202, [])
    assert len(house.mail.taken) == 2


@pytest.mark.stack
async def test_nothing_leaves_for_an_address_that_the_other_who_is_here_gave_of_themself(house: House) -> None:
    await house.begins(email="teller-knows@example.org")
    await house.joins(house.other, email="Own@Example.org", phone="040 1234567")
    await house.asks_again({"contact": {"language": "fi", "email": "own@example.ORG", "phone": "+358501111111"}})
    await house.asks_again({"contact": {"language": "fi", "phone": "+358401234567"}})
    await house.stage.works()
    assert [letter.to for letter in house.mail.taken] == ["teller-knows@example.org"]
    assert house.texts.taken == []


@pytest.mark.stack
async def test_an_earlier_address_of_the_other_is_spared_too(house: House) -> None:
    await house.begins(email="teller-knows@example.org")
    await house.joins(house.other, email="first@example.org")
    await house.joins(house.other, email="second@example.org")
    await house.asks_again({"contact": {"language": "fi", "email": "first@example.org"}})
    await house.stage.works()
    assert [letter.to for letter in house.mail.taken] == ["teller-knows@example.org"]


@pytest.mark.stack
@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "/contact", "chassis.missing_field"),
        ({"contact": {"language": "fi"}}, "/contact", "invitation.no_way_to_reach"),
    ],
)
async def test_asking_again_needs_somewhere_to_ask(house: House, body: dict[str, Any], field: str, code: str) -> None:
    await house.begins()
    answer = await house.asks_again(body)
    assert (answer.status_code, answer.json()["field"], answer.json()["code"]) == (422, field, code)


@pytest.mark.stack
async def test_no_departure_silences_a_letter_that_is_on_its_way(house: House) -> None:
    house.mail.troubles = [Unavailable("mail_server_away")]
    await house.begins()
    await house.leaves(house.other)
    await house.leaves(house.one)
    house.stage.clock.pass_by(hours=1)
    await house.stage.works()
    assert [letter.to for letter in house.mail.taken] == ["other@example.org"]


@pytest.mark.stack
async def test_after_the_deadline_asking_is_answered_alike_while_it_is_kept_and_when_it_is_forgotten(
    house: House,
) -> None:
    await house.begins()
    house.stage.clock.pass_by(days=20)
    kept = await house.asks_again()
    now = house.stage.clock.now()
    await house.stage.hears(RegistrationPurged(registration_id=house.registration, purged_at=now))
    forgotten = await house.asks_again()
    assert (kept.status_code, kept.content) == (forgotten.status_code, forgotten.content)
    assert kept.json()["code"] == "invitation.not_open"


@pytest.mark.stack
async def test_asking_is_refused_after_three_letters_in_a_day(house: House) -> None:
    await house.begins()
    answers = [(await house.asks_again()).status_code for _ in range(3)]
    assert answers == [202, 202, 429]


@pytest.mark.stack
async def test_a_repeat_under_the_same_key_asks_once(house: House) -> None:
    await house.begins()
    for _ in range(3):
        await house.asks_again(**{"Idempotency-Key": "k"})
    await house.stage.works()
    assert len(house.mail.taken) == 2


@pytest.mark.stack
async def test_a_purged_registration_sends_nothing(house: House) -> None:
    house.mail.troubles = [Unavailable("mail_server_away")]
    await house.begins()
    await house.stage.batches.keyring.destroy(house.registration, [None])
    house.stage.clock.pass_by(hours=1)
    await house.stage.works()
    assert house.mail.taken == []
    assert await house.stage.said_of(InvitationSent) == []
