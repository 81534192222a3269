"""What the ledger makes of a system that cannot be searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from rinnan_events.adapter import Outcome
from rinnan_events.record_export import (
    DeliveryLookupRequested,
    DeliveryRequested,
    DeliveryState,
    PackageRecalled,
    PackageRenderRequested,
)
from rinnan_record_export.domain import packages
from rinnan_record_export.domain.packages import Release, SendBack, Why

if TYPE_CHECKING:
    from conftest import Play


@pytest.fixture
def unsearchable(a_play: Callable[..., Play]) -> Play:
    """A system that cannot be searched has taken a request."""
    play = a_play()
    county = play.profiles.county("vakehyva")
    first, *others = county.destinations
    blind = first.model_copy(update={"capabilities": first.capabilities.model_copy(update={"searchable": False})})
    changed = county.model_copy(update={"destinations": (blind, *others)})
    play.profiles = replace(play.profiles, counties={**play.profiles.counties, "vakehyva": changed})
    play.hears(*play.everything())
    play.runs_what_is_due()
    return play


def test_what_cannot_be_searched_is_looked_for_by_a_person_once_it_has_settled(unsearchable: Play) -> None:
    unsearchable.answers(Outcome.UNKNOWN, settles_at=unsearchable.now + timedelta(minutes=3))
    unsearchable.passes(minutes=2)
    assert unsearchable.count(PackageRenderRequested) == 0
    unsearchable.passes(minutes=1)
    (asked,) = [each for each in unsearchable.said if isinstance(each, PackageRenderRequested)]
    assert asked.look_first
    assert unsearchable.count(DeliveryLookupRequested) == 0
    assert unsearchable.count(DeliveryRequested) == 1


@pytest.fixture
def released(unsearchable: Play) -> Play:
    """A system that cannot be searched has not answered, and its package is with the people who key in."""
    unsearchable.answers(Outcome.UNKNOWN, settles_at=unsearchable.now)
    unsearchable.runs_what_is_due()
    unsearchable.answers(Outcome.PACKAGE_RENDERED)
    unsearchable.decide(packages.release, Release("aino", "vakehyva", unsearchable.delivery_id()))
    return unsearchable


def test_a_lost_package_of_a_system_that_cannot_be_searched_is_printed_anew_and_says_look_first(released: Play) -> None:
    released.decide(packages.send_back, SendBack("aino", "vakehyva", released.delivery_id(), Why.LOST))
    released.runs_what_is_due()
    asked = [each for each in released.said if isinstance(each, PackageRenderRequested)]
    assert [each.look_first for each in asked] == [True, True]
    assert (released.count(PackageRecalled), released.count(DeliveryRequested)) == (1, 1)
    released.answers(Outcome.PACKAGE_RENDERED)
    assert released.delivery().state is DeliveryState.PREPARED


def test_what_people_found_in_a_system_that_cannot_be_searched_is_a_conflict_for_a_person(released: Play) -> None:
    released.decide(packages.send_back, SendBack("aino", "vakehyva", released.delivery_id(), Why.FOUND_THERE))
    assert released.delivery().state is DeliveryState.CONFLICT
    assert released.count(PackageRecalled) == 1
    assert "conflict" in released.alarms.values()
