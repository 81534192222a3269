"""The simulator is strict about what it takes, honest about what it did, and misbehaves exactly as told."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

CIS = "/pirha/fhir"
OWN = "urn:ietf:rfc:3986"
MARE = "urn:uuid:3c1b7b4e-5f0e-5d5c-8b0a-0a1b2c3d4e5f"
TASK = "urn:uuid:7e57d004-2b97-5e7a-b45f-5387367791cd"


def a_patient(value: str = MARE, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": OWN, "value": value}], **more}


def a_task(about: str = MARE) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "identifier": [{"system": OWN, "value": TASK}],
        "status": "requested",
        "intent": "order",
        "for": {"reference": about},
    }


def an_entry(own: str, resource: dict[str, Any], **more: Any) -> dict[str, Any]:
    match = f"identifier={OWN}|{own}"
    request = {"method": "POST", "url": resource["resourceType"], "ifNoneExist": match}
    return {"fullUrl": own, "resource": resource, "request": request, **more}


def a_transaction(*entries: dict[str, Any]) -> dict[str, Any]:
    told = entries or (an_entry(MARE, a_patient()), an_entry(TASK, a_task()))
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(told)}


def statuses(answer: httpx.Response) -> list[str]:
    return [entry["response"]["status"][:3] for entry in answer.json()["entry"]]


async def effects(http: httpx.AsyncClient) -> dict[str, int]:
    return (await http.get("/admin/effects")).json().get("pirha", {})


async def behaves(http: httpx.AsyncClient, **told: Any) -> None:
    answer = await http.put("/admin/behaviour/pirha", json=told, headers={"Content-Type": "application/json"})
    assert answer.status_code == 204


async def test_a_transaction_creates_and_its_references_point_to_what_stands(http: httpx.AsyncClient) -> None:
    answer = await http.post(CIS, json=a_transaction())
    patient, task = (entry["response"]["location"].split("/_history")[0] for entry in answer.json()["entry"])
    assert statuses(answer) == ["201", "201"]
    assert (await http.get(f"{CIS}/{task}")).json()["for"] == {"reference": patient}


async def test_the_same_transaction_again_creates_nothing(http: httpx.AsyncClient) -> None:
    first = await http.post(CIS, json=a_transaction())
    again = await http.post(CIS, json=a_transaction())
    assert statuses(again) == ["200", "200"]
    assert [one["response"]["location"] for one in again.json()["entry"]] == [
        one["response"]["location"] for one in first.json()["entry"]
    ]
    assert await effects(http) == {MARE: 1, TASK: 1}


async def test_equal_transactions_at_once_create_once(http: httpx.AsyncClient) -> None:
    await asyncio.gather(*(http.post(CIS, json=a_transaction()) for _ in range(20)))
    assert set((await effects(http)).values()) == {1}


async def test_one_condition_twice_in_a_bundle_creates_once(http: httpx.AsyncClient) -> None:
    twin = an_entry(MARE, a_patient(), fullUrl="urn:uuid:00000000-0000-5000-8000-000000000001")
    assert statuses(await http.post(CIS, json=a_transaction(an_entry(MARE, a_patient()), twin))) == ["201", "200"]


async def test_servers_know_nothing_of_each_other(http: httpx.AsyncClient) -> None:
    await http.post(CIS, json=a_transaction())
    found = await http.get("/vakehyva/fhir/Task", params={"identifier": f"{OWN}|{TASK}"})
    assert found.json()["total"] == 0


@pytest.mark.parametrize(
    ("bundle", "status"),
    [
        (a_transaction(an_entry(MARE, a_patient(birthdate="2017-01-01"))), 422),
        (a_transaction(an_entry(MARE, a_patient(birthDate="2017-02-30"))), 422),
        (a_transaction(an_entry(TASK, {**a_task(), "status": None})), 422),
        (a_transaction(an_entry(TASK, a_task())), 400),
        (a_transaction(an_entry(MARE, a_patient()), an_entry(MARE, a_patient())), 400),
        (a_transaction(an_entry(MARE, a_patient(), request={"method": "PUT", "url": "Patient"})), 400),
        (a_transaction(an_entry(MARE, {"resourceType": "Basic", "code": {"text": "x"}})), 422),
        ({"resourceType": "Bundle", "type": "batch"}, 400),
    ],
    ids=["unknown element", "impossible date", "missing element", "dangling", "twice", "not a create", "type", "batch"],
)
async def test_what_is_wrong_is_refused_and_leaves_nothing(
    http: httpx.AsyncClient, bundle: dict[str, Any], status: int
) -> None:
    good = an_entry("urn:uuid:0d4c1f6e-58a3-5a39-8f5c-71f0e6d2b902", a_patient("urn:uuid:x"))
    answer = await http.post(CIS, json={**bundle, "entry": [good, *bundle.get("entry", ())]})
    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")
    assert await effects(http) == {}


@pytest.mark.parametrize("entry", ["text", [None], [{"resource": "text"}], [{}], {"resource": {}}])
async def test_entries_that_are_none_are_refused(http: httpx.AsyncClient, entry: object) -> None:
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entry}
    assert (await http.post(CIS, json=bundle)).status_code == 400


async def test_what_is_wrong_is_refused_also_after_the_same_shape_was_sound(http: httpx.AsyncClient) -> None:
    for born, status in (("2017-02-28", 200), ("2017-02-30", 422), ("", 422)):
        answer = await http.post(CIS, json=a_transaction(an_entry(MARE, a_patient(birthDate=born))))
        assert answer.status_code == status


async def test_a_refusal_repeats_no_value(http: httpx.AsyncClient) -> None:
    answer = await http.post(CIS, json=a_transaction(an_entry(MARE, a_patient(birthDate="a secret"))))
    assert "a secret" not in answer.text


async def test_a_condition_with_several_matches_is_412_and_leaves_nothing(http: httpx.AsyncClient) -> None:
    for _ in range(2):
        await http.post(f"{CIS}/Patient", json=a_patient())
    answer = await http.post(CIS, json=a_transaction())
    assert answer.status_code == 412
    assert await effects(http) == {MARE: 2}


async def test_a_single_create_heeds_its_condition(http: httpx.AsyncClient) -> None:
    condition = {"If-None-Exist": f"identifier={OWN}|{MARE}"}
    made = [await http.post(f"{CIS}/Patient", json=a_patient(), headers=condition) for _ in range(2)]
    assert [one.status_code for one in made] == [201, 200]
    assert made[0].headers["location"] == made[1].headers["location"]


async def test_a_search_by_form_finds_what_a_search_by_address_finds(http: httpx.AsyncClient) -> None:
    await http.post(CIS, json=a_transaction())
    sought = {"identifier": f"{OWN}|{MARE}"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    by_address = (await http.get(f"{CIS}/Patient", params=sought)).json()
    by_form = (await http.post(f"{CIS}/Patient/_search", data=sought, headers=form)).json()
    assert by_address["entry"][0]["resource"]["identifier"][0]["value"] == MARE
    assert by_address == by_form


async def test_a_search_that_is_not_understood_is_refused(http: httpx.AsyncClient) -> None:
    assert (await http.get(f"{CIS}/Patient", params={"family": "x"})).status_code == 400


@pytest.mark.parametrize(
    ("told", "status", "left"),
    [
        ({"mood": "refuses"}, 422, 0),
        ({"mood": "conflicts"}, 409, 0),
        ({"mood": "ambiguous"}, 412, 0),
        ({"mood": "down"}, 503, 0),
        ({"mood": "half_done"}, 500, 1),
        ({"mood": "doubles"}, 200, 4),
        ({"effect": False}, 200, 0),
    ],
)
async def test_a_server_does_as_it_is_told(
    http: httpx.AsyncClient, told: dict[str, Any], status: int, left: int
) -> None:
    await behaves(http, **told)
    assert (await http.post(CIS, json=a_transaction())).status_code == status
    await behaves(http)
    assert sum((await effects(http)).values()) == left


async def test_a_server_that_is_down_answers_no_search_either(http: httpx.AsyncClient) -> None:
    await behaves(http, mood="down")
    answer = await http.get(f"{CIS}/Task", params={"identifier": f"{OWN}|{TASK}"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_mood_for_the_next_writes_passes(http: httpx.AsyncClient) -> None:
    await behaves(http, mood="refuses", writes=2)
    assert [(await http.post(CIS, json=a_transaction())).status_code for _ in range(3)] == [422, 422, 200]


async def test_an_answer_may_come_long_after_the_effect(http: httpx.AsyncClient) -> None:
    await behaves(http, answer_after_seconds=0.3)
    writing = asyncio.create_task(http.post(CIS, json=a_transaction()))
    await asyncio.sleep(0.15)
    assert (await effects(http), writing.done()) == ({MARE: 1, TASK: 1}, False)
    assert (await writing).status_code == 200


async def test_an_effect_may_come_long_after_the_write(http: httpx.AsyncClient) -> None:
    await behaves(http, effect_after_seconds=0.3)
    writing = asyncio.create_task(http.post(CIS, json=a_transaction()))
    await asyncio.sleep(0.15)
    assert await effects(http) == {}
    await writing
    assert await effects(http) == {MARE: 1, TASK: 1}


async def test_bodies_are_kept_only_where_told(http: httpx.AsyncClient) -> None:
    await http.post(CIS, json=a_transaction())
    await behaves(http, keeps_bodies=True)
    await http.post(CIS, json=a_transaction())
    assert len((await http.get("/admin/bodies/pirha")).json()) == 1


async def test_a_behaviour_that_nobody_knows_is_refused(http: httpx.AsyncClient) -> None:
    told = {"json": {"mood": "merry"}, "headers": {"Content-Type": "application/json"}}
    assert (await http.put("/admin/behaviour/pirha", **told)).status_code == 422


async def test_the_page_shows_what_arrived_and_needs_no_script(http: httpx.AsyncClient) -> None:
    await http.post(CIS, json=a_transaction())
    page = (await http.get("/")).text
    assert "<h2>pirha</h2>" in page
    assert "<script" not in page


def test_what_was_answered_as_stored_survives_a_kill(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    for expected in ("201", "200"):
        process = _started(port, tmp_path / "cis.sqlite")
        try:
            answer = httpx.post(
                f"http://127.0.0.1:{port}{CIS}",
                json=a_transaction(),
                headers={"Content-Type": "application/fhir+json"},
                trust_env=False,
            )
            assert statuses(answer) == [expected, expected]
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


def _started(port: int, store: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "rinnan_cis_simulator", "--port", str(port), "--store", str(store)]
    process = subprocess.Popen(command)  # noqa: S603 - our own module
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return process
    process.kill()
    process.wait()
    raise TimeoutError("the simulator did not start")
