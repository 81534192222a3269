"""What changed after a record went out is listed, and taken up by the newest that was seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4

from fastapi import APIRouter
from fastapi.routing import APIRoute

from rinnan_record_export import api

if TYPE_CHECKING:
    from conftest import Terminal

AT = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)


def a_correction(**more: Any) -> api.CorrectionOut:
    told: dict[str, Any] = {"registration_id": uuid4(), "party_id": uuid4(), "what": "own", "number": 1, "heard_at": AT}
    return api.CorrectionOut(**told | more)


def a_ledger(*waiting: api.CorrectionOut, done: list[tuple[UUID, api.TakeUp]] | None = None) -> APIRouter:
    router = APIRouter()
    done = [] if done is None else done

    @router.get("/corrections")
    async def corrections() -> list[api.CorrectionOut]:
        return list(waiting)

    @router.post("/registrations/{registration_id}/corrections/taken-up")
    async def taken_up(registration_id: UUID, body: api.TakeUp) -> api.Taken:
        done.append((registration_id, body))
        return api.Taken(corrections=2)

    return router


def test_corrections_are_listed_oldest_first_each_with_its_number(terminal: Terminal) -> None:
    newer, older = a_correction(number=2), a_correction(heard_at=AT - timedelta(days=1))
    terminal.has("record_export", lambda _: [a_ledger(newer, older)])
    rows = terminal.types("corrections").stdout.splitlines()[1:]
    assert [row.split()[:2] for row in rows] == [[str(older.registration_id), "1"], [str(newer.registration_id), "2"]]


def test_where_no_correction_waits_it_is_said_in_words(terminal: Terminal) -> None:
    terminal.has("record_export", lambda _: [a_ledger()])
    assert terminal.types("corrections").stdout == "No corrections wait.\n"


def test_corrections_are_taken_up_by_the_newest_that_was_seen(terminal: Terminal, an_id: UUID) -> None:
    done = list[tuple[UUID, api.TakeUp]]()
    terminal.has("record_export", lambda _: [a_ledger(done=done)])
    told = terminal.types("corrections", "taken-up", str(an_id), "--seen", "3")
    assert told.stdout == "Taken up: 2.\n"
    assert done == [(an_id, api.TakeUp.model_validate({"why": "told_the_destination", "seen": 3}))]


def test_nothing_is_taken_up_without_saying_what_was_seen(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("record_export", lambda _: [a_ledger()])
    assert terminal.types("corrections", "taken-up", str(an_id)).exit_code == 2


def test_what_the_terminal_asks_is_what_the_ledger_answers(terminal: Terminal) -> None:
    answered = [path for each in api.routes(cast("Any", None), terminal.doors) for path in _paths(each)]
    assert set(_paths(a_ledger())) <= set(answered)


def _paths(router: APIRouter) -> list[str]:
    return [route.path for route in router.routes if isinstance(route, APIRoute)]
