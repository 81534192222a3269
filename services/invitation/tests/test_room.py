"""Invitation as a whole room: events and HTTP in, letters and events out, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
from joserfc.jwk import KeySet, OKPKey

import rinnan_invitation
from rinnan_chassis.deciding import Unavailable
from rinnan_chassis.testing import Stage, stage_of
from rinnan_chassis.web import Doors, PartyTokenCheck, PartyTokens, Problems, application, untold
from rinnan_events import Sealed
from rinnan_events.intake import InvitationWanted, ParentJoined, PartyLeft, RegistrationEnded, RegistrationOpened
from rinnan_events.invitation import (
    Channel,
    CodePresented,
    Intention,
    InvitationClosed,
    InvitationIssued,
    InvitationSent,
    ParentReminded,
)
from rinnan_events.opened import Contact, Identity
from rinnan_invitation.api import routes
from rinnan_invitation.app import PROBLEMS
from rinnan_invitation.channels import Outgoing, PerhapsSent, Undeliverable
from rinnan_invitation.handlers import handlers
from rinnan_invitation.work import Outside

if TYPE_CHECKING:
    from conftest import Play

ROOT = Path(__file__).parents[3]
PEPPER = b"pepper of the stage"
SAYS = (InvitationIssued, InvitationSent, ParentReminded, CodePresented, InvitationClosed)


@dataclass
class Mailbox:
    """A channel that keeps what is handed to it; `troubles` are raised first, one for each message."""

    taken: list[Outgoing] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)

    async def send(self, message: Outgoing) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.taken.append(message)

    async def aclose(self) -> None:
        pass


@dataclass
class House:
    """The room on stage and its HTTP face: `one` is here, `other` is awaited."""

    stage: Stage[Any]
    http: httpx.AsyncClient
    tokens: PartyTokens
    play: Play
    mail: Mailbox
    texts: Mailbox
    registration: UUID = field(default_factory=uuid4)
    one: UUID = field(default_factory=uuid4)
    other: UUID = field(default_factory=uuid4)

    def signed_in(self) -> dict[str, str]:
        token = self.tokens.issue(
            registration_id=self.registration,
            party_id=self.one,
            county=self.play.county.code,
            deadline=self.play.county.deadline(self.stage.clock.now()),
            pins=self.play.county.pins().model_dump(),
        )
        return {"Authorization": f"Bearer {token}"}

    async def begins(self, **contact: Any) -> None:
        county, now = self.play.county, self.stage.clock.now()
        told = Contact(**{"language": "fi", "email": "other@example.org"} | contact)
        await self.stage.hears(
            RegistrationOpened(
                registration_id=self.registration,
                county=county.code,
                party_ids=(self.one, self.other),
                opened_at=now,
                deadline=county.deadline(now),
                pins=county.pins(),
            ),
            InvitationWanted(
                registration_id=self.registration,
                party_id=self.other,
                contact=Sealed.of(told, party=self.other),
            ),
        )
        await self.joins(self.one)
        await self.stage.works()

    async def joins(self, party: UUID) -> None:
        event = ParentJoined(
            registration_id=self.registration,
            party_id=party,
            joined_at=self.stage.clock.now(),
            identity=Sealed.of(Identity(family_name="Esimerkki"), party=party),
            contact=Sealed.of(Contact(language="fi", email="one@example.org"), party=party),
        )
        await self.stage.hears(event)

    async def asks_again(self, body: Mapping[str, Any] | None = None, **headers: str) -> httpx.Response:
        path = f"/registrations/{self.registration}/invitation/resend"
        return await self.http.post(path, json=body or {}, headers=self.signed_in() | headers)

    async def presents(self, code: str, ticket: str = "a ticket", intention: str = "join") -> httpx.Response:
        return await self.http.post("/joinings", json={"ticket": ticket, "code": code, "intention": intention})

    def code(self) -> str:
        """The code in the newest letter."""
        lines = self.mail.taken[-1].body.splitlines()
        return next(line for line in lines if len(line) == 11 and line[5] == "-")

    async def rests(self, column: str) -> list[str]:
        return [row[0] for row in await self.stage.batches.database.fetch(f"select {column}")]


@pytest.fixture
async def house(postgres_admin_url: str, play: Play) -> AsyncIterator[House]:
    mail, texts = Mailbox(), Mailbox()
    outside = Outside(play.profiles, PEPPER, "https://portal.example.org", {Channel.EMAIL: mail, Channel.SMS: texts})
    async with stage_of(
        handlers,
        admin_url=postgres_admin_url,
        room="invitation",
        topics=ROOT / "contracts" / "topics.toml",
        reference=play.profiles,
        outside=outside,
        says=SAYS,
    ) as stage:
        outside.desk = stage.desk
        key = OKPKey.generate_key("Ed25519", auto_kid=True)
        doors = Doors(parties=PartyTokenCheck(KeySet([key]), stage.clock))
        app = application("invitation", "0", [routes(stage.desk, doors, PEPPER)], Problems.load(PROBLEMS))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://invitation") as http:
            yield House(stage, http, PartyTokens(key, stage.clock), play, mail, texts)


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
async def test_asking_again_reaches_the_corrected_contact_with_a_fresh_code(house: House) -> None:
    await house.begins()
    old = house.code()
    answer = await house.asks_again({"contact": {"language": "sv", "email": "corrected@example.org"}})
    await house.stage.works()
    assert (answer.status_code, house.mail.taken[-1].to, house.code() == old) == (202, "corrected@example.org", False)
    await house.presents(old)
    await house.stage.works()
    assert await house.stage.said_of(CodePresented) == []


@pytest.mark.stack
async def test_asking_again_is_answered_alike_whatever_became_of_the_other(house: House) -> None:
    await house.begins()
    corrected = {"contact": {"language": "fi", "email": "corrected@example.org"}}
    awaited = await house.asks_again(corrected)
    await house.joins(house.other)
    here = await house.asks_again(corrected)
    now = house.stage.clock.now()
    await house.stage.hears(PartyLeft(registration_id=house.registration, party_id=house.other, left_at=now))
    left = await house.asks_again(corrected)
    answers = {(each.status_code, each.content, tuple(each.headers.items())) for each in (awaited, here, left)}
    assert answers == {(202, b'{"accepted":true}', tuple(awaited.headers.items()))}


@pytest.mark.stack
async def test_asking_again_tells_nothing_of_somebody_who_left_this_very_moment(house: House) -> None:
    await house.begins()
    await house.stage.batches.keyring.destroy(house.registration, [house.other])
    answer = await house.asks_again({"contact": {"language": "fi", "email": "corrected@example.org"}})
    await house.stage.works()
    assert (answer.status_code, answer.content) == (202, b'{"accepted":true}')
    assert len(house.mail.taken) == 1


@pytest.mark.stack
async def test_asking_again_is_refused_after_three_times_in_a_day(house: House) -> None:
    await house.begins()
    answers = [(await house.asks_again()).status_code for _ in range(4)]
    assert answers == [202, 202, 202, 429]


@pytest.mark.stack
async def test_a_repeat_under_the_same_key_asks_once(house: House) -> None:
    await house.begins()
    for _ in range(3):
        await house.asks_again(**{"Idempotency-Key": "k"})
    await house.stage.works()
    assert len(house.mail.taken) == 2


@pytest.mark.stack
async def test_a_destroyed_key_means_that_nothing_is_to_be_sent(house: House) -> None:
    house.mail.troubles = [Unavailable("mail_server_away")]
    await house.begins()
    await house.stage.batches.keyring.destroy(house.registration, [house.other])
    house.stage.clock.pass_by(hours=1)
    await house.stage.works()
    assert house.mail.taken == []
    assert await house.stage.said_of(InvitationSent) == []


@pytest.mark.stack
async def test_whoever_has_not_acted_gets_each_reminder_once(house: House) -> None:
    await house.begins()
    for moment in house.play.county.reminders_at(house.play.county.deadline(house.stage.clock.now())):
        house.stage.clock.move(moment)
        await house.stage.works()
        await house.stage.works()
    reminders = house.mail.taken[1:]
    assert sorted(letter.to for letter in reminders) == sorted(["one@example.org", "other@example.org"] * 2)
    assert len({letter.message_id for letter in reminders}) == 4
    assert {said.perhaps for said in await house.stage.said_of(ParentReminded)} == {False}


@pytest.mark.stack
async def test_a_reminder_that_perhaps_left_is_shown_and_never_repeated(house: House) -> None:
    await house.begins()
    await house.joins(house.other)
    house.stage.clock.move(house.play.county.reminders_at(house.play.county.deadline(house.stage.clock.now()))[0])
    house.mail.troubles = [PerhapsSent(), RuntimeError("broken in the middle")]
    await house.stage.works()
    house.stage.clock.pass_by(hours=2)
    await house.stage.works()
    assert len(house.mail.taken) == 1
    assert [said.perhaps for said in await house.stage.said_of(ParentReminded)] == [True, True]


@pytest.mark.stack
async def test_a_reminder_whose_sender_stopped_is_shown_and_never_repeated(house: House) -> None:
    await house.begins()
    await house.joins(house.other)
    house.stage.clock.move(house.play.county.reminders_at(house.play.county.deadline(house.stage.clock.now()))[0])
    await house.stage.batches.database.execute(
        """update work set state = 'leased', fence = 1, attempts = 1, lease_until = now() - interval '1 second'
           where key = $1""",
        f"{house.one}.0",
    )
    await house.stage.works()
    assert [letter.to for letter in house.mail.taken[1:]] == ["one@example.org"]
    assert sorted(said.perhaps for said in await house.stage.said_of(ParentReminded)) == [False, True]


@pytest.mark.stack
async def test_nothing_leaves_after_an_ending(house: House) -> None:
    house.mail.troubles = [Unavailable("mail_server_away")]
    await house.begins()
    now = house.stage.clock.now()
    await house.stage.hears(RegistrationEnded(registration_id=house.registration, ended_at=now))
    house.stage.clock.pass_by(days=13)
    await house.stage.works()
    assert house.mail.taken == []
    assert len(await house.stage.said_of(InvitationClosed)) == 1
