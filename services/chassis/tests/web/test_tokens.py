from __future__ import annotations

import base64
import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, OKPKey, RSAKey

from rinnan_chassis.web import NotSignedIn, PartyTokenCheck, PartyTokens, public_keys

REGISTRATION = UUID("6f6f5ed8-2f0c-4a2a-9f5d-3d6f3a2b1c11")
PARTY = UUID("0d9a3a41-5f06-4b8c-8f52-7f7c0c1b6a01")


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    piece = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)))


def signed(claims: dict[str, Any], key: OKPKey) -> str:
    return jwt.encode({"alg": "Ed25519", "kid": key.kid}, claims, key, algorithms=["Ed25519"])


def test_a_party_token_says_who_acts_for_which_part(check: PartyTokenCheck, a_token: str, clock: Any) -> None:
    token = check.read(a_token)
    assert (token.registration_id, token.party_id, token.county, token.act) == (REGISTRATION, PARTY, "90", None)
    assert token.deadline == clock.now() + timedelta(days=14)
    assert token.expires_at == clock.now() + timedelta(minutes=15)
    assert token.pins == {"form": "1"}


def test_a_token_names_the_professional_who_fills_in(tokens: PartyTokens, check: PartyTokenCheck, clock: Any) -> None:
    token = tokens.issue(
        registration_id=REGISTRATION, party_id=PARTY, county="90", deadline=clock.now(), pins={}, act="staff-7"
    )
    assert check.read(token).act == "staff-7"


@pytest.mark.parametrize(("until", "minutes"), [(None, 15), (timedelta(days=1), 15), (timedelta(minutes=4), 4)])
def test_a_party_token_lives_fifteen_minutes_and_never_past_its_end(
    tokens: PartyTokens, check: PartyTokenCheck, clock: Any, until: timedelta | None, minutes: int
) -> None:
    end = None if until is None else clock.now() + until
    token = tokens.issue(
        registration_id=REGISTRATION, party_id=PARTY, county="90", deadline=clock.now(), pins={}, until=end
    )
    assert check.read(token).expires_at == clock.now() + timedelta(minutes=minutes)


def test_two_tokens_of_one_party_are_two(tokens: PartyTokens, clock: Any) -> None:
    told: dict[str, Any] = {
        "registration_id": REGISTRATION, "party_id": PARTY, "county": "90", "deadline": clock.now(), "pins": {}
    }  # fmt: skip
    assert claims_of(tokens.issue(**told))["jti"] != claims_of(tokens.issue(**told))["jti"]


def test_a_token_ends_by_the_clock_port(check: PartyTokenCheck, a_token: str, clock: Any) -> None:
    clock.shown += timedelta(minutes=15)
    with pytest.raises(NotSignedIn):
        check.read(a_token)


def test_a_token_from_the_future_is_not_believed(check: PartyTokenCheck, a_token: str, clock: Any) -> None:
    clock.shown -= timedelta(minutes=5)
    with pytest.raises(NotSignedIn):
        check.read(a_token)


@pytest.mark.parametrize(
    "claim", ["iss", "aud", "sub", "iat", "exp", "jti", "registration", "county", "deadline", "pins"]
)
def test_every_claim_is_needed(check: PartyTokenCheck, a_token: str, signing_key: OKPKey, claim: str) -> None:
    claims = claims_of(a_token)
    assert check.read(signed(claims, signing_key))
    del claims[claim]
    with pytest.raises(NotSignedIn):
        check.read(signed(claims, signing_key))


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "someone"),
        ("aud", "rinnan.staff"),
        ("sub", "not an id"),
        ("sub", 7),
        ("exp", "tomorrow"),
        ("exp", 10**30),
        ("exp", True),
        ("deadline", "2026-03-02T09:00:00"),
        ("pins", ["form"]),
        ("pins", {"form": 1}),
        ("act", "staff-7"),
        ("act", {}),
        ("exp", 1_900_000_000),
    ],
)
def test_a_claim_of_another_shape_is_not_believed(
    check: PartyTokenCheck, a_token: str, signing_key: OKPKey, claim: str, value: Any
) -> None:
    with pytest.raises(NotSignedIn):
        check.read(signed(claims_of(a_token) | {claim: value}, signing_key))


