"""Where a start leads tells nothing of the other parent: not that they started, joined, left, or came back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rinnan_events.intake import InvitationWanted
from rinnan_events.invitation import Intention
from rinnan_intake.domain.state import Person
from rinnan_intake.errors import TooManyStarts, TooManyTickets

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from conftest import Play

AINO = Person(name="aino.hash", code="aino.code")
BERT = Person(name="bert.hash", code="bert.code")
NAMED = {
    "wholly": BERT,
    "by name": Person(name="bert.hash"),
    "by code": Person(code="bert.code"),
    "wrongly": Person(name="bort.hash"),
    "with another code": Person(name="bert.hash", code="bort.code"),
}
NAMED_BY_BERT = {
    "wholly": AINO,
    "by name": Person(name="aino.hash"),
    "by code": Person(code="aino.code"),
    "with another code": Person(name="aino.hash", code="eino.code"),
}
Act = tuple[str, str, str]
AINO_ACTS: list[Act] = [*(("aino", "starts", how) for how in NAMED), ("aino", "leaves", "")]
BERT_ACTS: list[Act] = [
    *(("bert", "starts", how) for how in NAMED_BY_BERT),
    *(("bert", act, "") for act in ("joins", "declines", "leaves")),
]


def acts(play: Play, who: str, act: str, how: str) -> UUID | None:
    """Let one of the two act wherever they can; a start answers with its registration."""
    person, other = (AINO, NAMED.get(how)) if who == "aino" else (BERT, NAMED_BY_BERT.get(how))
    if act == "starts" and other is not None:
        try:
            return play.starts(person, other)
        except TooManyStarts:
            return None
    for registration, state in list(play.states.items()):
        for party_id, party in list(state.parties.items()):
            known = party.person and party.person.matches(person) == "yes"
            if act == "leaves" and known and party.is_here:
                play.leaves(registration, party_id)
            elif act in {"joins", "declines"} and known and party.is_expected:
                intention = Intention.JOIN if act == "joins" else Intention.DECLINE
                with suppress(TooManyTickets):
                    play.presents_code(registration, party_id, play.takes_ticket(person), intention)
    return None


def seen_by_aino(play: Play, sequence: list[Act]) -> list[Any]:
    """Where each of Aino's starts led, numbered as she meets them, what it asked for, and where she then is."""
    met: list[UUID] = []
    seen: list[Any] = []
    for who, act, how in sequence:
        said = len(play.said)
        answer = acts(play, who, act, how)
        if who == "bert":
            continue
        if answer is not None and answer not in met:
            met.append(answer)
        asked = [each.asked for each in play.said[said:] if isinstance(each, InvitationWanted)]
        here = [number for number, registration in enumerate(met) if is_here(play, registration)]
        seen.append((met.index(answer) if answer else None, asked, here))
    return seen


def is_here(play: Play, registration: UUID) -> bool:
    parties = play.states[registration].parties.values()
    return any(party.is_here and party.person and party.person.matches(AINO) == "yes" for party in parties)


WHOLLY, BY_NAME, LEAVES = ("aino", "starts", "wholly"), ("aino", "starts", "by name"), ("aino", "leaves", "")


@settings(max_examples=300, deadline=None)
@example(sequence=[WHOLLY, LEAVES, ("bert", "starts", "with another code"), WHOLLY])
@example(sequence=[BY_NAME, ("bert", "joins", ""), LEAVES, ("aino", "starts", "with another code")])
@given(sequence=st.lists(st.sampled_from([*AINO_ACTS, *BERT_ACTS]), max_size=10))
def test_whatever_the_other_does_ones_starts_lead_where_they_would_have_led(
    fresh_play: Callable[[], Play], sequence: list[Act]
) -> None:
    alone = [act for act in sequence if act[0] == "aino"]
    assert seen_by_aino(fresh_play(), sequence) == seen_by_aino(fresh_play(), alone)


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize(
    "others",
    ["joins", "declines", "starts", "joins leaves", "declines starts", "joins leaves starts", "starts leaves starts"],
)
def test_a_start_under_any_name_leads_to_the_same_whatever_the_other_did(
    fresh_play: Callable[[], Play], named: str, others: str
) -> None:
    first, second = ("aino", "starts", "by code"), ("aino", "starts", named)
    bert = [("bert", act, "wholly") for act in others.split()]
    assert seen_by_aino(fresh_play(), [first, *bert, second]) == seen_by_aino(fresh_play(), [first, second])
