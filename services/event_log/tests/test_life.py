"""A life is told in order, with its causes, and in plain words."""

from __future__ import annotations

import json
import string
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rinnan_event_log.domain.entry import Read
from rinnan_event_log.domain.life import county_of, deliveries, in_order
from rinnan_event_log.recording import UNTOLD, entry_of
from rinnan_events import events, sealed_fields
from rinnan_events.invitation import ParentReminded
from rinnan_events.record_export import DeliveryState

if TYPE_CHECKING:
    from conftest import Neighbours

    from rinnan_event_log.domain.telling import Sentences


def kept(*records: Any, heard_at: Any) -> list[Read]:
    entries = [entry_of(record, heard_at) for record in records]
    return [Read(place, entry, json.loads(entry.clear)) for place, entry in enumerate(entries, 1)]


def types(life: list[Read]) -> list[str | None]:
    return [read.entry.type for read in life]


def test_events_are_told_by_the_time_they_were_said_not_by_when_they_were_heard(neighbours: Neighbours) -> None:
    first, second, third = (
        neighbours.record(each) for each in (neighbours.opened(), neighbours.joined(), neighbours.submitted())
    )
    life = in_order(kept(third, first, second, heard_at=neighbours.now))
    assert types(life) == [
        "intake.registration_opened.v1",
        "intake.parent_joined.v1",
        "intake.form_submitted.v1",
    ]


def test_an_effect_is_told_after_its_cause_whatever_the_clocks_say(neighbours: Neighbours) -> None:
    event_id = str(uuid4())
    effect = neighbours.record(neighbours.moved(DeliveryState.PLANNED), causation=event_id)
    cause = neighbours.record(neighbours.completed(), event_id=event_id)
    life = in_order(kept(effect, cause, heard_at=neighbours.now))
    assert types(life) == ["intake.registration_completed.v1", "record_export.delivery_moved.v1"]


def test_causes_that_go_round_in_a_circle_are_told_all_the_same(neighbours: Neighbours) -> None:
    one, two = str(uuid4()), str(uuid4())
    records = (
        neighbours.record(neighbours.opened(), event_id=one, causation=two),
        neighbours.record(neighbours.joined(), event_id=two, causation=one),
    )
    assert len(in_order(kept(*records, heard_at=neighbours.now))) == 2


def test_a_dead_letter_is_told_when_it_was_heard_and_after_what_was_set_aside(neighbours: Neighbours) -> None:
    event_id = str(uuid4())
    letter = neighbours.record(neighbours.joined(), event_id=event_id, topic="consent.dead_letter.v1")
    said = neighbours.record(neighbours.joined(), event_id=event_id)
    later = neighbours.record(neighbours.submitted())
    first, *others = kept(letter, said, later, heard_at=neighbours.now)
    heard_late = replace(first, entry=replace(first.entry, heard_at=neighbours.now + timedelta(hours=2)))
    assert [read.entry.topic for read in in_order([heard_late, *others])] == [
        "intake.registration.v1",
        "intake.registration.v1",
        "consent.dead_letter.v1",
    ]


def test_a_delivery_is_told_move_by_move(neighbours: Neighbours) -> None:
    steps = [None, DeliveryState.PLANNED, DeliveryState.REQUESTED, DeliveryState.CONFIRMED]
    records = [neighbours.record(neighbours.moved(to, before)) for before, to in pairwise(steps) if to]
    (delivery,) = deliveries(in_order(kept(*records, heard_at=neighbours.now)))
    assert [move.to_state for move in delivery.moves] == ["planned", "requested", "confirmed"]
    assert delivery.state == "confirmed"


def test_the_county_is_the_one_that_the_opening_names(neighbours: Neighbours) -> None:
    assert county_of(kept(neighbours.record(neighbours.opened()), heard_at=neighbours.now)) == "lapha"
    assert county_of(kept(neighbours.record(neighbours.joined()), heard_at=neighbours.now)) is None


def test_a_parent_is_named_by_the_beginning_of_a_random_id(neighbours: Neighbours, sentences: Sentences) -> None:
    (read,) = kept(neighbours.record(neighbours.joined()), heard_at=neighbours.now)
    assert sentences.tell(read, "en") == f"Joined: parent {str(neighbours.one)[:8]}."


def test_a_joint_delivery_is_both_parents(neighbours: Neighbours, sentences: Sentences) -> None:
    (read,) = kept(neighbours.record(neighbours.moved(DeliveryState.KEYED_IN)), heard_at=neighbours.now)
    assert sentences.tell(read, "en") == "Delivery lapha-paper: keyed in (first_try, attempt 1): both parents."


@pytest.mark.parametrize(("perhaps", "said"), [(True, "The reminder left, perhaps: "), (False, "The reminder left: ")])
def test_a_reminder_that_perhaps_left_is_told_as_such(
    neighbours: Neighbours, sentences: Sentences, perhaps: bool, said: str
) -> None:
    reminded = ParentReminded(registration_id=neighbours.registration, party_id=neighbours.one, perhaps=perhaps)
    (read,) = kept(neighbours.record(reminded), heard_at=neighbours.now)
    assert sentences.tell(read, "en").startswith(said)


def test_what_was_set_aside_is_told_with_who_set_it_aside(neighbours: Neighbours, sentences: Sentences) -> None:
    record = neighbours.record(
        neighbours.joined(), topic="consent.dead_letter.v1", more=(("rinnan-reason", b"KeyError"),)
    )
    (read,) = kept(record, heard_at=neighbours.now)
    assert (
        sentences.tell(read, "en") == "The service consent set the message aside: intake.parent_joined.v1 (KeyError)."
    )


def test_a_type_that_nobody_knows_is_told_as_such(neighbours: Neighbours, sentences: Sentences) -> None:
    (read,) = kept(neighbours.record(neighbours.joined(), ce_type=b"intake.news.v1"), heard_at=neighbours.now)
    assert sentences.tell(read, "en") == "Something was said that the log does not know yet: intake.news.v1."


@pytest.mark.parametrize("event_type", sorted(events()))
def test_every_event_has_a_sentence_in_every_language_that_names_only_its_clear_facts(
    sentences: Sentences, event_type: str
) -> None:
    event = events()[event_type]
    clear = set(event.model_fields) - {name for name, _ in sealed_fields(event)} - UNTOLD
    for language in ("fi", "sv", "en"):
        named = {name for _, name, _, _ in string.Formatter().parse(sentences.texts[event_type][language]) if name}
        assert named <= clear | {"parent", "whose"}
        assert "party_id" in clear or not named & {"parent", "whose"}


def test_every_state_of_a_delivery_has_a_word(sentences: Sentences) -> None:
    for state in DeliveryState:
        assert set(sentences.texts[f"word.{state.value}"]) == {"fi", "sv", "en"}
