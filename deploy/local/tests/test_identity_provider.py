"""Test persons sign in as OpenID Connect says, and what they are given verifies against the published keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from rinnan_chassis.clock import FileClock
from rinnan_local.clock import LocalClock
from rinnan_local.families import load_families, persons
from rinnan_local.identity_provider import TEST_PERSON, NotOnLoopback, create_app, kept_key, new_key
from rinnan_local.people import load_staff, parents_claims, staff_claims

ADDRESS = "http://127.0.0.1:20100"
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
VERIFIER = "a-verifier-that-is-long-enough-for-pkce-by-far"
CHALLENGE = "nbj7cNID-j1xv03ebxhoqZdvWPttBCTLc3oriTzUwzc"
REQUEST = {
    "response_type": "code",
    "client_id": "portal",
    "redirect_uri": "http://127.0.0.1:20200/back",
    "scope": "openid",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "state": "s",
    "nonce": "n",
}
PEOPLE = {"parents": parents_claims(), "staff": staff_claims(load_staff())}


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return new_key()


@pytest.fixture
async def provider(key: RSAKey, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    clock = LocalClock.start(tmp_path / "clock.json", at=MONDAY, rate=0)
    app = create_app(ADDRESS, PEOPLE, key, FileClock(clock.path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS) as client:
        yield client


async def _claims(provider: httpx.AsyncClient, realm: str, token: str) -> dict[str, Any]:
    published = (await provider.get(f"/{realm}/jwks")).json()
    return jwt.decode(token, KeySet.import_key_set(published), algorithms=["RS256"]).claims


async def _direct(provider: httpx.AsyncClient, realm: str, person: str) -> dict[str, Any]:
    answer = await provider.post(f"/{realm}/token", data={"grant_type": TEST_PERSON, "person": person})
    return await _claims(provider, realm, answer.json()["access_token"])


async def _sign_in(provider: httpx.AsyncClient, person: str) -> dict[str, list[str]]:
    page = await provider.get("/parents/authorize", params=REQUEST)
    hidden = page.text.split('name="request" value="')[1].split('"')[0].replace("&#34;", '"')
    answer = await provider.post("/parents/authorize", data={"request": hidden, "person": person})
    return parse_qs(urlsplit(answer.headers["location"]).query)


async def _exchange(provider: httpx.AsyncClient, code: str, verifier: str = VERIFIER) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    return await provider.post("/parents/token", data={**form, "redirect_uri": REQUEST["redirect_uri"]})


async def test_a_parent_signs_in_by_the_code_flow(provider: httpx.AsyncClient) -> None:
    back = await _sign_in(provider, "aino-makela")
    tokens = (await _exchange(provider, back["code"][0])).json()
    claims = await _claims(provider, "parents", tokens["id_token"])
    assert back["state"] == ["s"]
    assert (claims["aud"], claims["nonce"], claims["family_name"]) == ("portal", "n", "Mäkelä")


async def test_a_code_is_used_up_by_one_exchange(provider: httpx.AsyncClient) -> None:
    code = (await _sign_in(provider, "aino-makela"))["code"][0]
    await _exchange(provider, code)
    assert (await _exchange(provider, code)).status_code == 400


async def test_a_code_is_worth_nothing_without_the_verifier(provider: httpx.AsyncClient) -> None:
    code = (await _sign_in(provider, "aino-makela"))["code"][0]
    assert (await _exchange(provider, code, verifier="another-verifier-of-a-thief-who-saw-it")).status_code == 400


async def test_a_redirect_to_another_machine_is_refused(provider: httpx.AsyncClient) -> None:
    request = {**REQUEST, "redirect_uri": "http://elsewhere.example/back"}
    assert (await provider.get("/parents/authorize", params=request)).status_code == 400


async def test_a_program_gets_a_parents_token_that_verifies_against_the_published_keys(
    provider: httpx.AsyncClient,
) -> None:
    claims = await _direct(provider, "parents", "noora-rask")
    assert claims["national_id"] == persons(load_families())["noora-rask"].identity_code
    assert (claims["acr"], claims["aud"], claims["non_disclosure"]) == ("strong", "rinnan", True)


async def test_a_parent_without_an_identity_code_has_no_such_claim(provider: httpx.AsyncClient) -> None:
    assert "national_id" not in await _direct(provider, "parents", "omar-haddad")


async def test_a_member_of_staff_has_a_county_and_rights(provider: httpx.AsyncClient) -> None:
    claims = await _direct(provider, "staff", "lapha-operator")
    assert (claims["county"], claims["rights"]) == ("lapha", ["life", "operate"])


async def test_parents_and_staff_have_issuers_of_their_own(provider: httpx.AsyncClient) -> None:
    configuration = (await provider.get("/staff/.well-known/openid-configuration")).json()
    assert configuration["issuer"] == f"{ADDRESS}/staff"
    assert (await _direct(provider, "parents", "aino-makela"))["iss"] == f"{ADDRESS}/parents"


async def test_a_token_is_of_the_time_that_the_clock_port_shows(provider: httpx.AsyncClient) -> None:
    assert (await _direct(provider, "parents", "aino-makela"))["iat"] == MONDAY.timestamp()


async def test_a_subject_tells_nothing_of_the_person(provider: httpx.AsyncClient) -> None:
    subject = (await _direct(provider, "parents", "aino-makela"))["sub"]
    assert "aino" not in subject.lower()


async def test_somebody_unknown_gets_no_token(provider: httpx.AsyncClient) -> None:
    answer = await provider.post("/parents/token", data={"grant_type": TEST_PERSON, "person": "lapha-operator"})
    assert answer.status_code == 400


def test_it_refuses_to_be_reachable_from_elsewhere(key: RSAKey, tmp_path: Path) -> None:
    clock = FileClock(LocalClock.start(tmp_path / "clock.json").path)
    with pytest.raises(NotOnLoopback):
        create_app("http://192.0.2.1:20100", PEOPLE, key, clock)


def test_a_provider_that_comes_back_signs_with_the_same_key(tmp_path: Path) -> None:
    assert kept_key(tmp_path / "key.json").kid == kept_key(tmp_path / "key.json").kid


def test_every_county_has_two_members_of_staff_who_may_act() -> None:
    acting = [one.county for one in load_staff() if {"act", "bodies"} <= set(one.rights)]
    assert {county: acting.count(county) for county in acting} == {"vakehyva": 2, "lapha": 2, "pirha": 2}
