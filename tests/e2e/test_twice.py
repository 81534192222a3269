"""The same command twice, two devices at once: one effect, and answers that fit together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from httpx import Response

from tests.e2e.house import House
from tests.e2e.test_bad_input import CONTACT, ONE_OF, WHOLE, ask

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

KEY = "Idempotency-Key"


def repeatable(house: House) -> list[str]:
    """The addresses that take a key against repeats."""
    return [
        f"{name} {method} {path}"
        for name, method, path, operation in house.operations()
        if any(each["name"] == KEY for each in operation.get("parameters", ()))
    ]


async def sent(house: House, address: str, key: str) -> Response:
    body: dict[str, Any] = {"json": WHOLE[address]} if address in WHOLE else {}
    return await ask(house, address, headers={KEY: key}, **body)


async def test_of_two_devices_at_once_one_wins_and_the_other_reads_that_it_changed(house: House) -> None:
    address = f"intake PUT {ONE_OF}/contact"
    intake = house.rooms["intake"]
    seen = await intake.http.get(f"/registrations/{house.registration}", headers=house.as_party())
    version = {"If-Match": seen.headers["etag"]}
    answers = await asyncio.gather(*(ask(house, address, json=CONTACT, headers=version) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    refused = next(answer for answer in answers if answer.is_error)
    assert refused.json()["code"] == "intake.changed_elsewhere"


async def test_a_command_that_comes_twice_at_once_under_one_key_is_answered_alike(house: House) -> None:
    addresses = repeatable(house)
    assert len(addresses) > 15
    for number, address in enumerate(addresses):
        one, other = await asyncio.gather(*(sent(house, address, f"key-{number}") for _ in range(2)))
        assert (one.status_code, one.content) == (other.status_code, other.content), address
        assert one.status_code in {200, 201, 202, 404, 409, 412}, address
