"""What is sent to a contact that one parent told for the other: the teller may read it, and learns nothing there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rinnan_events.invitation import Channel
from rinnan_events.opened import Contact
from rinnan_invitation.domain.asking import SEND_INVITATION
from rinnan_invitation.domain.contacts import is_same
from rinnan_invitation.errors import AskedEnough, AskedTooOften

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Play

LIVES = {
    "silent": "",
    "joined by code": "joins",
    "crossed the start": "joins starts",
    "declined": "leaves",
    "joined and left": "joins leaves",
    "left and came back": "leaves returns starts",
    "asked alone": "joins asks_alone",
    "is whole": "joins is_whole",
    "is whole and so is the teller": "joins is_whole completes",
}
OTHERS_ACTS = ("joins", "starts", "leaves", "returns", "is_whole", "asks_alone", "completes")
TELLERS_ACTS = ("starts", "asks again", "a night passes", "leaves")


def twins(fresh: Callable[[], Play]) -> tuple[Play, Play]:
    """The same registration twice: a reminder's moment within its hour follows from ids."""
    one, twin = fresh(), fresh()
    return one, replace(twin, registration=one.registration, one=one.one, other=one.other)


def other_acts(play: Play, act: str) -> None:
    if act == "returns":
        play.other = uuid4()
        play.joins(play.other)
    elif act == "starts":
        play.wants(play.other, "the-tellers-own@example.org")
    elif act == "completes":
        play.completes()
    else:
        getattr(play, act)(play.other)


def teller_acts(play: Play, act: str) -> str:
    """What the teller does, and how it is answered."""
    try:
        match act:
            case "starts":
                play.wants(play.one)
            case "asks again":
                play.asks_again(play.one)
            case "leaves":
                play.leaves(play.one)
            case _:
                play.now += timedelta(hours=11)
    except (AskedTooOften, AskedEnough) as refused:
        return refused.code
    except Exception as refused:  # noqa: BLE001 - whatever it is, it must be the same
        return type(refused).__name__
    finally:
        play.makes_codes()
    return act


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
@pytest.mark.parametrize("hour", [9, 22])
def test_number_moment_and_answers_are_those_of_a_silent_other(fresh: Callable[[], Play], life: str, hour: int) -> None:
    def seen(play: Play, others: list[str]) -> object:
        play.now = play.opened_at = datetime(2026, 3, 2, hour, 17, tzinfo=UTC)
        play.begins()
        for act in others:
            other_acts(play, act)
        answers = [teller_acts(play, act) for act in ("asks again", "starts", "asks again")]
        return answers, play.leaves_for_what_is_told_by(play.one)

    busy, quiet = twins(fresh)
    assert seen(busy, life.split()) == seen(quiet, [])


@given(
    acts=st.lists(
        st.one_of(
            st.tuples(st.just("other"), st.sampled_from(OTHERS_ACTS)),
            st.tuples(st.just("teller"), st.sampled_from(TELLERS_ACTS)),
        ),
        max_size=9,
    )
)
def test_no_sequence_of_the_others_acts_shows_in_what_the_teller_gets(
    fresh: Callable[[], Play], acts: list[tuple[str, str]]
) -> None:
    def seen(play: Play, acts: list[tuple[str, str]]) -> object:
        play.begins()
        answers = []
        for who, act in acts:
            if who == "teller":
                answers.append(teller_acts(play, act))
            else:
                other_acts(play, act)
                play.makes_codes()
        return answers, play.leaves_for_what_is_told_by(play.one)

    busy, quiet = twins(fresh)
    assert seen(busy, acts) == seen(quiet, [act for act in acts if act[0] == "teller"])


def test_a_letter_that_waits_for_the_morning_leaves_also_if_the_other_joins_and_goes_by_night(play: Play) -> None:
    play.now = play.opened_at = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
    play.begins()
    play.joins(play.other)
    play.leaves(play.other)
    play.now = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
    assert len(play.runs(SEND_INVITATION)) == 1


@pytest.mark.parametrize(
    ("channel", "told", "own"),
    [
        (Channel.EMAIL, "Aino.Esimerkki@Example.org", "aino.esimerkki@example.ORG"),
        (Channel.EMAIL, "STRASSE@example.org", "straße@example.org"),
        (Channel.SMS, "+358 (40) 123-4567", "0401234567"),
        (Channel.SMS, "00358 40 1234567", "+358401234567"),
    ],
)
def test_one_address_written_two_ways_is_the_same(channel: Channel, told: str, own: str) -> None:
    assert is_same(channel, told, Contact(language="fi", email=own, phone=own))


@pytest.mark.parametrize(
    ("channel", "told", "own"),
    [
        (Channel.EMAIL, "aino@example.org", "ain@example.org"),
        (Channel.SMS, "+358401234567", "+358401234568"),
        (Channel.SMS, "112", "040112"),
    ],
)
def test_two_addresses_are_not_taken_for_one(channel: Channel, told: str, own: str) -> None:
    assert not is_same(channel, told, Contact(language="fi", email=own, phone=own))


def test_nobody_gave_an_address_that_was_not_given() -> None:
    nothing = Contact(language="fi")
    assert not is_same(Channel.EMAIL, "a@example.org", nothing)
    assert not is_same(Channel.SMS, "0401234567", nothing)
