"""Bad input at every door of every room: a problem that names the field and repeats no value, and nothing is left."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.house import BERT, CHILD, COUNTY, START, House, OnStage

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

MARK = "Kanarialintu"
CALLER = {"family_name": "Åkerđal", "given_names": "Cecilia", "identity_code": "030318A9023"}
PERSON = {"family_name": BERT["family_name"], "given_names": BERT["given_names"], "birth_date": "1991-02-02"}
CONTACT = {"language": "sv", "email": "bert@example.org", "phone": "+358 40 1234567", "safe_times": ["evening"]}
ALONE = {"children": [{**CHILD, "identity_code": "050520A904K"}], "contact": CONTACT, "other_contact": CONTACT}
STARTED = {**START, **ALONE, "other": PERSON}
ONE_OF = "/registrations/{registration_id}"
DELIVERY = f"{ONE_OF}/deliveries/{{delivery_id}}"
ITEMS = (
    *("humiliated", "afraid", "forced", "struck", "fears_meeting", "watched", "money_controlled", "threatened"),
    *(
        "child_may_be_taken",
        "strangled_or_weapon",
        "protection_ordered",
        "child_hurt",
        "own_behaviour",
        "contact_unsafe",
    ),
)
WHOLE: dict[str, dict[str, Any]] = {
    "intake POST /registrations": STARTED,
    "intake POST /single-contact": {"county": COUNTY, "contact": CONTACT},
    "intake POST /assisted/single-contact": {"county": COUNTY, "contact": CONTACT, "person": CALLER},
    "intake POST /tickets": {"county": COUNTY, "contact": CONTACT},
    "intake POST /tickets/lookup": {"ticket": "not-a-ticket"},
    "intake POST /assisted/registrations": {**STARTED, "person": CALLER},
    "intake POST /assisted/registrations/{registration_id}/token": {"person": CALLER},
    "intake POST /assisted/tickets": {"county": COUNTY, "contact": CONTACT, "person": CALLER},
    "intake POST /assisted/tickets/lookup": {"ticket": "not-a-ticket"},
    f"intake PUT {ONE_OF}/form/{{step}}": {"answers": {"matters": ["custody"]}},
    f"intake PUT {ONE_OF}/children": {"children": ALONE["children"]},
    f"intake PUT {ONE_OF}/contact": CONTACT,
    f"intake PUT {ONE_OF}/protection": {
        "street": "Katu 1",
        "postal_code": "00100",
        "town": "Helsinki",
        "non_disclosure": True,
        "refuge": False,
    },
    f"intake POST {ONE_OF}/single-contact": {"contact": CONTACT},
    "intake POST /operations/held/{subject}/release": {"reason": "fault_mended"},
    "intake POST /operations/dead-letters/{letter}/redrive": {"reason": "fault_mended"},
    "intake POST /operations/dead-letters/{letter}/discard": {"reason": "fault_mended"},
    f"consent PUT {ONE_OF}/consents": {
        "language": "fi",
        "given": {"joint_handling": True, "contact": True, "joint_meeting": False},
    },
    f"risk_screening PUT {ONE_OF}/screening": {"language": "fi", "answers": dict.fromkeys(ITEMS, "no")},
    f"invitation POST {ONE_OF}/invitation/resend": {"contact": {k: CONTACT[k] for k in ("language", "email", "phone")}},
    f"record_export POST {DELIVERY}/not-keyed-in": {"why": "lost"},
    f"record_export POST {DELIVERY}/recall-confirmed": {"why": "lost"},
    f"record_export POST {DELIVERY}/conflict-settled": {"why": "lost", "on_paper": True},
    f"record_export POST {DELIVERY}/try-again": {"why": "mended"},
    f"record_export POST {ONE_OF}/corrections/taken-up": {"why": "told_the_destination", "seen": 1},
}
"""A body of every address that takes one, with every field in it that a caller may fill."""

ANYTHING = "invitation POST /joinings"
"""The one address that answers 202 to all: what is typed there must not be told from a code."""

Place = tuple[str | int, ...]


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every single value of a body, with its place."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not isinstance(value, dict | list):
        yield place, value
    for name, part in parts:
        yield from leaves(part, (*place, name))


def objects(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every object of a body whose fields are named by the contract."""
    if isinstance(value, dict):
        yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from objects(part, (*place, name))


def with_one(body: Any, place: Place, value: Any) -> Any:
    changed = deepcopy(body)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return changed


def pointer(place: Place) -> str:
    return "".join(f"/{step}" for step in place)


def wrong_values(field: str, value: Any) -> Iterator[Any]:
    """What cannot stand in one field, whatever it is for."""
    yield [MARK]
    if isinstance(value, bool):
        yield from (MARK, 1)
        return
    if isinstance(value, int):
        yield from (MARK, "1", True, 1.5, -1, 10**30)
        return
    yield from (
        7,
        f"{MARK}\u0007",
        f"\u202e{MARK}",
        f"{MARK}\u200b",
        f"{MARK}\ud800",
        f"{MARK}\u0000",
        f"{MARK}\U0001f642",
        MARK * 834,
    )
    if field.endswith("birth_date"):
        yield from ("2019-02-30", "2199-01-01", "1800-01-01", "30.1.2019", f"2019-01-01 {MARK}")
    if field.endswith("identity_code"):
        yield from ("030318A9024", "030318G9023", "310218A9023", "030318!9023", MARK)
    if field.endswith("email"):
        yield from (
            MARK,
            f"{MARK}@nowhere",
            f"{MARK}@example.org,other@example.org",
            f"{MARK}@example.org\nBcc: a@b.fi",
        )


