"""A package among people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rinnan_chassis.deciding import ByHand
from rinnan_events.adapter import Outcome
from rinnan_events.record_export import (
    DeliveryLookupRequested,
    DeliveryRequested,
    DeliveryState,
    PackageRecalled,
    PackageRenderRequested,
)
from rinnan_record_export.domain import packages
from rinnan_record_export.domain.packages import (
    ConfirmRecall,
    KeyIn,
    Release,
    SendBack,
    SettleConflict,
    TakeUpCorrections,
    TryAgain,
    Verify,
    Why,
)
from rinnan_record_export.errors import NotAsSeen, NotInThatState, Recalled, SamePerson, UnknownDelivery

if TYPE_CHECKING:
    from conftest import Play

DECIDERS = {
    Release: packages.release,
    KeyIn: packages.key_in,
    Verify: packages.verify,
    SendBack: packages.send_back,
    ConfirmRecall: packages.confirm_recall,
    SettleConflict: packages.settle_conflict,
    TryAgain: packages.try_again,
}


def act(play: Play, kind: type[Any], actor: str = "aino", **more: Any) -> Any:
    county = more.pop("county", play.county)
    return play.decide(DECIDERS[kind], kind(actor, county, play.delivery_id(), **more))


@pytest.fixture
def prepared(requested: Play) -> Play:
    """The system never answered; the package says `look first`."""
    requested.passes(days=7)
    requested.answers(Outcome.PACKAGE_RENDERED)
    return requested


@pytest.fixture
def on_paper_alone(a_play: Any) -> Play:
    play = a_play(county="lapha")
    play.hears(*play.everything())
    play.runs_what_is_due()
    play.answers(Outcome.PACKAGE_RENDERED)
    return play


def test_a_package_is_released_keyed_in_and_verified_by_another(on_paper_alone: Play) -> None:
    act(on_paper_alone, Release)
    act(on_paper_alone, KeyIn, "aino")
    assert act(on_paper_alone, Verify, "elli")["state"] == "verified"
    assert on_paper_alone.path() == ["planned", "requested", "prepared", "released", "keyed_in", "verified"]


@pytest.mark.parametrize("steps", [(), (Release,), (Release, KeyIn)])
def test_a_package_that_still_lies_with_people_when_the_promise_ends_raises_an_alarm(
    on_paper_alone: Play, steps: tuple[type[Any], ...]
) -> None:
    for step in steps:
        act(on_paper_alone, step)
    on_paper_alone.passes(seconds=(on_paper_alone.delivery().contact_by - on_paper_alone.now).total_seconds() - 1)
    assert on_paper_alone.alarms == {}
    on_paper_alone.passes(seconds=1)
    assert list(on_paper_alone.alarms.values()) == ["promise_passed"]


def test_a_verified_package_raises_none(on_paper_alone: Play) -> None:
    for actor, step in (("aino", Release), ("aino", KeyIn), ("elli", Verify)):
        act(on_paper_alone, step, actor)
    on_paper_alone.passes(days=30)
    assert on_paper_alone.alarms == {}


def test_whoever_keyed_it_in_does_not_verify_it(prepared: Play) -> None:
    act(prepared, Release)
    act(prepared, KeyIn, "aino")
    with pytest.raises(SamePerson):
        act(prepared, Verify, "aino")


@pytest.mark.parametrize("kind", [KeyIn, Verify])
def test_no_step_is_skipped(prepared: Play, kind: type[Any]) -> None:
    with pytest.raises(NotInThatState):
        act(prepared, kind)


def test_another_countys_delivery_does_not_exist(prepared: Play) -> None:
    with pytest.raises(UnknownDelivery):
        act(prepared, Release, county="lapha")


def test_confirmed_while_released_recalls_it_and_a_person_confirms(prepared: Play) -> None:
    act(prepared, Release)
    prepared.answers(Outcome.CONFIRMED, attempt=1, receipt="Task/7")
    assert prepared.delivery().state is DeliveryState.RELEASED
    assert prepared.count(PackageRecalled) == 1
    act(prepared, ConfirmRecall, why=Why.FOUND_THERE)
    assert (prepared.delivery().state, prepared.delivery().receipt) == (DeliveryState.CONFIRMED, "Task/7")


def test_keyed_in_in_spite_of_a_recall_is_a_conflict(prepared: Play) -> None:
    act(prepared, Release)
    prepared.answers(Outcome.CONFIRMED, attempt=1)
    act(prepared, KeyIn)
    assert prepared.delivery().state is DeliveryState.CONFLICT


def test_a_recalled_package_is_not_sent_back(prepared: Play) -> None:
    act(prepared, Release)
    prepared.answers(Outcome.CONFIRMED, attempt=1)
    with pytest.raises(Recalled):
        act(prepared, SendBack, why=Why.LOST)


@pytest.mark.parametrize("steps", [(KeyIn,), (KeyIn, Verify)])
def test_confirmed_after_it_was_keyed_in_is_a_conflict_for_a_person(
    prepared: Play, steps: tuple[type[Any], ...]
) -> None:
    act(prepared, Release)
    for actor, step in zip(("aino", "elli"), steps, strict=False):
        act(prepared, step, actor)
    prepared.answers(Outcome.ALREADY_THERE, attempt=1)
    assert prepared.delivery().state is DeliveryState.CONFLICT
    prepared.answers(Outcome.ALREADY_THERE, attempt=1)
    assert prepared.delivery().state is DeliveryState.CONFLICT
    act(prepared, SettleConflict, on_paper=False, why=Why.FOUND_THERE)
    assert prepared.delivery().state is DeliveryState.CONFIRMED


def test_every_conflict_rings_also_one_that_follows_a_settled_one(prepared: Play) -> None:
    act(prepared, Release)
    act(prepared, KeyIn)
    prepared.answers(Outcome.CONFIRMED, attempt=1)
    prepared.passes(hours=1)
    act(prepared, SettleConflict, on_paper=True, why=Why.WAS_KEYED_IN)
    prepared.answers(Outcome.ALREADY_THERE, attempt=1)
    assert list(prepared.alarms.values()).count("conflict") == 2


def test_nothing_was_recalled_so_nothing_is_confirmed(prepared: Play) -> None:
    act(prepared, Release)
    with pytest.raises(NotInThatState):
        act(prepared, ConfirmRecall, why=Why.FOUND_THERE)


def test_not_keyed_in_is_looked_for_twice_before_it_is_written(prepared: Play) -> None:
    act(prepared, Release)
    act(prepared, SendBack, why=Why.LOST)
    assert prepared.delivery().state is DeliveryState.UNKNOWN
    assert prepared.count(DeliveryLookupRequested) == 1
    prepared.answers(Outcome.ABSENT)
    prepared.passes(minutes=5)
    assert prepared.count(DeliveryRequested) == 1
    prepared.answers(Outcome.ABSENT)
    prepared.runs_what_is_due()
    assert prepared.count(DeliveryRequested) == 2
    prepared.answers(Outcome.CONFIRMED)
    assert prepared.delivery().state is DeliveryState.CONFIRMED


def test_not_keyed_in_and_found_there_is_confirmed(prepared: Play) -> None:
    act(prepared, Release)
    act(prepared, SendBack, why=Why.FOUND_THERE)
    prepared.answers(Outcome.ALREADY_THERE)
    assert prepared.delivery().state is DeliveryState.CONFIRMED
    assert prepared.count(DeliveryRequested) == 1


def test_a_county_on_paper_alone_prints_anew_and_says_look_first(on_paper_alone: Play) -> None:
    act(on_paper_alone, Release)
    act(on_paper_alone, SendBack, why=Why.LOST)
    on_paper_alone.runs_what_is_due()
    first, second = [each for each in on_paper_alone.said if isinstance(each, PackageRenderRequested)]
    assert (first.look_first, second.look_first) == (False, True)
    assert second.attempt == first.attempt + 1
    on_paper_alone.answers(Outcome.PACKAGE_RENDERED)
    assert on_paper_alone.delivery().state is DeliveryState.PREPARED


def test_what_the_second_person_does_not_find_is_keyed_in_again(prepared: Play) -> None:
    act(prepared, Release)
    act(prepared, KeyIn, "aino")
    act(prepared, SendBack, "elli", why=Why.WAS_NOT_KEYED_IN)
    act(prepared, KeyIn, "elli")
    act(prepared, Verify, "aino")
    assert prepared.delivery().state is DeliveryState.VERIFIED


def test_what_was_rejected_can_be_tried_again(requested: Play) -> None:
    requested.answers(Outcome.REJECTED)
    act(requested, TryAgain, why=Why.MENDED)
    requested.runs_what_is_due()
    assert requested.count(DeliveryRequested) == 2


def test_what_waits_can_be_tried_at_once(requested: Play) -> None:
    for _ in range(8):
        requested.answers(Outcome.UNAVAILABLE)
        requested.now = min(work.due_at for work in requested.works.values() if work.kind == "assemble")
        requested.runs_what_is_due()
    requested.answers(Outcome.UNAVAILABLE)
    act(requested, TryAgain, why=Why.MENDED)
    requested.runs_what_is_due()
    assert requested.delivery().state is DeliveryState.REQUESTED


def test_what_may_stand_is_not_tried_again(requested: Play) -> None:
    requested.answers(Outcome.UNKNOWN)
    with pytest.raises(NotInThatState):
        act(requested, TryAgain, why=Why.MENDED)


def test_who_did_what_and_why_is_told_beyond_the_row_that_forgets_who_keyed_in(prepared: Play) -> None:
    act(prepared, Release, "elli")
    act(prepared, KeyIn, "aino")
    act(prepared, SendBack, "elli", why=Why.WAS_NOT_KEYED_IN)
    row = prepared.delivery_id()
    assert prepared.by_hand == [
        ByHand("elli", "release", "as_usual", row),
        ByHand("aino", "keyed_in", "as_usual", row),
        ByHand("elli", "not_keyed_in", "was_not_keyed_in", row),
    ]


@pytest.mark.parametrize("kind", DECIDERS)
def test_every_act_of_staff_has_a_name_of_its_own(kind: type[Any]) -> None:
    assert sum(kind.verb == other.verb for other in DECIDERS) == 1


def take_up(play: Play, seen: int) -> Any:
    command = TakeUpCorrections("aino", play.county, Why.TOLD_THE_DESTINATION, seen)
    return play.decide(packages.take_up_corrections, command)


def test_a_correction_waits_until_a_person_has_told_the_destination(requested: Play) -> None:
    requested.hears(requested.left(requested.one))
    assert take_up(requested, seen=1) == {"corrections": 1}
    assert requested.state is not None
    assert [one.taken_up_by for one in requested.state.corrections] == ["aino"]
    assert requested.by_hand == [ByHand("aino", "corrections_taken_up", "told_the_destination")]


def test_nobody_takes_up_a_correction_that_they_have_not_seen(requested: Play) -> None:
    requested.hears(requested.left(requested.one), requested.withdrew(requested.other))
    with pytest.raises(NotAsSeen):
        take_up(requested, seen=1)
    assert take_up(requested, seen=2) == {"corrections": 2}


def test_corrections_are_taken_up_once(requested: Play) -> None:
    requested.hears(requested.left(requested.one))
    take_up(requested, seen=1)
    with pytest.raises(NotAsSeen):
        take_up(requested, seen=1)
