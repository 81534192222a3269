"""How a code looks, and what is kept of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rinnan_events.invitation import CodePresented, InvitationClosed, InvitationIssued
from rinnan_invitation import codes
from rinnan_invitation.errors import NoLiveCode

if TYPE_CHECKING:
    from conftest import Play


def test_a_code_is_ten_signs_out_of_thirty_without_look_alikes() -> None:
    assert len(set(codes.ALPHABET)) == 30
    assert not set("0O1ILU") & set(codes.ALPHABET)
    assert len(codes.new_code()) == 10
    assert set(codes.new_code()) <= set(codes.ALPHABET)


@pytest.mark.parametrize("typed", ["acdef-ghjkm", " ACDEF GHJKM ", "acdef ghjkm", "ACDEFGHJKM"])
def test_a_code_is_read_however_a_person_types_it(typed: str) -> None:
    assert codes.key_of(typed, b"pepper") == codes.key_of("ACDEFGHJKM", b"pepper")


@given(typed=st.text())
def test_anything_that_is_typed_has_a_key(typed: str) -> None:
    assert len(bytes.fromhex(codes.key_of(typed, b"pepper"))) == 32


def test_the_kept_key_depends_on_the_pepper() -> None:
    assert codes.key_of("ACDEFGHJKM", b"one") != codes.key_of("ACDEFGHJKM", b"other")


def test_a_live_code_leads_to_its_registration(play: Play) -> None:
    play.begins()
    assert {claimed.subject for claimed in play.claims.values()} == {play.registration}


def test_a_presented_code_says_whose_it_is_and_nothing_of_the_code(play: Play) -> None:
    play.opens()
    play.wants(play.one)
    (code,) = play.makes_codes()
    play.presents(code)
    (said,) = play.said_of(CodePresented)
    assert said.party_id == play.other
    assert code not in said.model_dump_json()


def test_a_wrong_code_finds_nothing(play: Play) -> None:
    play.begins()
    with pytest.raises(NoLiveCode):
        play.presents("ACDEFGHJKM")


def test_a_code_expires_after_the_countys_days_and_never_past_the_deadline(play: Play) -> None:
    play.begins()
    play.days_pass(7)
    play.asks_again(play.one)
    play.makes_codes()
    first, second = play.said_of(InvitationIssued)
    assert first.expires_at == play.county.code_expires_at(play.opened_at, play.deadline) < play.deadline
    assert second.expires_at == play.deadline


def test_an_expired_code_looks_like_a_wrong_one(play: Play) -> None:
    play.opens()
    play.wants(play.one)
    (code,) = play.makes_codes()
    play.days_pass(play.county.code_days + 1)
    with pytest.raises(NoLiveCode):
        play.presents(code)


def test_a_code_is_judged_by_when_it_was_presented_not_by_when_it_is_looked_up(play: Play) -> None:
    play.opens()
    play.wants(play.one)
    (code,) = play.makes_codes()
    presented_at = play.now
    play.days_pass(play.county.code_days + 1)
    assert play.presents(code, at=presented_at) is not None


def test_a_stranger_does_not_use_a_code_up(play: Play) -> None:
    play.opens()
    play.wants(play.one)
    (code,) = play.makes_codes()
    play.presents(code)
    assert play.presents(code) is not None


def test_a_code_that_was_tried_too_often_is_dead(play: Play) -> None:
    play.opens()
    play.wants(play.one)
    (code,) = play.makes_codes()
    for _ in range(play.county.code_tries):
        play.presents(code)
    with pytest.raises(NoLiveCode):
        play.presents(code)


def test_joining_uses_the_code_up(play: Play) -> None:
    play.opens()
    play.wants(play.one)
    (code,) = play.makes_codes()
    play.joins(play.other)
    assert play.claims == {}
    assert [said.party_id for said in play.said_of(InvitationClosed)] == [play.other]
    with pytest.raises(NoLiveCode):
        play.presents(code)


def test_asking_again_elsewhere_does_not_take_the_code_from_whoever_has_it(play: Play) -> None:
    play.opens()
    play.joins(play.one)
    play.wants(play.one)
    (old,) = play.makes_codes()
    play.asks_again(play.one, "the-tellers-own@example.org")
    (new,) = play.makes_codes()
    assert play.presents(old) is not None
    assert play.presents(new) is not None


def test_joining_uses_every_code_up(play: Play) -> None:
    play.begins()
    play.asks_again(play.one)
    play.makes_codes()
    play.joins(play.other)
    assert play.claims == {}
    assert len(play.said_of(InvitationClosed)) == 2


def test_the_tries_with_one_code_do_not_count_against_another(play: Play) -> None:
    play.opens()
    play.joins(play.one)
    play.wants(play.one)
    (old,) = play.makes_codes()
    play.asks_again(play.one)
    (new,) = play.makes_codes()
    for _ in range(play.county.code_tries):
        play.presents(new)
    assert play.presents(old) is not None
