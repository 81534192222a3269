"""Lives, the proof of the log, and packages, shown as the rooms' own models tell them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter, Query, Request
from typer.main import get_command

from rinnan_chassis.web import NotFound
from rinnan_console.cli import app
from rinnan_console.waiting import TOLD, Why
from rinnan_event_log.api import DeliveryOut as DeliveryTold
from rinnan_event_log.api import HappenedOut, LifeOut, LookOut, MoveOut, VerificationOut
from rinnan_event_log.domain.chain import Fault
from rinnan_events.record_export import DeliveryState
from rinnan_host.api import LookOut as ReadOut
from rinnan_record_export import api as record_export
from rinnan_record_export.domain import packages

if TYPE_CHECKING:
    from conftest import Terminal

AT = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
PARTY = UUID("3f2a9c01-2f0c-4a2a-9f5d-3d6f3a2b1c11")


def a_life(registration: UUID) -> LifeOut:
    happened = HappenedOut(
        position=1,
        at=AT,
        heard_at=AT,
        type="intake.parent_joined.v1",
        speaker="intake",
        topic="intake.registration.v1",
        id="1",
        cause=None,
        party_id=PARTY,
        sentence="Joined: parent 3f2a9c01.",
        facts={"sealed": ["identity"]},
    )
    moves = [
        MoveOut(at=AT, from_state=None, to_state=state, reason="first_try", attempt=1)
        for state in ("planned", "requested", "confirmed")
    ]
    delivery = DeliveryTold(
        delivery_id=uuid4(), destination="lapha-paper", party_id=None, state="confirmed", moves=moves
    )
    return LifeOut(
        registration_id=registration, county="lapha", language="en", events=[happened], deliveries=[delivery]
    )


def a_log(told: LifeOut | None, found: VerificationOut | None = None, asked: list[str] | None = None) -> APIRouter:
    router = APIRouter()

    @router.get("/registrations/{registration_id}/life")
    async def life(registration_id: UUID) -> LifeOut:
        if told is None or told.registration_id != registration_id:
            raise NotFound
        return told

    @router.get("/verification")
    async def verification(anchor: Annotated[list[str], Query()]) -> VerificationOut:
        assert found is not None
        assert asked is not None
        asked.extend(anchor)
        return found

    return router


def looked_at(life: LifeOut) -> APIRouter:
    router = a_log(life)

    @router.get("/registrations/{registration_id}/looks")
    async def looks(registration_id: UUID) -> list[LookOut]:
        return [LookOut(at=AT, actor="issuer#s-17", what="life")] if registration_id == life.registration_id else []

    return router


def read(delivery: UUID) -> APIRouter:
    router = APIRouter()

    @router.get("/deliveries/{delivery_id}/looks")
    async def looks(delivery_id: UUID) -> list[ReadOut]:
        document = ReadOut(at=AT + timedelta(hours=1), actor="issuer#s-18", what="document", document_id=PARTY)
        return [document] if delivery_id == delivery else []

    return router


def a_delivery(**more: Any) -> record_export.DeliveryOut:
    package = record_export.PackageOut(
        renderer="lapha-paper",
        look_first=True,
        documents=[],
        prepared_at=AT,
        released_at=None,
        released_by=None,
        keyed_in_at=None,
        keyed_in_by=None,
        verified_at=None,
        verified_by=None,
        recalled_at=None,
    )
    told: dict[str, Any] = {
        "registration_id": uuid4(),
        "delivery_id": uuid4(),
        "party_id": None,
        "destination": "lapha-paper",
        "state": DeliveryState.PREPARED,
        "reason": "first_try",
        "attempt": 1,
        "contact_by": AT,
        "planned_at": AT,
        "moved_at": AT,
        "receipt": None,
        "doubled": False,
        "package": package,
    }
    return record_export.DeliveryOut(**told | more)


def a_ledger(delivery: record_export.DeliveryOut, asked: list[tuple[str, Any]]) -> APIRouter:
    router = APIRouter()

    @router.get("/deliveries")
    async def deliveries(request: Request) -> list[record_export.DeliveryOut]:
        asked.append(("list", request.query_params.getlist("state")))
        return [delivery]

    @router.post("/registrations/{registration_id}/deliveries/{delivery_id}/{verb}")
    async def act(request: Request, registration_id: UUID, delivery_id: UUID, verb: str) -> record_export.Moved:
        assert registration_id == delivery.registration_id
        asked.append((verb, await request.json() if await request.body() else None))
        return record_export.Moved(delivery_id=delivery_id, state=DeliveryState.RELEASED)

    return router


def test_a_life_is_told_in_sentences(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("event_log", lambda _: [a_log(a_life(an_id))])
    shown = terminal.types("life", str(an_id)).stdout
    assert "2026-03-02 11:01:00  intake  Joined: parent 3f2a9c01." in shown
    assert "to lapha-paper, both parents: planned > requested > confirmed" in shown


def test_an_unknown_life_is_refused(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("event_log", lambda _: [a_log(None)])
    told = terminal.types("life", str(an_id))
    assert (told.exit_code, told.stderr) == (1, "event_log: This cannot be found. (chassis.not_found)\n")


def test_who_looked_is_listed_whether_at_the_life_or_at_a_document(terminal: Terminal, an_id: UUID) -> None:
    life = a_life(an_id)
    terminal.has("event_log", lambda _: [looked_at(life)])
    terminal.has("host-lapha-paper", lambda _: [read(life.deliveries[0].delivery_id)])
    terminal.has("host-lapha-cis")
    told = terminal.types("looks", str(an_id))
    rows = told.stdout.splitlines()[1:]
    assert (told.exit_code, told.stderr) == (0, "")
    assert [row.split()[2:4] for row in rows] == [["issuer#s-18", "document"], ["issuer#s-17", "life"]]


def test_a_host_that_does_not_answer_may_know_of_more_looks(terminal: Terminal, an_id: UUID) -> None:
    terminal.has("event_log", lambda _: [looked_at(a_life(an_id))])
    terminal.has_lost("host-lapha-paper")
    told = terminal.types("looks", str(an_id))
    assert (told.exit_code, told.stderr) == (2, "host-lapha-paper: no answer (ConnectError)\n")
    assert "issuer#s-17" in told.stdout


def test_a_word_that_is_no_id_is_not_asked_about(terminal: Terminal) -> None:
    terminal.has("event_log")
    assert terminal.types("life", "010190-900P").exit_code == 2


@pytest.mark.parametrize(
    ("broken_at", "fault", "exit_code", "said"),
    [(None, None, 0, "Whole: 4 entries."), (4, Fault.EDITED, 1, "Broken at 4: edited.")],
)
def test_the_logs_chain_is_proven_or_its_break_is_named(
    terminal: Terminal, broken_at: int | None, fault: Fault | None, exit_code: int, said: str
) -> None:
    beginning = {"begins_after": 3, "begins_with": "00" * 32, "begins_at": AT}
    found = VerificationOut(
        whole=fault is None, entries=4, position=7, hash="ab" * 32, broken_at=broken_at, fault=fault, **beginning
    )
    kept: list[str] = []
    terminal.has("event_log", lambda _: [a_log(None, found, kept)])
    told = terminal.types("verify", "--anchor", "4:ab", "--anchor", "6:cd")
    assert told.exit_code == exit_code
    assert told.stdout.startswith(said)
    assert "Entries up to 3 are forgotten" in told.stdout
    assert kept == ["4:ab", "6:cd"]


def test_packages_that_wait_are_listed_with_what_to_heed(terminal: Terminal) -> None:
    delivery, asked = a_delivery(), list[tuple[str, Any]]()
    terminal.has("record_export", lambda _: [a_ledger(delivery, asked)])
    shown = terminal.types("packages").stdout
    assert str(delivery.delivery_id) in shown
    assert "look first" in shown
    assert asked == [("list", ["prepared", "released", "keyed_in", "conflict"])]


def test_a_package_is_released_without_naming_its_registration(terminal: Terminal) -> None:
    delivery, asked = a_delivery(), list[tuple[str, Any]]()
    terminal.has("record_export", lambda _: [a_ledger(delivery, asked)])
    told = terminal.types("packages", "release", str(delivery.delivery_id))
    assert told.stdout == f"{delivery.delivery_id} is now released.\n"
    assert asked[-1] == ("release", None)


def test_a_package_that_was_not_keyed_in_needs_one_of_the_ledgers_reasons(terminal: Terminal) -> None:
    delivery, asked = a_delivery(), list[tuple[str, Any]]()
    terminal.has("record_export", lambda _: [a_ledger(delivery, asked)])
    verb = ("packages", "not-keyed-in", str(delivery.delivery_id))
    assert terminal.types(*verb).exit_code == 2
    assert terminal.types(*verb, "--reason", "the parent phoned").exit_code == 2
    assert terminal.types(*verb, "--reason", "lost").exit_code == 0
    assert asked[-1] == ("not-keyed-in", {"why": "lost"})


def test_a_conflict_is_settled_by_saying_where_the_record_stands(terminal: Terminal) -> None:
    delivery, asked = a_delivery(state=DeliveryState.CONFLICT), list[tuple[str, Any]]()
    terminal.has("record_export", lambda _: [a_ledger(delivery, asked)])
    verb = ("packages", "conflict-settled", str(delivery.delivery_id), "--reason", "found_there")
    assert terminal.types(*verb).exit_code == 2
    assert terminal.types(*verb, "--in-the-system").exit_code == 0
    assert asked[-1] == ("conflict-settled", {"why": "found_there", "on_paper": False})


def test_a_delivery_that_is_not_open_is_not_acted_on(terminal: Terminal, an_id: UUID) -> None:
    delivery, asked = a_delivery(), list[tuple[str, Any]]()
    terminal.has("record_export", lambda _: [a_ledger(delivery, asked)])
    assert terminal.types("packages", "verified", str(an_id)).exit_code == 2
    assert [verb for verb, _ in asked] == ["list"]


def test_every_path_that_acts_on_a_package_is_one_of_record_exports() -> None:
    """The words of the sub-commands are the words of the paths."""
    commands = get_command(app).commands["packages"].commands
    paths = {route.path for route in record_export._acting(None, _NoDoors()).routes}
    assert {f"/registrations/{{registration_id}}/deliveries/{{delivery_id}}/{verb}" for verb in commands} <= paths


def test_the_reasons_are_those_of_the_ledger() -> None:
    assert {each.value for each in Why} | {TOLD} == {each.value for each in packages.Why}


class _NoDoors:
    def staff(self, *_: object) -> Any:
        async def nobody() -> None: ...

        return nobody
