"""What intake leaves to a person is listed, taken up and delivered from the terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from rinnan_console import waiting
from rinnan_intake.api import attention
from rinnan_intake.domain.state import Doubt

if TYPE_CHECKING:
    from conftest import Terminal

AT = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)


def a_doubt(doubt: Doubt = Doubt.PERSONS_CONTRADICT, **more: Any) -> attention.DoubtOut:
    told: dict[str, Any] = {"registration_id": uuid4(), "since": AT, "still_to_be_delivered": False}
    return attention.DoubtOut(doubt=doubt, **told | more)


def an_intake(*doubts: attention.DoubtOut, done: list[tuple[str, UUID]] | None = None) -> APIRouter:
    router = APIRouter(prefix="/attention")
    done = [] if done is None else done

    @router.get("")
    async def waiting() -> list[attention.DoubtOut]:
        return list(doubts)

    @router.post("/{registration_id}/{doubt}")
    async def take_up(registration_id: UUID, doubt: Doubt) -> attention.TakenUpOut:
        done.append((doubt, registration_id))
        return attention.TakenUpOut(doubt=doubt)

    @router.post("/{registration_id}/heard_after_ending/delivery")
    async def deliver(registration_id: UUID) -> attention.TakenUpOut:
        done.append(("delivery", registration_id))
        return attention.TakenUpOut(doubt=Doubt.HEARD_AFTER_ENDING)

    return router


def test_doubts_are_listed_oldest_first(terminal: Terminal) -> None:
    newer, older = a_doubt(), a_doubt(since=AT - timedelta(days=1))
    terminal.has("intake", lambda _: [an_intake(newer, older)])
    rows = terminal.types("attention").stdout.splitlines()[1:]
    assert [row.split()[0] for row in rows] == [str(older.registration_id), str(newer.registration_id)]


def test_what_is_still_to_be_delivered_is_told_apart(terminal: Terminal) -> None:
    to_deliver = a_doubt(Doubt.HEARD_AFTER_ENDING, still_to_be_delivered=True)
    terminal.has("intake", lambda _: [an_intake(a_doubt(), to_deliver)])
    rows = terminal.types("attention").stdout.splitlines()[1:]
    assert [row.split()[-2:] for row in rows] == [["persons_contradict", "no"], ["heard_after_ending", "yes"]]


def test_where_no_doubt_waits_it_is_said_in_words(terminal: Terminal) -> None:
    terminal.has("intake", lambda _: [an_intake()])
    assert terminal.types("attention").stdout == "Nothing waits.\n"


def test_a_doubt_is_taken_up(terminal: Terminal, an_id: UUID) -> None:
    done = list[tuple[str, UUID]]()
    terminal.has("intake", lambda _: [an_intake(done=done)])
    told = terminal.types("attention", "take-up", str(an_id), "changed_after_completion")
    assert told.stdout == "Taken up: changed_after_completion.\n"
    assert done == [("changed_after_completion", an_id)]


def test_what_was_heard_after_the_ending_is_delivered(terminal: Terminal, an_id: UUID) -> None:
    done = list[tuple[str, UUID]]()
    terminal.has("intake", lambda _: [an_intake(done=done)])
    assert terminal.types("attention", "deliver", str(an_id)).stdout == "It will be delivered.\n"
    assert done == [("delivery", an_id)]


@pytest.mark.parametrize("doubt", ["unheard_of", "heard_after_ending/delivery"])
def test_no_doubt_is_taken_up_that_intake_does_not_know(terminal: Terminal, an_id: UUID, doubt: str) -> None:
    done = list[tuple[str, UUID]]()
    terminal.has("intake", lambda _: [an_intake(done=done)])
    assert terminal.types("attention", "take-up", str(an_id), doubt).exit_code == 2
    assert done == []


def test_what_the_terminal_asks_is_what_intake_answers(terminal: Terminal) -> None:
    intakes = attention.attention_routes(cast("Any", None), terminal.doors)
    assert _paths(an_intake()) == _paths(intakes)


def _paths(router: APIRouter) -> list[str]:
    return [route.path for route in router.routes if isinstance(route, APIRoute)]


def test_the_doubts_are_those_of_intake() -> None:
    assert {each.value for each in waiting.Doubt} == {each.value for each in Doubt}
