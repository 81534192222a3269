"""Invitation as a whole room: events and HTTP in, letters and events out, on a real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import rinnan_invitation
from rinnan_chassis.deciding import Unavailable
from rinnan_chassis.web import Problems, untold
from rinnan_events.intake import RegistrationEnded
from rinnan_events.invitation import (
    Channel,
    CodePresented,
    Intention,
    InvitationClosed,
    InvitationIssued,
    InvitationSent,
    ParentReminded,
)
from rinnan_invitation.app import PROBLEMS
from rinnan_invitation.channels import PerhapsSent, Undeliverable

if TYPE_CHECKING:
    from conftest import House


def test_every_refusal_has_words_in_every_language() -> None:
    assert untold(rinnan_invitation, Problems.load(PROBLEMS)) == []


@pytest.mark.stack
async def test_the_asked_parent_gets_one_letter_with_the_code(house: House) -> None:
    await house.begins()
    (letter,) = house.mail.taken
    assert letter.to == "other@example.org"
    assert len(house.code()) == 11
    assert "https://portal.example.org" in letter.body


@pytest.mark.stack
async def test_a_letter_names_neither_a_person_nor_the_matter(house: House) -> None:
    await house.begins()
    (letter,) = house.mail.taken
    assert not [
        word
        for word in ("Esimerkki", "laps", "ero", "vanhem", "väkival")
        if word in letter.subject + letter.body.lower()
    ]


@pytest.mark.stack
async def test_a_parent_without_a_mailbox_gets_a_text_message(house: House) -> None:
    await house.begins(email=None, phone="+358401234567")
    assert (len(house.mail.taken), [text.to for text in house.texts.taken]) == (0, ["+358401234567"])


@pytest.mark.stack
async def test_where_the_mailbox_does_not_exist_the_text_message_goes(house: House) -> None:
    house.mail.troubles = [Undeliverable()]
    await house.begins(phone="+358401234567")
    assert [said.channel for said in await house.stage.said_of(InvitationSent)] == [Channel.SMS]


@pytest.mark.stack
async def test_a_letter_that_perhaps_left_is_sent_again_under_the_same_id(house: House) -> None:
    house.mail.troubles = [PerhapsSent(), Unavailable("mail_server_away")]
    await house.begins()
    for _ in range(2):
        house.stage.clock.pass_by(hours=1)
        await house.stage.works()
    (issued,) = await house.stage.said_of(InvitationIssued)
    assert [letter.message_id for letter in house.mail.taken] == [str(issued.invitation_id)]


@pytest.mark.stack
async def test_a_code_typed_in_small_letters_with_spaces_is_presented_for_the_asked_party(house: House) -> None:
    await house.begins()
    answer = await house.presents(house.code().lower().replace("-", " "), intention="decline")
    await house.stage.works()
    (said,) = await house.stage.said_of(CodePresented)
    assert answer.status_code == 202
    assert (said.party_id, said.intention) == (house.other, Intention.DECLINE)


@pytest.mark.stack
async def test_nothing_is_looked_up_before_the_try_is_stored_and_answered(house: House) -> None:
    await house.begins()
    await house.presents(house.code())
    assert await house.stage.said_of(CodePresented) == []
    assert len(await house.rests("key from work where kind = 'look_up_code'")) == 1


@pytest.mark.stack
@pytest.mark.parametrize("typed", ["ACDEF-GHJKM", "", "x" * 10_000, "🙂", "\u202e\u0000", "1; drop table subject"])
async def test_whatever_is_typed_is_answered_as_a_live_code_is(house: House, typed: str) -> None:
    await house.begins()
    right = await house.presents(house.code(), ticket="one")
    wrong = await house.presents(typed, ticket="other")
    assert (right.status_code, right.content, right.headers) == (wrong.status_code, wrong.content, wrong.headers)


@pytest.mark.stack
async def test_halves_of_characters_are_answered_as_a_live_code_is(house: House) -> None:
    halves = b'{"ticket": "\\ud800", "code": "\\udfff", "intention": "join"}'
    answer = await house.http.post("/joinings", content=halves, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (202, {"accepted": True})


@pytest.mark.stack
async def test_one_ticket_buys_one_try(house: House) -> None:
    await house.begins()
    await house.presents("ACDEF-GHJKM", ticket="the same")
    await house.stage.works()
    answer = await house.presents(house.code(), ticket="the same")
    await house.stage.works()
    assert answer.status_code == 202
    assert await house.stage.said_of(CodePresented) == []


@pytest.mark.stack
async def test_the_code_is_nowhere_in_the_clear_and_neither_is_the_ticket(house: House) -> None:
    await house.begins()
    await house.presents(house.code(), ticket="a-ticket-that-is-seen-nowhere")
    await house.stage.works()
    for column in (
        "payload::text from work",
        "state::text from subject where state is not null",
        "note::text from claim",
        "convert_from(body, 'UTF8') from outbox",
        "headers::text from outbox",
    ):
        for text in await house.rests(column):
            assert house.code() not in text
            assert house.code().replace("-", "") not in text
            assert "seen-nowhere" not in text
            assert "example.org" not in text


@pytest.mark.stack
async def test_a_try_leaves_no_subject_behind(house: House) -> None:
    await house.begins()
    await house.presents("ACDEF-GHJKM")
    await house.stage.works()
    assert await house.rests("id from subject") == [house.registration]


@pytest.mark.stack
async def test_whoever_has_not_acted_gets_each_reminder_once(house: House) -> None:
    await house.begins()
    for moment in house.play.county.reminders_at(house.play.county.deadline(house.stage.clock.now())):
        house.stage.clock.move(moment + timedelta(hours=1))
        await house.stage.works()
        await house.stage.works()
    reminders = house.mail.taken[1:]
    assert sorted(letter.to for letter in reminders) == sorted(["one@example.org", "other@example.org"] * 2)
    assert len({letter.message_id for letter in reminders}) == 4
    assert {said.perhaps for said in await house.stage.said_of(ParentReminded)} == {False}


@pytest.mark.stack
async def test_a_reminder_that_perhaps_left_is_shown_and_never_repeated(house: House) -> None:
    await house.begins()
    first, _ = house.play.county.reminders_at(house.play.county.deadline(house.stage.clock.now()))
    house.stage.clock.move(first + timedelta(hours=1))
    house.mail.troubles = [PerhapsSent(), RuntimeError("broken in the middle")]
    await house.stage.works()
    house.stage.clock.pass_by(hours=2)
    await house.stage.works()
    assert len(house.mail.taken) == 1
    assert [said.perhaps for said in await house.stage.said_of(ParentReminded)] == [True, True]


@pytest.mark.stack
async def test_a_reminder_whose_sender_stopped_is_shown_and_never_repeated(house: House) -> None:
    await house.begins()
    first, _ = house.play.county.reminders_at(house.play.county.deadline(house.stage.clock.now()))
    house.stage.clock.move(first + timedelta(hours=1))
    await house.stage.batches.database.execute(
        """update work set state = 'leased', fence = 1, attempts = 1, lease_until = now() - interval '1 second'
           where key = $1""",
        f"{house.one}.0",
    )
    await house.stage.works()
    assert [letter.to for letter in house.mail.taken[1:]] == ["other@example.org"]
    assert sorted(said.perhaps for said in await house.stage.said_of(ParentReminded)) == [False, True]


@pytest.mark.stack
async def test_nothing_leaves_after_an_ending(house: House) -> None:
    house.mail.troubles = [Unavailable("mail_server_away")]
    await house.begins()
    now = house.stage.clock.now()
    await house.stage.hears(RegistrationEnded(registration_id=house.registration, ended_at=now))
    house.stage.clock.pass_by(days=15)
    await house.stage.works()
    assert house.mail.taken == []
    assert len(await house.stage.said_of(InvitationClosed)) == 1
