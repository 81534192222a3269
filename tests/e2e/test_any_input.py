"""Whatever is sent to any address of any room, made from its own OpenAPI document: an answer that it promises."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.e2e.house import House

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

EACH = 12
HARD_TO_MAKE = (HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.too_slow)
SHORTEST = 6
"""A shorter value may stand in an answer by chance."""


def made(operation: Any, mode: GenerationMode) -> list[Case[Any]]:
    """Requests for one operation, always the same ones: as the document wants them, or wrong in some one place."""
    found: list[Case[Any]] = []

    @seed(20260303)
    @settings(
        max_examples=EACH, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=HARD_TO_MAKE
    )
    @given(operation.as_strategy(generation_mode=mode))
    def keep(case: Case[Any]) -> None:
        found.append(case)

    try:
        keep()
    except Unsatisfiable:  # nothing can be wrong with what takes no input
        return []
    return found


def sent(case: Case[Any], house: House, *, known: bool) -> requests.PreparedRequest | None:
    """The request as it goes over the wire, signed in as the document asks; None where HTTP itself has no form."""
    if known and "registration_id" in (case.path_parameters or {}):
        case.path_parameters["registration_id"] = str(house.registration)
    try:
        told = case.as_transport_kwargs(base_url="http://room.invalid")
        told["headers"] = {**told["headers"], **house.token_for(case.operation.definition.raw)}
        told.pop("timeout", None)
        return requests.Request(**told).prepare()
    except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
        return None


async def answered(http: httpx.AsyncClient, request: requests.PreparedRequest) -> httpx.Response:
    body = request.body.encode() if isinstance(request.body, str) else request.body
    assert isinstance(body, bytes | None)
    headers = {name: value if isinstance(value, str) else value.decode() for name, value in request.headers.items()}
    return await http.request(str(request.method), str(request.url), headers=headers, content=body)


def values(case: Case[Any]) -> Iterator[str]:
    """Every text of the input that is long enough to be known again."""
    waiting: list[Any] = [case.body, case.query, case.path_parameters]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, str) and len(value) >= SHORTEST:
            yield value


def faults(answer: httpx.Response, case: Case[Any]) -> Iterator[str]:
    """What is wrong with an answer."""
    if answer.status_code >= 500:
        yield "it failed"
    if answer.is_success and str(answer.status_code) not in case.operation.definition.raw["responses"]:
        yield "this success is not in the document"
    if not answer.is_error:
        try:
            case.validate_response(answer, checks=[response_schema_conformance, content_type_conformance])
        except FailureGroup as other:
            yield f"its body is not as in the document: {other.exceptions[0].title}"
        return
    if answer.headers.get("content-type") != "application/problem+json":
        yield "it is no problem+json"
        return
    problem = answer.json()
    told = json.dumps([problem["title"], problem.get("told"), [each["title"] for each in problem.get("errors", ())]])
    if any(value in told for value in values(case)):
        yield "it repeats the input"


async def test_every_answer_is_one_that_is_promised(house: House) -> None:
    wrong: set[str] = set()
    statuses: dict[int, int] = {}
    asked: set[tuple[str, str, str]] = set()
    for name, room in house.rooms.items():
        for result in schemathesis.openapi.from_dict(room.document).get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            address = (name, operation.method.upper(), operation.path)
            if address not in {each[:3] for each in house.operations()}:
                continue
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                for number, case in enumerate(made(operation, mode)):
                    request = sent(case, house, known=number % 2 == 0)
                    if request is None:
                        continue
                    asked.add(address)
                    answer = await answered(room.http, request)
                    statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
                    wrong |= {f"{' '.join(address)} {answer.status_code}: {fault}" for fault in faults(answer, case)}
    assert wrong == set()
    assert asked == {each[:3] for each in house.operations()}
    assert statuses.keys() >= {200, 404, 422}
