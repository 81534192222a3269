"""What the log keeps of a record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rinnan_event_log.recording import entry_of
from rinnan_events.invitation import CodePresented, Intention

if TYPE_CHECKING:
    from conftest import Neighbours


def test_the_clear_facts_are_kept_and_of_sealed_parts_only_their_names(neighbours: Neighbours) -> None:
    entry = entry_of(neighbours.record(neighbours.joined()), neighbours.now)
    facts = json.loads(entry.clear)
    assert facts["party_id"] == str(neighbours.one)
    assert facts["sealed"] == ["identity", "contact"]


def test_nothing_of_a_seal_is_in_the_clear_part(neighbours: Neighbours) -> None:
    entry = entry_of(neighbours.record(neighbours.submitted()), neighbours.now)
    assert "CANARY" not in entry.clear
    assert b"CANARY" in (entry.body or b"")


def test_whether_a_code_was_presented_to_decline_is_not_in_the_clear_part(neighbours: Neighbours) -> None:
    presented = CodePresented(
        registration_id=neighbours.registration,
        party_id=neighbours.one,
        invitation_id=uuid4(),
        ticket="ab" * 32,
        intention=Intention.DECLINE,
        presented_at=neighbours.now,
    )
    clear = entry_of(neighbours.record(presented), neighbours.now).clear
    assert "decline" not in clear
    assert "abab" not in clear


def test_the_same_message_has_the_same_mark_wherever_kafka_keeps_it(neighbours: Neighbours) -> None:
    event_id = str(uuid4())
    first = entry_of(neighbours.record(neighbours.joined(), event_id=event_id), neighbours.now)
    again = entry_of(neighbours.record(neighbours.joined(), event_id=event_id), neighbours.now)
    assert first.offset != again.offset
    assert first.mark == again.mark


def test_a_dead_letter_is_another_message_than_the_one_that_was_set_aside(neighbours: Neighbours) -> None:
    event_id = str(uuid4())
    first = entry_of(neighbours.record(neighbours.joined(), event_id=event_id), neighbours.now)
    letter = neighbours.record(
        neighbours.joined(),
        event_id=event_id,
        topic="consent.dead_letter.v1",
        more=(("rinnan-reason", b"KeyError"), ("rinnan-topic", b"intake.registration.v1")),
    )
    entry = entry_of(letter, neighbours.now)
    facts = json.loads(entry.clear)
    assert entry.mark != first.mark
    assert (facts["set_aside_by"], facts["reason"]) == ("consent", "KeyError")
    assert facts["heard_on"] == "intake.registration.v1"


def test_a_reason_that_is_no_class_is_not_kept(neighbours: Neighbours) -> None:
    letter = neighbours.record(
        neighbours.joined(), topic="consent.dead_letter.v1", more=(("rinnan-reason", b"Aino sanoi"),)
    )
    assert "Aino" not in entry_of(letter, neighbours.now).clear


def test_an_unknown_type_keeps_its_envelope_and_not_its_body(neighbours: Neighbours) -> None:
    entry = entry_of(neighbours.record(neighbours.joined(), ce_type=b"intake.parent_joined.v9"), neighbours.now)
    assert (entry.type, entry.subject) == ("intake.parent_joined.v9", neighbours.registration)
    assert entry.body is None
    assert json.loads(entry.clear) == {"unread": "unknown_type"}


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"\xff\x00\xfe", [], "not_cloudevents_1_0"),
        (None, [("ce_specversion", b"1.0")], "no_readable_subject"),
        (b"{}", [("ce_specversion", b"\xff")], "headers_not_utf8"),
    ],
)
def test_what_cannot_be_read_is_kept_by_its_place_and_digest(
    neighbours: Neighbours, body: bytes | None, headers: list[tuple[str, bytes]], reason: str
) -> None:
    entry = entry_of(neighbours.raw(body, headers), neighbours.now)
    assert json.loads(entry.clear) == {"unread": reason}
    assert (entry.subject, entry.type, entry.body) == (None, None, None)
    assert entry.partition == 3


def test_a_body_that_is_not_as_published_is_kept_by_its_digest_alone(neighbours: Neighbours) -> None:
    record = neighbours.record(neighbours.joined())
    record.value = b'{"identity_code": "010190-900P"}'
    entry = entry_of(record, neighbours.now)
    assert entry.body is None
    assert "010190" not in entry.clear
    assert entry.subject == neighbours.registration


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("ce_id", b"a\x00b"),
        ("ce_id", b"x" * 10_000),
        ("ce_source", "\u202egnirts".encode()),
        ("ce_time", b"0001-01-01T00:00:00+14:00"),
        ("ce_causationid", b"\x1b[2J"),
    ],
)
def test_an_envelope_that_a_database_or_a_terminal_would_choke_on_counts_as_unreadable(
    neighbours: Neighbours, header: str, value: bytes
) -> None:
    entry = entry_of(neighbours.record(neighbours.joined(), **{header: value}), neighbours.now)
    assert json.loads(entry.clear)["unread"] in {"odd_envelope", "odd_time", "incomplete_envelope"}
    assert entry.id is None
    assert entry.subject == neighbours.registration


def test_a_number_that_no_json_of_ours_can_write_counts_as_not_published(neighbours: Neighbours) -> None:
    record = neighbours.record(neighbours.submitted())
    record.value = record.value.replace(b'"version":1', b'"version":%d' % 2**64)
    entry = entry_of(record, neighbours.now)
    assert json.loads(entry.clear) == {"unread": "body_not_as_published"}
    assert entry.body is None
