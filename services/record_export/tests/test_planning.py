"""When a record is planned, of what, and for whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from random import Random
from typing import TYPE_CHECKING

import pytest

from rinnan_events import Event, Sealed
from rinnan_events.intake import ProtectionNoted, RegistrationPurged
from rinnan_events.record_export import DeliveryMoved, DeliveryRequested, DeliveryState, PackageRenderRequested
from rinnan_record_export.domain import outcomes, planning
from rinnan_record_export.domain.parts import KEPT

if TYPE_CHECKING:
    from conftest import Play


def given_in_again(play: Play, version: int) -> list[Event]:
    return play.parts(play.one, version)[2:]


def test_what_is_whole_at_completion_is_asked_of_the_countys_system_at_once(requested: Play) -> None:
    assert requested.path() == ["planned", "requested"]
    assert requested.count(DeliveryRequested) == 1


def test_a_request_is_good_until_paper_takes_over(requested: Play) -> None:
    (asked,) = [each for each in requested.said if isinstance(each, DeliveryRequested)]
    assert asked.write_by == requested.delivery().paper_at
    assert asked.attempt == 1


def test_a_county_without_an_interface_has_its_package_asked_for_at_once(play: Play) -> None:
    play.county = "lapha"
    play.hears(*play.everything())
    play.runs_what_is_due()
    (asked,) = [each for each in play.said if isinstance(each, PackageRenderRequested)]
    assert (asked.destination, asked.look_first) == ("lapha-paper", False)


@pytest.mark.parametrize("seed", range(30))
def test_every_order_between_topics_gives_the_same_end(play: Play, seed: int) -> None:
    play.hears(*play.in_some_order(play.everything(), Random(seed)))  # noqa: S311 - an order, not a secret
    play.runs_what_is_due()
    assert play.path() == ["planned", "requested"]
    assert play.state is not None
    assert play.state.corrections == ()


@pytest.mark.parametrize("seed", range(30))
def test_later_versions_give_the_same_end_in_every_order_between_topics(play: Play, seed: int) -> None:
    later = [event for version in range(2, KEPT) for event in given_in_again(play, version)]
    play.hears(*play.in_some_order([*play.everything(), *later], Random(seed)))  # noqa: S311 - an order, not a secret
    play.runs_what_is_due()
    assert play.path() == ["planned", "requested"]
    assert play.state is not None
    assert sorted(one.what for one in play.state.corrections) == ["consent", "form", "screening"]
    party = play.state.party(play.one)
    assert 1 in party.forms.keys() & party.consents.keys() & party.care.keys()


def test_of_what_a_parent_gives_in_again_and_again_a_few_versions_are_kept(play: Play) -> None:
    play.hears(play.opened(), *play.parts(play.one))
    for version in range(2, 100):
        play.hears(*given_in_again(play, version))
    assert play.state is not None
    party = play.state.party(play.one)
    for kept in (party.forms, party.consents, party.care):
        assert sorted(kept) == list(range(100 - KEPT, 100))


def test_a_version_listed_is_kept_however_many_follow(requested: Play) -> None:
    for version in range(2, 100):
        requested.hears(*given_in_again(requested, version))
    assert requested.state is not None
    party = requested.state.party(requested.one)
    for kept in (party.forms, party.consents, party.care):
        assert sorted(kept) == [1, *range(100 - KEPT, 100)]


def test_whoever_gives_in_ever_so_often_before_the_list_is_heard_stops_nobodys_record(play: Play) -> None:
    play.hears(*play.everything()[:-1])
    for version in range(2, 100):
        play.hears(play.parts(play.one, version)[4])
    play.hears(play.completed())
    play.runs_what_is_due()
    assert play.path() == ["planned", "requested"]
    assert play.assembled == [tuple(sorted((play.one, play.other)))]
    assert play.state is not None
    assert [one.what for one in play.state.corrections] == ["consent"]


def test_one_version_that_is_heard_of_a_later_number_is_not_taken_for_the_one_listed(play: Play) -> None:
    events = play.everything()
    events[events.index(play.parts(play.one)[4])] = play.parts(play.one, version=2)[4]
    play.hears(*events)
    play.passes(minutes=11)
    assert play.deliveries() == []


def test_corrections_of_one_kind_and_parent_wait_as_one_that_has_the_newest_number(requested: Play) -> None:
    for version in range(2, 100):
        requested.hears(*given_in_again(requested, version))
    assert requested.state is not None
    assert len(requested.state.corrections) == 4
    assert requested.state.corrections[-1].number == len(requested.alarms)


def test_nothing_is_planned_before_every_listed_version_was_heard(play: Play, a_play: Callable[..., Play]) -> None:
    events = play.everything()
    for missing in range(len(events)):
        alone = a_play(registration=play.registration, one=play.one, other=play.other)
        alone.hears(*(event for place, event in enumerate(events) if place != missing))
        assert alone.deliveries() == []


def test_a_noting_of_protection_that_never_comes_is_not_waited_for_without_end(play: Play) -> None:
    events = play.everything()
    last = max(place for place, event in enumerate(events) if isinstance(event, ProtectionNoted))
    play.hears(*events[:last], *events[last + 1 :])
    play.passes(minutes=11)
    assert play.path() == ["planned", "requested"]


def test_a_listed_version_that_is_missing_raises_an_alarm_and_delivers_nothing(play: Play) -> None:
    events = play.everything()
    play.hears(*events[:6], *events[7:])
    play.passes(minutes=11)
    assert play.deliveries() == []
    assert any(kind == "alarm" for kind, _ in play.done)


def test_a_delivery_has_the_same_id_however_often_it_is_planned(play: Play, a_play: Callable[..., Play]) -> None:
    again = a_play(registration=play.registration)
    for each in (play, again):
        each.hears(*each.everything())
    assert play.delivery_id() == again.delivery_id()


def test_completing_twice_plans_once(requested: Play) -> None:
    requested.hears(requested.completed())
    assert requested.count(DeliveryMoved) == 2


def test_who_leaves_before_the_assembly_is_not_in_the_record(play: Play) -> None:
    play.hears(*play.everything(), play.left(play.one))
    play.runs_what_is_due()
    assert play.path() == ["planned", "requested"]
    assert play.state is not None
    assert play.state.corrections == ()


def test_a_record_assembled_with_a_leaver_in_it_is_assembled_again(play: Play) -> None:
    play.hears(*play.everything())
    (work,) = [work for work in play.works.values() if work.kind == "assemble"]
    record = Sealed.of(play.a_record(play.delivery()), party=None)
    del play.works[work.kind, work.key]
    play.done.add((work.kind, work.key))
    play.hears(play.left(play.one))
    play.decide(outcomes.request, outcomes.Assembled(play.delivery_id(), 1, record, (play.one, play.other)))
    assert play.path() == ["planned"]
    play.runs_what_is_due()
    assert play.path() == ["planned", "requested"]


def test_who_leaves_later_is_a_correction_for_a_person(requested: Play) -> None:
    requested.hears(requested.left(requested.one))
    assert requested.state is not None
    assert [one.what for one in requested.state.corrections] == ["departure"]
    assert requested.path() == ["planned", "requested"]


def test_when_everybody_left_before_the_assembly_nothing_is_delivered(play: Play) -> None:
    play.hears(*play.everything(), play.left(play.one), play.left(play.other))
    play.runs_what_is_due()
    assert play.path() == ["planned", "cancelled"]


@pytest.mark.parametrize("place", [2, 4, 5])
def test_a_later_version_after_the_gate_is_a_correction_for_a_person(requested: Play, place: int) -> None:
    requested.hears(requested.parts(requested.one, version=2)[place])
    assert requested.state is not None
    assert len(requested.state.corrections) == 1


def test_one_who_asks_to_be_contacted_alone_is_delivered_alone(play: Play) -> None:
    play.hears(play.opened(), *play.parts(play.one), play.asks_alone(play.one, 1))
    play.passes(minutes=2)
    assert play.path() == ["planned", "requested"]
    assert play.delivery().party_id == play.one


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_asking_alone_without_a_form_needs_no_form(play: Play, order: tuple[int, ...]) -> None:
    joined = play.parts(play.one)[:2]
    heard = [[play.opened()], joined, [play.asks_alone(play.one, None)]]
    for place in order:
        play.hears(*heard[place])
    play.passes(minutes=2)
    assert play.path() == ["planned", "requested"]


def test_both_asking_alone_are_two_deliveries(play: Play) -> None:
    play.hears(*play.everything()[:-1], play.asks_alone(play.one, 1), play.asks_alone(play.other, 1))
    play.passes(minutes=2)
    assert {delivery.party_id for _, delivery in play.deliveries()} == {play.one, play.other}


def test_paper_that_is_due_before_anything_was_assembled_raises_an_alarm(play: Play) -> None:
    play.hears(*play.everything())
    play.works = {name: work for name, work in play.works.items() if work.kind == "paper"}
    play.passes(days=30)
    assert play.delivery().state is DeliveryState.PLANNED
    assert any(kind == "alarm" for kind, _ in play.done)


def test_a_purge_forgets_everything(requested: Play) -> None:
    gone = RegistrationPurged(registration_id=requested.registration, purged_at=requested.now + timedelta(days=30))
    requested.decide(planning.purge, gone)
    assert requested.state is None