def forged(a_token: str, signing_key: OKPKey) -> dict[str, str]:
    """The same claims, each time under something that is not the one signature."""
    claims = claims_of(a_token)
    header, body, signature = a_token.split(".")
    stranger = OKPKey.generate_key("Ed25519", {"kid": "spring"})
    rsa = RSAKey.generate_key(2048, {"kid": "spring"})
    public = json.dumps(signing_key.as_dict(private=False)).encode()
    secret = OctKey.import_key(base64.b64encode(public).decode() * 2)
    other_party = part(claims | {"sub": str(uuid4())})
    return {
        "foreign": signed(claims, stranger),
        "tampered": f"{header}.{other_party}.{signature}",
        "unsigned": f"{header}.{body}.",
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "alg None": f"{part({'alg': 'None'})}.{body}.",
        "another algorithm": jwt.encode({"alg": "RS256", "kid": "spring"}, claims, rsa, algorithms=["RS256"]),
        "the public key as a secret": jwt.encode(
            {"alg": "HS256", "kid": "spring"}, claims, secret, algorithms=["HS256"]
        ),
        "a key of its own": jwt.encode(
            {"alg": "Ed25519", "jwk": stranger.as_dict(private=False)}, claims, stranger, algorithms=["Ed25519"]
        ),
        "no token": "abc",
        "not text": "é.é.é",
        "empty": "..",
        "endless": "a" * 20_000,
        "two parts": f"{header}.{body}",
    }


def is_refused(check: PartyTokenCheck, token: str) -> bool:
    try:
        check.read(token)
    except NotSignedIn:
        return True
    return False


def test_only_the_one_signature_is_believed(check: PartyTokenCheck, a_token: str, signing_key: OKPKey) -> None:
    for how, token in forged(a_token, signing_key).items():
        assert is_refused(check, token), how


async def test_every_unbelieved_token_gets_the_same_answer_and_is_not_logged(
    client: httpx.AsyncClient, a_token: str, signing_key: OKPKey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    expired = signed(claims_of(a_token) | {"exp": 1}, signing_key)
    other = signed(claims_of(a_token) | {"aud": "rinnan.other"}, signing_key)
    bearers = [*forged(a_token, signing_key).values(), expired, other]
    nobody = await client.get(f"/registrations/{REGISTRATION}")
    for token in bearers:
        answer = await client.get(
            f"/registrations/{REGISTRATION}", headers={"Authorization": b"Bearer " + token.encode("utf-8")}
        )
        assert (answer.status_code, answer.content) == (401, nobody.content)
        assert answer.headers == nobody.headers
        assert token[:40] not in caplog.text.replace(str(REGISTRATION), "") or len(token) < 5
    assert nobody.headers["WWW-Authenticate"] == "Bearer"


def test_public_keys_are_read_from_a_file(tmp_path: Path, signing_key: OKPKey) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [signing_key.as_dict(private=False)]}))
    assert isinstance(public_keys(path), KeySet)


@pytest.mark.parametrize("told", ["[]", '{"keys": [{}]}', '{"keys": [{"kty": "oct", "k": "AAAA"}]}', "{"])
def test_what_is_no_set_of_public_keys_is_refused(tmp_path: Path, told: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(told)
    with pytest.raises(ValueError, match=r"."):
        public_keys(path)


def test_a_private_key_among_the_public_ones_is_refused(tmp_path: Path, signing_key: OKPKey) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [signing_key.as_dict(private=True)]}))
    with pytest.raises(ValueError, match="secret"):
        public_keys(path)


def test_a_public_key_cannot_issue(signing_key: OKPKey, clock: Any) -> None:
    with pytest.raises(ValueError, match="private"):
        PartyTokens(OKPKey.import_key(signing_key.as_dict(private=False)), clock)