def wrong_bodies(body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each body that is wrong in one place, with the field that is to be named."""
    for place, value in leaves(body):
        field = pointer(place)
        yield from ((field, with_one(body, place, wrong)) for wrong in wrong_values(field, value))
    for place in objects(body):
        yield pointer((*place, "extra")), with_one(body, (*place, "extra"), MARK)
    yield from ((f"/{name}", {**body, name: MARK}) for name, value in body.items() if isinstance(value, dict | list))


WRONG_BYTES: dict[str, tuple[bytes, str, int]] = {
    "cut off": (f'{{"reason": "{MARK}'.encode(), "application/json", 400),
    "no UTF-8": (b'{"reason": "' + MARK.encode() + b'\xff"}', "application/json", 400),
    "not a number": (b'{"reason": NaN}', "application/json", 400),
    "a key twice": (b'{"reason": "%s", "reason": "x"}' % MARK.encode(), "application/json", 400),
    "too deep": (b"[" * 5_000 + b"]" * 5_000, "application/json", 400),
    "too large": (b'{"reason": "%s"}' % (MARK.encode() * 6_000), "application/json", 413),
    "a form": (f"reason={MARK}".encode(), "application/x-www-form-urlencoded", 415),
    "a list": (f'["{MARK}"]'.encode(), "application/json", 422),
    "nothing": (b"", "application/json", 422),
}


async def ask(house: House, address: str, *, step: str = "matters", **sent: Any) -> httpx.Response:
    name, method, path = address.split(" ")
    operation = house.rooms[name].document["paths"][path][method.lower()]
    ids = {name: uuid4() for name in ("delivery_id", "document_id", "subject", "letter")}
    url = path.format(registration_id=sent.pop("of", house.registration), step=step, ticket=MARK, doubt=MARK, **ids)
    headers = {"Accept-Language": "sv", "If-Match": '"0"', "Content-Type": "application/json"}
    headers |= sent.pop("token", house.token_for(operation)) | sent.pop("headers", {})
    return await house.rooms[name].http.request(method, url, headers=headers, **sent)


def check_problem(answer: httpx.Response) -> list[str]:
    """The fields that a refusal names. It is a problem in the caller's language, and nothing of the input is in it."""
    assert answer.headers["content-type"] == "application/problem+json", answer.status_code
    assert answer.headers["content-language"] == "sv"
    assert MARK not in answer.text + str(answer.headers)
    problem = answer.json()
    assert problem["title"]
    return [each["field"] for each in problem.get("errors", ())]


def logged(caplog: pytest.LogCaptureFixture) -> str:
    return "".join(str(vars(record)) for record in caplog.records)


def room_of(house: House, address: str) -> OnStage:
    return house.rooms[address.split(" ", maxsplit=1)[0]]


async def test_every_address_that_takes_a_body_is_in_the_table(house: House) -> None:
    takers = {
        f"{name} {method} {path}" for name, method, path, operation in house.operations() if "requestBody" in operation
    }
    assert takers == WHOLE.keys() | {ANYTHING}


@pytest.mark.parametrize("address", WHOLE)
async def test_a_wrong_value_is_named_by_its_field_and_leaves_nothing(
    house: House, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before = await room_of(house, address).rows()
    for field, body in wrong_bodies(WHOLE[address]):
        answer = await ask(house, address, content=json.dumps(body))
        assert answer.status_code == 422, (field, body)
        named = check_problem(answer)
        assert any(each.startswith(field) or field.startswith(each) for each in named), (field, named)
        assert not re.search(r"2019-02-30|2199-01|1800-01|30\.1\.|9024|G9023|310218|!9023", answer.text)
    assert await room_of(house, address).rows() == before
    assert MARK not in logged(caplog)


@pytest.mark.parametrize("address", WHOLE)
async def test_bytes_that_are_no_body_are_refused_and_leave_nothing(
    house: House, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before = await room_of(house, address).rows()
    for what, (body, kind, status) in WRONG_BYTES.items():
        answer = await ask(house, address, content=body, headers={"Content-Type": kind})
        assert answer.status_code == status, what
        check_problem(answer)
    assert await room_of(house, address).rows() == before
    assert MARK not in logged(caplog)


async def test_every_sign_of_a_century_that_is_in_use_since_2023_is_taken(house: House) -> None:
    check = "0123456789ABCDEFHJKLMNPRSTUVWXY"[10203_900 % 31]
    children = [{"identity_code": f"010203{sign}900{check}"} for sign in "+-YXWVUABCDEF"]
    url = f"/registrations/{house.registration}/children"
    saved = await house.rooms["intake"].http.put(url, json={"children": children}, headers=house.as_party())
    assert saved.status_code == 200, saved.text
    told = await house.rooms["intake"].http.get(url, headers=house.as_party())
    assert [child["identity_code"][6] for child in told.json()["children"]] == [*"+-YXWVUABCDEF"]


@pytest.mark.parametrize("address", WHOLE)
async def test_the_body_of_the_table_has_nothing_wrong_in_it(house: House, address: str) -> None:
    answer = await ask(house, address, json=WHOLE[address])
    assert answer.status_code in {200, 201, 202, 404, 409, 412}, answer.text
