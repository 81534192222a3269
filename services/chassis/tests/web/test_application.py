from __future__ import annotations

import json
import re
from typing import Annotated

import httpx
import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI

from rinnan_chassis.web import Doors, PartyToken, Problems, application

QUIET = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("GET", "/fails/bug"), ("POST", "/parts")])
async def test_every_answer_is_quiet(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert QUIET.items() <= dict(answer.headers).items()
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_no_pages_of_documentation_are_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_a_wrong_method_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/parts")
    assert (answer.status_code, answer.json()["code"]) == (405, "chassis.method_not_allowed")
    assert answer.headers["Allow"] == "POST"


def test_the_contract_tells_of_problems_and_nothing_else_for_errors(app: FastAPI) -> None:
    told = app.openapi()
    for path in told["paths"].values():
        for operation in path.values():
            assert set(operation["responses"]) == {"200", "default"}
            assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]
    assert "HTTPValidationError" not in json.dumps(told)
    assert {"Problem", "Part", "Child"} <= set(told["components"]["schemas"])


def test_every_reference_in_the_contract_leads_somewhere(app: FastAPI) -> None:
    told = app.openapi()
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(told)))
    assert named <= set(told["components"]["schemas"])


def test_operations_are_named_by_their_functions(app: FastAPI, problems: Problems) -> None:
    told = app.openapi()["paths"]
    assert told["/parts"]["post"]["operationId"] == "write_a_part"
    assert told["/registrations/{registration_id}"]["get"]["operationId"] == "read_mine"


def a_room_that_tells_its_trace(problems: Problems) -> httpx.AsyncClient:
    router = APIRouter()

    @router.get("/trace")
    async def trace() -> str:
        return structlog.contextvars.get_contextvars()["traceparent"]

    app = application("A room", "1", [router], problems)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://room")


async def test_a_callers_trace_goes_on(problems: Problems) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with a_room_that_tells_its_trace(problems) as client:
        told = (await client.get("/trace", headers={"traceparent": parent})).json()
    assert told.split("-")[1] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert told != parent


@pytest.mark.parametrize("parent", ["", "\x00", "00-zz-1-01", "010190-9000"])
async def test_a_trace_that_cannot_be_read_is_replaced(problems: Problems, parent: str) -> None:
    async with a_room_that_tells_its_trace(problems) as client:
        told = (await client.get("/trace", headers={"traceparent": parent})).json()
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", told)


async def test_a_trace_is_bound_to_its_request_alone(client: httpx.AsyncClient) -> None:
    await client.get("/nowhere")
    assert "traceparent" not in structlog.contextvars.get_contextvars()


def test_a_door_that_would_be_read_as_a_parameter_is_refused_at_start(problems: Problems) -> None:
    router = APIRouter()
    doors = Doors()

    @router.get("/mine")
    async def mine(party: Annotated[PartyToken, Depends(doors.party)]) -> str:  # postponed, and `doors` is local
        return party.county

    with pytest.raises(TypeError, match="postponed"):
        application("A room", "1", [router], problems)
