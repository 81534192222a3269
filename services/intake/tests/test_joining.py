from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from rinnan_chassis.deciding import Claim
from rinnan_events.intake import ParentJoined, PartyLeft, ProtectionNoted
from rinnan_events.invitation import Intention
from rinnan_intake.domain.joining import TicketReads, ticket_claim
from rinnan_intake.domain.state import Doubt, Person, Status
from rinnan_intake.errors import TooManyTickets

if TYPE_CHECKING:
    from uuid import UUID

    from conftest import Play

    from rinnan_profiles import Profiles

AINO = Person(name="aino.hash", code="aino.code")
BERT = Person(name="bert.hash", code="bert.code")
CECILIA = Person(name="cecilia.hash", code="cecilia.code")


@pytest.fixture
def invited(play: Play) -> tuple[UUID, UUID]:
    registration = play.starts(AINO, BERT)
    return registration, play.party_of(registration, BERT)


def test_the_expected_parent_joins_with_ticket_and_code(play: Play, invited: tuple[UUID, UUID]) -> None:
    registration, bert = invited
    ticket = play.takes_ticket(BERT)
    play.presents_code(registration, bert, ticket)
    assert play.said_of(ParentJoined)[-1].party_id == bert
    assert play.said_of(ProtectionNoted)[-1].party_id == bert
    assert play.ticket_reads(ticket) is TicketReads.JOINED


def test_a_stranger_with_the_code_joins_nothing(play: Play, invited: tuple[UUID, UUID]) -> None:
    registration, bert = invited
    play.presents_code(registration, bert, play.takes_ticket(CECILIA))
    assert len(play.said_of(ParentJoined)) == 1


def test_the_starter_cannot_join_as_the_other(play: Play, invited: tuple[UUID, UUID]) -> None:
    registration, bert = invited
    play.presents_code(registration, bert, play.takes_ticket(AINO))
    assert len(play.said_of(ParentJoined)) == 1


def test_a_strangers_try_leaves_the_code_to_the_expected_parent(play: Play, invited: tuple[UUID, UUID]) -> None:
    registration, bert = invited
    play.presents_code(registration, bert, play.takes_ticket(CECILIA))
    play.presents_code(registration, bert, play.takes_ticket(BERT))
    assert play.said_of(ParentJoined)[-1].party_id == bert


def test_one_ticket_is_one_try(play: Play, invited: tuple[UUID, UUID]) -> None:
    registration, bert = invited
    other = play.starts(CECILIA, AINO)
    ticket = play.takes_ticket(BERT)
    play.presents_code(other, play.party_of(other, AINO), ticket)
    play.presents_code(registration, bert, ticket)
    assert bert not in {said.party_id for said in play.said_of(ParentJoined)}


def test_what_came_with_a_spent_ticket_is_noted_no_longer(play: Play, invited: tuple[UUID, UUID]) -> None:
    registration, bert = invited
    ticket = play.takes_ticket(CECILIA)
    play.presents_code(registration, bert, ticket)
    note = play.claims[ticket_claim(ticket)].note
    assert (note["identity"], note["contact"], note["name"], note["code"]) == (None, None, None, None)


@pytest.mark.parametrize("spent", [True, False])
def test_a_ticket_that_has_not_joined_reads_the_same_whatever_the_cause(
    play: Play, invited: tuple[UUID, UUID], spent: bool
) -> None:
    registration, bert = invited
    ticket = play.takes_ticket(CECILIA)
    if spent:
        play.presents_code(registration, bert, ticket)
    assert play.ticket_reads(ticket) is TicketReads.WAITING
    play.waits(timedelta(minutes=10))
    assert play.ticket_reads(ticket) is TicketReads.DID_NOT_MATCH


def test_a_ticket_whose_time_is_up_joins_nothing(play: Play, invited: tuple[UUID, UUID]) -> None:
    registration, bert = invited
    ticket = play.takes_ticket(BERT)
    play.waits(timedelta(minutes=11))
    play.presents_code(registration, bert, ticket)
    assert len(play.said_of(ParentJoined)) == 1


def test_the_expected_parent_may_decline_and_is_erased(play: Play, invited: tuple[UUID, UUID]) -> None:
    registration, bert = invited
    ticket = play.takes_ticket(BERT)
    play.presents_code(registration, bert, ticket, Intention.DECLINE)
    assert [said.party_id for said in play.said_of(PartyLeft)] == [bert]
    assert play.states[registration].parties[bert].person is None
    assert play.ticket_reads(ticket) is TicketReads.LEFT


def test_a_stranger_cannot_decline(play: Play, invited: tuple[UUID, UUID]) -> None:
    registration, bert = invited
    play.presents_code(registration, bert, play.takes_ticket(CECILIA), Intention.DECLINE)
    assert play.said_of(PartyLeft) == []


def test_the_starter_sees_nothing_of_a_decline(play: Play, invited: tuple[UUID, UUID]) -> None:
    registration, bert = invited
    play.presents_code(registration, bert, play.takes_ticket(BERT), Intention.DECLINE)
    assert play.sees(registration, play.party_of(registration, AINO)) is Status.OPEN


def test_a_namesake_with_the_code_goes_to_a_person(play: Play, invited: tuple[UUID, UUID]) -> None:
    registration, bert = invited
    play.presents_code(registration, bert, play.takes_ticket(Person(name="bert.hash", code="another.code")))
    assert [noted.doubt for noted in play.states[registration].attention] == [Doubt.PERSONS_CONTRADICT]


def test_who_comes_in_without_an_identity_code_is_not_known_by_one_that_the_other_told(
    play: Play, invited: tuple[UUID, UUID]
) -> None:
    registration, bert = invited
    without_code = Person(name=BERT.name)
    play.presents_code(registration, bert, play.takes_ticket(without_code))
    known = play.states[registration].parties[bert].person
    assert known is not None
    assert without_code.is_surely(known)
    assert BERT.is_surely(known)


def test_a_parent_who_declined_comes_back_with_a_new_party_id_in_the_same_registration(
    play: Play, invited: tuple[UUID, UUID]
) -> None:
    registration, bert = invited
    play.presents_code(registration, bert, play.takes_ticket(BERT), Intention.DECLINE)
    assert play.starts(BERT, AINO) == registration
    assert play.party_of(registration, BERT) != bert


def test_a_person_gets_so_many_tickets_a_day_and_no_more(play: Play, profiles: Profiles) -> None:
    for _ in range(profiles.county("lapha").tickets_per_day):
        play.takes_ticket(BERT)
    with pytest.raises(TooManyTickets):
        play.takes_ticket(BERT)
    play.takes_ticket(AINO)


def test_tickets_and_their_counts_are_forgotten(play: Play) -> None:
    play.takes_ticket(BERT)
    play.waits(timedelta(days=2))
    assert play.claims == {}
    assert [work.payload for work in play.planned("destroy_keys")] == [{"parties": [None]}]


def test_the_claims_of_a_ticket_hold_nothing_that_names_a_person(play: Play) -> None:
    play.takes_ticket(BERT)
    assert all(isinstance(claim, Claim) and len(claim.key) == 32 for claim in play.claims)


@pytest.mark.parametrize("written", ["", "zz", "\x00", "ä" * 500])
def test_a_code_with_anything_but_a_ticket_does_nothing(play: Play, invited: tuple[UUID, UUID], written: str) -> None:
    registration, bert = invited
    assert play.presents_code(registration, bert, written) is None
