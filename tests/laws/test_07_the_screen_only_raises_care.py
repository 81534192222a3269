"""Law 7, The screen only raises care: whatever is answered, the registration arrives with what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from rinnan_events.opened import Route
from rinnan_local.families import Screening
from tests.laws.conftest import House, run

pytestmark = [pytest.mark.stack, pytest.mark.slow]

CARE = list(Route)  # in the order of growing care
Records = Mapping[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def arrived(house: House) -> Records:
    """What the system was sent of families that differ in nothing but their screenings."""
    return run(_arrived(house))


async def _arrived(house: House) -> Records:
    server = house.server(house.places.system)
    found: dict[str, list[dict[str, Any]]] = {}
    async with house.systems() as systems, house.staff(house.places.system, "operator") as operator:
        await systems.behave(server, keeps_bodies=True)
        for screening, family in house.cast.screened.items():
            async with house.played(family) as play:
                await house.delivery(operator, play.registration_id, "confirmed")
                (body,) = await house.bodies(server, play.registration_id)
                found[screening] = [entry["resource"] for entry in orjson.loads(body)["entry"]]
    return found


def routes(resources: list[dict[str, Any]]) -> list[Route]:
    """The care routes in a record."""
    said = orjson.dumps(resources).decode()
    return [route for route in Route for _ in range(said.count(f'"code":"{route}"'))]


def services(resources: list[dict[str, Any]]) -> list[list[str]]:
    asked = [one for one in resources if one["resourceType"] == "ServiceRequest"]
    return [[detail["coding"][0]["code"] for detail in one["orderDetail"]] for one in asked]


def test_the_route_of_a_positive_screen_is_above_that_of_a_negative_one(arrived: Records) -> None:
    negative, positive = (routes(arrived[each]) for each in (Screening.ALL_NEGATIVE, Screening.ALL_POSITIVE))
    assert len(negative) == len(positive) == 2
    assert max(map(CARE.index, negative)) < min(map(CARE.index, positive))


def test_declining_the_screen_is_never_below_answering_it_in_the_negative(arrived: Records) -> None:
    negative, declined = (routes(arrived[each]) for each in (Screening.ALL_NEGATIVE, Screening.DECLINED))
    assert len(declined) == 2
    assert max(map(CARE.index, negative)) <= min(map(CARE.index, declined))


def test_the_screen_neither_takes_a_service_away_nor_adds_one(house: House, arrived: Records) -> None:
    for screening, family in house.cast.screened.items():
        assert services(arrived[screening]) == [list(parent.services) for parent in family.parents]
