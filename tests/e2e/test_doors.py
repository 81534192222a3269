"""Every door of every room: only the right token opens it, and who may not enter learns nothing by knocking."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc.jwk import ECKey, OKPKey

from rinnan_chassis.web import PartyTokens
from tests.e2e.house import AINO, PARENTS, STAFF, House, bearer
from tests.e2e.test_bad_input import WHOLE, ask

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

Knocks = Callable[[House], dict[str, str]]


def tampered(headers: Mapping[str, str]) -> dict[str, str]:
    """The same token with its middle from another one."""
    head, _, sign = headers["Authorization"].removeprefix("Bearer ").split(".")
    return bearer(f"{head}.{part({'iss': PARENTS, 'sub': 's-18'})}.{sign}")


def unsigned() -> dict[str, str]:
    claims = {"iss": STAFF, "aud": "rinnan-staff", "sub": "s-17", "county": "lapha", "rights": "life act", "exp": 2**33}
    return bearer(f"{part({'alg': 'none'})}.{part(claims)}.")


def part(told: Mapping[str, Any]) -> str:
    """One part of a token, as anybody can write it."""
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def long_ago(house: House) -> dict[str, int]:
    gone = int((house.clock.now() - timedelta(days=1)).timestamp())
    return {"iat": gone, "exp": gone + 600}


def foreign(house: House) -> dict[str, dict[str, str]]:
    """Tokens like ours, signed by nobody we know."""
    names = {"sub": "x", "given_name": "Aino", "family_name": "Öhman", "code": AINO["code"], "acr": "strong"}
    stranger, key = ECKey.generate_key("P-256", auto_kid=True), OKPKey.generate_key("Ed25519", auto_kid=True)
    party: dict[str, Any] = {
        "registration_id": house.registration,
        "party_id": house.party,
        "county": "lapha",
        "pins": house.pins,
    }
    issued = PartyTokens(key, house.clock).issue(**party, deadline=house.clock.now())
    return {
        "person": house.signed(PARENTS, "rinnan", names, stranger),
        "staff": house.signed(STAFF, "rinnan-staff", {"sub": "x", "county": "lapha", "rights": "life act"}, stranger),
        "party": bearer(issued),
    }


def expired(house: House) -> dict[str, dict[str, str]]:
    past = long_ago(house)
    party = house.as_party(until=house.clock.now() - timedelta(hours=1))
    return {"person": house.as_person(**past), "staff": house.as_staff(**past), "party": party}


def of_other_kinds(house: House, kind: str) -> list[dict[str, str]]:
    kinds = {"person": house.as_person(), "staff": house.as_staff(), "party": house.as_party()}
    return [token for name, token in kinds.items() if name != kind]


def kind_of(operation: Mapping[str, Any]) -> str | None:
    return next((name for wanted in operation.get("security", ()) for name in wanted), None)


async def knock(house: House, address: str, token: dict[str, str], **more: Any) -> httpx.Response:
    body: dict[str, Any] = {"json": WHOLE[address]} if address in WHOLE else {}
    return await ask(house, address, token=token, **body, **more)


async def test_only_the_joining_address_asks_for_no_token(house: House) -> None:
    """It takes whatever is typed; the ticket in it is what somebody got with their token."""
    open_to_all = {f"{name} {path}" for name, _, path, operation in house.operations() if not kind_of(operation)}
    assert open_to_all == {"invitation /joinings"}


async def test_every_token_that_is_not_believed_gets_one_answer_and_leaves_nothing(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before = {name: await room.rows() for name, room in house.rooms.items()}
    tried = 0
    for name, method, path, operation in house.operations():
        kind = kind_of(operation)
        if kind is None:
            continue
        good = house.token_for(operation)
        bad = [{}, bearer("x"), bearer("x.y.z"), tampered(good), unsigned(), foreign(house)[kind]]
        answers = set[tuple[int, str]]()
        for token in [*bad, expired(house)[kind], *of_other_kinds(house, kind)]:
            answer = await knock(house, f"{name} {method} {path}", token)
            assert answer.headers["www-authenticate"] == "Bearer"
            answers.add((answer.status_code, answer.text))
            tried += 1
        assert [status for status, _ in answers] == [401], (name, path)
    assert tried > 400
    assert {name: await room.rows() for name, room in house.rooms.items()} == before
    assert "Bearer" not in "".join(str(vars(record)) for record in caplog.records)


async def test_a_foreign_registration_reads_like_one_that_never_was(house: House) -> None:
    """A parent knocks at another's registration; staff of one county at that of another."""
    tried = 0
    for name, method, path, operation in house.operations():
        kind, address = kind_of(operation), f"{name} {method} {path}"
        if "{registration_id}" not in path or kind is None:
            continue
        token = {
            "party": house.as_party(registration_id=uuid4()),
            "person": house.as_person({"family_name": "Åkerđal", "given_names": "Cecilia", "code": "030318A9023"}),
            "staff": house.as_staff(county="pirha"),
        }[kind]
        there, never = await knock(house, address, token), await knock(house, address, token, of=uuid4())
        assert (there.status_code, there.text) == (never.status_code, never.text), address
        assert there.status_code == 404, address
        tried += 1
    assert tried > 25


@pytest.mark.parametrize("rights", ["", "everything", "bodies protected"])
async def test_staff_without_the_right_do_not_enter(house: House, rights: str) -> None:
    for name, method, path, operation in house.operations():
        if kind_of(operation) == "staff" and not path.startswith("/documents"):
            answer = await knock(house, f"{name} {method} {path}", house.as_staff(rights))
            assert answer.status_code == 403, path


async def test_a_party_that_intake_does_not_know_has_no_part(house: House) -> None:
    """A token is believed by its signature alone; what it opens is only ever its own party's."""
    token = house.as_party(party_id=uuid4())
    for name, method, path, operation in house.operations():
        if name == "intake" and kind_of(operation) == "party":
            answer = await knock(house, f"{name} {method} {path}", token)
            assert answer.status_code == 404, path
