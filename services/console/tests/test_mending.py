"""What is held and set aside can be seen and let go on from the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from rinnan_chassis.web import operations
from rinnan_console.waiting import ActWhy

if TYPE_CHECKING:
    from conftest import Terminal

SINCE = "2026-03-02T09:00:00Z"


def test_what_is_held_is_listed_from_every_room_oldest_first(terminal: Terminal) -> None:
    newer, older = uuid4(), uuid4()
    terminal.has("intake").subjects[newer] = SINCE
    terminal.has("consent").subjects[older] = "2026-03-01T09:00:00Z"
    told = terminal.types("held", "--json")
    assert told.exit_code == 0
    assert [(row["room"], row["subject"]) for row in json.loads(told.stdout)] == [
        ("consent", str(older)),
        ("intake", str(newer)),
    ]


def test_times_are_shown_in_the_local_zone(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("intake").subjects[an_id] = SINCE
    assert "2026-03-02 11:00:00" in terminal.types("held").stdout


def test_columns_stand_under_their_headings(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("intake").subjects[an_id] = SINCE
    heading, row = terminal.types("held").stdout.splitlines()
    assert heading.index("subject") == row.index(str(an_id))


def test_nothing_held_is_said_in_words(terminal: Terminal) -> None:
    terminal.has("intake")
    assert terminal.types("held").stdout == "Nothing is held.\n"


def test_a_room_that_does_not_answer_is_named_and_the_others_are_shown(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("intake").subjects[an_id] = SINCE
    terminal.has_lost("consent")
    told = terminal.types("held")
    assert told.exit_code == 2
    assert str(an_id) in told.stdout
    assert told.stderr == "consent: no answer (ConnectError)\n"


def test_where_a_room_does_not_answer_it_is_not_said_that_nothing_is_held(terminal: Terminal) -> None:
    terminal.has_lost("consent")
    assert terminal.types("held").stdout == ""


def test_what_a_message_says_of_itself_cannot_move_the_terminal(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("intake").letters[an_id] = SINCE
    shown = terminal.types("dead-letters").stdout
    assert "\x1b" not in shown
    assert "intake.parent_joined.v1?[2J" in shown


def test_a_held_registration_is_released_with_a_reason(terminal: Terminal, an_id: UUID) -> None:
    room = terminal.has("intake")
    room.subjects[an_id] = SINCE
    told = terminal.types("release", str(an_id), "--room", "intake", "--reason", "fault_mended")
    assert (told.exit_code, told.stdout) == (0, "Heard again: decided, nothing.\n")
    assert room.done == [("release", an_id, "fault_mended")]


def test_where_nothing_was_parked_the_release_says_so(terminal: Terminal, an_id: UUID) -> None:
    room = terminal.has("intake")
    room.subjects[an_id], room.parked = SINCE, ()
    told = terminal.types("release", str(an_id), "--room", "intake", "--reason", "fault_mended")
    assert (told.exit_code, told.stdout) == (0, "Nothing was waiting.\n")


@pytest.mark.parametrize("verb", ["redrive", "discard"])
def test_a_dead_letter_is_dealt_with_and_the_reason_is_kept(terminal: Terminal, an_id: UUID, verb: str) -> None:
    room = terminal.has("intake")
    room.letters[an_id] = SINCE
    assert terminal.types(verb, str(an_id), "--room", "intake", "--reason", "duplicate").exit_code == 0
    assert room.done == [(verb, an_id, "duplicate")]


def test_a_ticket_is_kept_with_the_act(terminal: Terminal, an_id: UUID) -> None:
    room = terminal.has("intake")
    room.subjects[an_id] = SINCE
    why = ("--reason", "see_ticket", "--ticket", "ICT-4711")
    assert terminal.types("release", str(an_id), "--room", "intake", *why).exit_code == 0
    assert room.done == [("release", an_id, "see_ticket ICT-4711")]


@pytest.mark.parametrize("why", [("--reason", "the parent phoned"), ("--reason", "see_ticket"), ("--ticket", "ICT-1")])
def test_a_reason_is_one_of_the_rooms_and_no_text(terminal: Terminal, an_id: UUID, why: tuple[str, ...]) -> None:
    room = terminal.has("intake")
    room.subjects[an_id] = SINCE
    assert terminal.types("release", str(an_id), "--room", "intake", *why).exit_code in {1, 2}
    assert room.done == []


def test_the_reasons_are_those_of_every_room() -> None:
    assert {each.value for each in ActWhy} == {each.value for each in operations.Why}


def test_a_letter_that_is_set_aside_again_is_not_called_done(terminal: Terminal, an_id: UUID) -> None:
    room = terminal.has("intake")
    room.letters[an_id], room.again = SINCE, True
    told = terminal.types("redrive", str(an_id), "--room", "intake", "--reason", "tried_to_see")
    assert (told.exit_code, told.stderr) == (1, "It was set aside again.\n")


@pytest.mark.parametrize("verb", ["release", "redrive", "discard"])
def test_no_act_goes_without_a_reason_or_a_room(terminal: Terminal, an_id: UUID, verb: str) -> None:
    terminal.has("intake")
    assert terminal.types(verb, str(an_id), "--room", "intake").exit_code == 2
    assert terminal.types(verb, str(an_id), "--reason", "fault_mended").exit_code == 2


def test_a_refusal_is_told_by_title_and_code(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("intake")
    told = terminal.types("release", str(an_id), "--room", "intake", "--reason", "fault_mended")
    assert told.exit_code == 1
    assert told.stderr == "intake: Nothing of this is held here. (chassis.not_held)\n"


def test_a_refusal_is_told_in_the_language_of_the_terminal(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("intake")
    terminal.monkeypatch.setenv("LANG", "sv_FI.UTF-8")
    told = terminal.types("release", str(an_id), "--room", "intake", "--reason", "fault_mended")
    assert "Ingenting i detta ärende är stoppat här." in told.stderr


def test_without_the_right_to_act_nothing_is_done(terminal: Terminal, an_id: UUID) -> None:
    room = terminal.has("intake")
    room.subjects[an_id] = SINCE
    terminal.signs_in(rights="life")
    told = terminal.types("release", str(an_id), "--room", "intake", "--reason", "fault_mended")
    assert (told.exit_code, room.done) == (1, [])
    assert "(chassis.not_allowed)" in told.stderr


def test_a_room_that_does_not_exist_is_answered_with_those_that_do(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("intake")
    told = terminal.types("release", str(an_id), "--room", "intakes", "--reason", "fault_mended")
    assert (told.exit_code, told.stderr) == (2, "There is no room intakes. There are: intake.\n")


def test_what_operators_did_can_be_read_with_who_and_why(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("intake").done.append(("release", an_id, "fault_mended"))
    terminal.has("consent")
    row = terminal.types("acts", str(an_id)).stdout.splitlines()[1]
    assert row.split() == ["2026-03-02", "11:00:00", "issuer#s-17", "release", "fault_mended", "-", "intake"]
