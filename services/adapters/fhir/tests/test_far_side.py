"""Each thing that a far side may do has one name, and only what is certain is called certain."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from rinnan_fhir import far_side
from rinnan_fhir.adapter import OFFER, FhirAdapter
from rinnan_fhir.settings import FhirSettings
from rinnan_host.port import AlreadyThere, Reason, Rejected, Unavailable, Unknown, Written, key_of, offer
from rinnan_host.samples import a_joint_record

RECORD = a_joint_record()
KEY = key_of(RECORD)


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (400, {}, Rejected(Reason.NOT_VALID)),
        (422, {}, Rejected(Reason.NOT_VALID)),
        (412, {}, Rejected(Reason.AMBIGUOUS)),
        (401, {}, Unavailable(Reason.NOT_ALLOWED)),
        (404, {}, Unavailable(Reason.NOT_CAPABLE)),
        (429, {}, Unavailable(Reason.BUSY)),
        (503, {"Retry-After": "5"}, Unavailable(Reason.BUSY)),
        (503, {}, Unknown(Reason.FAR_SIDE_FAILED)),
        (500, {}, Unknown(Reason.FAR_SIDE_FAILED)),
        (504, {}, Unknown(Reason.FAR_SIDE_FAILED)),
        (302, {}, Unknown(Reason.ANSWER_NOT_UNDERSTOOD)),
    ],
)
def test_an_answer_says_what_the_far_side_did(status: int, headers: dict[str, str], said: object) -> None:
    assert far_side.refusal(httpx.Response(status, headers=headers)) == said


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"resourceType":"Bundle","type":"transaction-response"}'])
def test_a_success_that_cannot_be_read_is_unknown(body: bytes) -> None:
    assert far_side.written(httpx.Response(200, content=body), 1) == Unknown(Reason.ANSWER_NOT_UNDERSTOOD)


@pytest.mark.parametrize(
    "location", ["Task/7", "Task/7/_history/1", "https://cis.example/fhir/Task/7/_history/1", "/fhir/Task/7"]
)
def test_a_receipt_is_short_however_the_far_side_says_it(location: str) -> None:
    told = {
        "resourceType": "Bundle",
        "type": "transaction-response",
        "entry": [{"response": {"status": "201 Created", "location": location}}],
    }
    assert far_side.written(httpx.Response(200, json=told), 1) == Written("Task/7", None)


def test_a_search_tells_more_than_one_effect() -> None:
    entries = [{"resource": {"id": "9"}}, {"resource": {"id": "8"}}]
    assert far_side.standing({"resourceType": "Bundle", "type": "searchset", "entry": entries}) == ("Task/8", 2)


async def test_nobody_listening_is_unavailable(free_port: int, adapter_at: Any) -> None:
    adapter = adapter_at(f"http://127.0.0.1:{free_port}/fhir")
    assert await adapter.write(RECORD, KEY) == Unavailable(Reason.UNREACHABLE)
    await adapter.aclose()


async def test_a_line_cut_in_the_middle_of_an_answer_is_unknown(adapter: FhirAdapter, far_side: Any) -> None:
    await far_side.behaves(mood="cuts")
    assert isinstance(await adapter.write(RECORD, KEY), Unknown)


async def test_a_lost_race_is_asked_again(adapter: FhirAdapter, far_side: Any) -> None:
    await far_side.behaves(mood="conflicts", writes=1)
    assert isinstance(await adapter.write(RECORD, KEY), Written)


async def test_a_race_that_is_lost_again_and_again_is_unavailable(adapter_at: Any, far_side: Any) -> None:
    await far_side.behaves(mood="conflicts")
    adapter = adapter_at(far_side.base_url, write_timeout=timedelta(seconds=2))
    assert await adapter.write(RECORD, KEY) == Unavailable(Reason.CONFLICT)
    assert len(await far_side.arrived()) == 4
    await adapter.aclose()


async def test_several_matches_are_for_a_person(adapter: FhirAdapter, far_side: Any) -> None:
    await far_side.behaves(mood="ambiguous")
    assert await adapter.write(RECORD, KEY) == Rejected(Reason.AMBIGUOUS)


async def test_a_far_side_that_doubles_is_seen_by_the_count(adapter: FhirAdapter, far_side: Any) -> None:
    await far_side.behaves(mood="doubles")
    written = await adapter.write(RECORD, KEY)
    assert isinstance(written, Written)
    assert written.effects == 2


async def test_half_a_transaction_is_not_found_and_is_completed_by_the_next_write(
    adapter: FhirAdapter, far_side: Any
) -> None:
    await far_side.behaves(mood="half_done")
    assert isinstance(await adapter.write(RECORD, KEY), Unknown)
    assert not isinstance(await adapter.find(KEY), AlreadyThere)
    await far_side.recovers()
    assert isinstance(await adapter.write(RECORD, KEY), Written)
    assert set((await far_side.all_effects()).values()) == {1}


async def test_a_write_that_takes_effect_after_the_time_out_is_found_once_it_settled(
    adapter: FhirAdapter, far_side: Any
) -> None:
    await far_side.behaves(effect_after_seconds=1.3)
    assert isinstance(await adapter.write(RECORD, KEY), Unknown)
    await asyncio.sleep(0.5)
    assert isinstance(await adapter.find(KEY), AlreadyThere)


async def test_a_person_who_is_there_already_is_used_and_not_changed(adapter: FhirAdapter, far_side: Any) -> None:
    aino = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:oid:1.2.246.21", "value": "050586-902J"}],
        "name": [{"family": "Before"}],
    }
    made = await far_side.admin.post(
        f"/{far_side.name}/fhir/Patient", json=aino, headers={"Content-Type": "application/fhir+json"}
    )
    patient = made.headers["location"].split("/_history")[0]
    await adapter.write(RECORD, KEY)
    search = {"identifier": f"urn:ietf:rfc:3986|urn:uuid:{KEY.identifier('joint-request', RECORD.parties[0].party_id)}"}
    found = (await far_side.admin.get(f"/{far_side.name}/fhir/ServiceRequest", params=search)).json()
    assert found["entry"][0]["resource"]["subject"] == {"reference": patient}
    assert (await far_side.admin.get(f"/{far_side.name}/fhir/{patient}")).json()["name"] == [{"family": "Before"}]


async def test_a_server_without_transactions_does_not_pass_the_check(adapter_at: Any) -> None:
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [{"interaction": []}]}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = httpx.Response(200, json=statement).content
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    adapter = adapter_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir")
    assert await adapter.check() == Rejected(Reason.NOT_CAPABLE)
    await adapter.aclose()
    server.close()


async def test_the_bearer_secret_is_sent_and_never_stands_in_the_settings(adapter_at: Any) -> None:
    adapter = adapter_at("http://127.0.0.1:9/fhir", bearer_secret="county_token")
    assert adapter._http.headers["authorization"] == "Bearer the county_token"
    await adapter.aclose()


@pytest.mark.parametrize("wrong", [{"colour": "blue"}, {"client_key": "key.pem"}, {"mapping": "../r4.toml"}])
def test_settings_that_are_not_right_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FhirSettings.model_validate(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"settle_after": None},
        {"settle_after": timedelta(seconds=0.1)},
        {"address": None},
        {"address": "cis"},
        {"address": "http://cis.example.org/fhir"},
    ],
)
def test_a_place_that_is_not_whole_is_refused(adapter_at: Any, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="needs"):
        adapter_at(**{"address": "http://127.0.0.1:9/fhir", **wrong})


def test_the_adapter_is_found_by_its_name() -> None:
    assert offer("fhir") is OFFER


@pytest.fixture
def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]
