"""Every registration is forgotten, and none too early, whatever the parents and the deliveries do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from hypothesis import given, settings
from hypothesis import strategies as st

from rinnan_chassis.deciding import Refusal
from rinnan_chassis.web.tokens import LONGEST_LIFE
from rinnan_events.record_export import DeliveryState
from rinnan_intake.domain.attention import TakeUp, take_up
from rinnan_intake.domain.ending import LAST_ANSWERS
from rinnan_intake.domain.state import Doubt, Person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Play

PEOPLE = {"aino": Person(name="aino.hash", code="aino.code"), "bert": Person(name="bert.hash", code="bert.code")}
MOVES = (DeliveryState.PLANNED, DeliveryState.UNKNOWN, DeliveryState.CONFIRMED, DeliveryState.CANCELLED)
BEGINNINGS = (
    (),
    (("asks_alone", "aino"),),
    (("completes_own_part", "aino"), ("completes_own_part", "bert")),
    (("completes_own_part", "aino"), ("completes_own_part", "bert"), ("leaves", "aino"), ("leaves", "bert")),
    (("completes_own_part", "aino"), ("completes_own_part", "bert"), ("leaves", "aino"), ("starts", "aino")),
    (
        *(("completes_own_part", "aino"), ("completes_own_part", "bert")),
        *(("withdraws_consent", "aino"), ("withdraws_consent", "bert")),
    ),
)
OWN_ACTS = ("starts", "leaves", "asks_alone", "completes_own_part", "withdraws_consent")
ACTS = st.one_of(
    st.tuples(st.sampled_from(OWN_ACTS), st.sampled_from([*PEOPLE])),
    st.tuples(st.just("moves"), st.tuples(st.sampled_from(MOVES), st.sampled_from(["aino", "bert", "both"]))),
    st.tuples(st.just("waits"), st.sampled_from([0.05, 1, 6, 15, 40])),
)
BEGINNING, SEQUENCE = st.sampled_from(BEGINNINGS), st.lists(ACTS, max_size=8)

Acts = Sequence[tuple[str, object]]


def here(play: Play, who: str) -> list[tuple[UUID, UUID]]:
    return [
        (registration, party_id)
        for registration, state in play.states.items()
        for party_id, party in state.parties.items()
        if party.is_here and party.person and party.person.matches(PEOPLE[who]) == "yes"
    ]


def acts(play: Play, act: str, how: object) -> None:
    match act, how:
        case "waits", float() | int():
            play.waits(timedelta(days=how))
        case "moves", (DeliveryState() as state, str(who)):
            for registration, party in [*here(play, who if who in PEOPLE else "aino")]:
                owner = party if who in PEOPLE else None
                play.delivery_moves(registration, uuid5(registration, f"{owner}"), state, owner)
        case "starts", str(who):
            play.starts(PEOPLE[who], PEOPLE["bert" if who == "aino" else "aino"])
        case _, str(who):
            for registration, party in here(play, who):
                getattr(play, act)(registration, party)


def after_each_act(play: Play, beginning: Acts, sequence: Acts) -> Iterator[None]:
    play.both_are_here(*PEOPLE.values())
    for act, how in [*beginning, *sequence]:
        with suppress(Refusal):
            acts(play, act, how)
        yield


def is_looked_after(play: Play, registration: UUID) -> bool:
    """Whether something is ahead that ends it, looks whether it may be forgotten, or forgets it."""
    return any(
        subject == registration
        and (kind in {"closing", "purge"} or (kind == "destroy_keys" and bool(work.payload.get("everything"))))
        for (kind, _), (subject, work) in play.works.items()
    )


@settings(max_examples=250, deadline=None)
@given(beginning=BEGINNING, sequence=SEQUENCE)
def test_whatever_happens_every_registration_is_looked_after_and_once_settled_forgotten(
    fresh_play: Callable[[], Play], beginning: Acts, sequence: Acts
) -> None:
    play = fresh_play()
    for _ in after_each_act(play, beginning, sequence):
        assert all(is_looked_after(play, registration) for registration in play.states)
    play.waits(timedelta(days=20))
    for registration, state in list(play.states.items()):
        joint = any(state.takes_part(part) for part in state.completed)
        for owner in [None, *state.parties]:
            wanted = joint if owner is None else owner in state.present
            settled = DeliveryState.CONFIRMED if wanted else DeliveryState.CANCELLED
            play.delivery_moves(registration, uuid5(registration, f"{owner}"), settled, owner)
    play.waits(timedelta(days=90))
    assert all(state.being_forgotten is not state.waits_for_a_person for state in play.states.values())
    for registration in list(play.states):
        for doubt in Doubt:
            play.decide(take_up, TakeUp(doubt, by="staff"), registration)
    play.waits(timedelta(days=1))
    assert all(state.being_forgotten for state in play.states.values())


@settings(max_examples=250, deadline=None)
@given(beginning=BEGINNING, sequence=SEQUENCE)
def test_whatever_happens_every_token_is_over_before_anything_is_forgotten(
    fresh_play: Callable[[], Play], beginning: Acts, sequence: Acts
) -> None:
    """One from before the end of showing was fixed lives its full time; any other lives until that end at most."""
    play, shown = fresh_play(), dict[UUID, datetime]()
    for _ in after_each_act(play, beginning, sequence):
        for registration, state in play.states.items():
            over_at = state.completed_at or state.ended_at
            if over_at is not None:
                assert state.shown_until == shown.setdefault(registration, state.shown_until or over_at)
                assert state.shown_until > over_at + LONGEST_LIFE
    play.waits(timedelta(days=90))
    for (kind, _), (registration, work) in play.works.items():
        if kind == "destroy_keys" and work.payload.get("everything"):
            state = play.states[registration]
            assert state.shown_until is not None
            assert work.due_at >= state.shown_until + LAST_ANSWERS
