from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

REGISTRATION = UUID("6f6f5ed8-2f0c-4a2a-9f5d-3d6f3a2b1c11")
FOREIGN = UUID("6f6f5ed8-2f0c-4a2a-9f5d-3d6f3a2b1c12")
A_PART: dict[str, Any] = {"given_names": "Eino", "born": "1990-02-28"}


@pytest.fixture
def bearer(a_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {a_token}"}


async def test_a_party_comes_in_at_its_own_registration(client: httpx.AsyncClient, bearer: dict[str, str]) -> None:
    answer = await client.get(f"/registrations/{REGISTRATION}", headers=bearer)
    assert answer.json() == {"registration": str(REGISTRATION), "county": "90", "act": None}


@pytest.mark.parametrize("named", [str(FOREIGN), "1", "%00", "a" * 300, f"{REGISTRATION}x"])
async def test_another_registration_answers_as_an_address_that_does_not_exist(
    client: httpx.AsyncClient, bearer: dict[str, str], named: str
) -> None:
    nowhere = await client.get("/nowhere", headers=bearer)
    answer = await client.get(f"/registrations/{named}", headers=bearer)
    assert (answer.status_code, answer.content) == (404, nowhere.content)
    assert answer.headers == nowhere.headers


async def test_a_part_is_written_under_a_key_and_a_version(client: httpx.AsyncClient, bearer: dict[str, str]) -> None:
    answer = await client.put(
        f"/registrations/{REGISTRATION}/part",
        json=A_PART,
        headers={**bearer, "Idempotency-Key": "monday-1", "If-Match": '"3"'},
    )
    assert (answer.json()["key"], answer.headers["ETag"]) == ("monday-1", '"4"')


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "k" * 129),
        ("Idempotency-Key", "two words"),
        ("Idempotency-Key", "é"),
        ("If-Match", "3"),
        ("If-Match", "*"),
        ("If-Match", 'W/"3"'),
        ("If-Match", '"-1"'),
        ("If-Match", '"99999999999999999999"'),
    ],
)
async def test_a_header_of_another_form_is_named(
    client: httpx.AsyncClient, bearer: dict[str, str], header: str, value: str
) -> None:
    answer = await client.put(
        f"/registrations/{REGISTRATION}/part", json=A_PART, headers={**bearer, header: value.encode("utf-8")}
    )
    assert (answer.status_code, answer.json()["field"]) == (422, header)


async def test_who_is_not_signed_in_learns_nothing_of_what_was_wrong_with_a_part(client: httpx.AsyncClient) -> None:
    answer = await client.put(f"/registrations/{REGISTRATION}/part", json={"born": "soon"})
    assert (answer.status_code, answer.json()["code"]) == (401, "chassis.not_signed_in")
