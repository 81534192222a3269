"""How a registration ended is read from what staff are told, and from nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from rinnan_local.families import Outcome
from rinnan_local.settled import settled

ONE, OTHER = "5d0c6f5e-0000-4000-8000-000000000001", "5d0c6f5e-0000-4000-8000-000000000002"
ADAPTERS = {"x-cis": "fhir", "x-paper": "paper"}


def delivery(state: str, *, of: str | None = None, to: str = "x-cis", **told: Any) -> dict[str, Any]:
    return {
        "delivery_id": "d1",
        "party_id": of,
        "destination": to,
        "state": state,
        "receipt": None,
        "doubled": False,
        "moved_at": "2026-03-03T08:00:00Z",
    } | told


def life(*events: tuple[str, str, str | None]) -> dict[str, Any]:
    told = [{"type": kind, "at": f"2026-03-03T{at}Z", "party_id": party} for kind, at, party in events]
    return {"registration_id": "r1", "county": "x", "events": told}


GIVEN_IN = (
    ("intake.form_submitted.v1", "07:59:00", ONE),
    ("intake.form_submitted.v1", "07:59:30", OTHER),
)
ENDING = ("intake.registration_ended.v1", "09:00:00", None)


def test_what_the_system_confirmed_is_confirmed_since_the_last_submission() -> None:
    end = settled(life(*GIVEN_IN), [delivery("confirmed", receipt="Task/7")], ADAPTERS)
    assert end is not None
    assert (end.outcome, end.adapter, end.receipt) == (Outcome.CONFIRMED, "fhir", "Task/7")
    assert end.seconds_from_last_submission_to_outcome == 30
    assert end.events == 2


def test_what_a_second_person_checked_is_verified_on_paper() -> None:
    end = settled(life(*GIVEN_IN), [delivery("verified", to="x-paper")], ADAPTERS, ["a.pdf"])
    assert end is not None
    assert (end.outcome, end.adapter, end.receipt) == (Outcome.VERIFIED_ON_PAPER, "paper", "d1")
    assert end.documents == ("a.pdf",)


@pytest.mark.parametrize("state", ["planned", "requested", "unknown", "waiting", "prepared", "keyed_in", "conflict"])
def test_what_is_on_its_way_has_no_end_yet(state: str) -> None:
    assert settled(life(*GIVEN_IN), [delivery(state)], ADAPTERS) is None


def test_what_nobody_delivered_ends_with_its_ending() -> None:
    assert settled(life(*GIVEN_IN), [], ADAPTERS) is None
    end = settled(life(*GIVEN_IN, ENDING), [], ADAPTERS)
    assert end is not None
    assert (end.outcome, end.adapter, end.receipt) == (Outcome.ENDED, None, None)


def test_one_parents_request_is_a_single_contact_once_the_registration_has_ended() -> None:
    alone = [delivery("confirmed", of=ONE, receipt="Task/8")]
    assert settled(life(*GIVEN_IN), alone, ADAPTERS) is None
    end = settled(life(*GIVEN_IN, ENDING), alone, ADAPTERS)
    assert end is not None
    assert end.outcome is Outcome.SINGLE_CONTACT
    assert end.seconds_from_last_submission_to_outcome == 60


def test_a_delivery_in_which_nobody_was_left_does_not_count() -> None:
    both = [delivery("cancelled"), delivery("verified", to="x-paper")]
    end = settled(life(*GIVEN_IN), both, ADAPTERS)
    assert end is not None
    assert end.outcome is Outcome.VERIFIED_ON_PAPER


@pytest.mark.parametrize(
    "deliveries",
    [
        [delivery("confirmed"), delivery("verified", to="x-paper")],
        [delivery("confirmed", doubled=True)],
    ],
)
def test_a_record_that_stands_twice_is_no_end(deliveries: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="more than once"):
        settled(life(*GIVEN_IN), deliveries, ADAPTERS)
