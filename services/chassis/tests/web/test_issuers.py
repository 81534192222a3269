import asyncio
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from rinnan_chassis.deciding import Unavailable
from rinnan_chassis.web import Doors, Issuers, NotSignedIn, Problems, Right, Staff, application, issuers_of
from rinnan_chassis.web.issuers import Keys, ParentIssuer, StaffIssuer

JWKS = "https://login.example/keys"
PARENTS = ParentIssuer(
    kind="parent", issuer="https://login.example", audience="rinnan", jwks_uri=JWKS, strong_acr=frozenset({"strong"})
)
COUNTY = StaffIssuer(
    kind="staff", issuer="https://staff.example", audience="rinnan", counties=frozenset({"90", "91"}), jwks_uri=JWKS
)


class Provider:
    """A provider's key page: which keys lie on it, whether it answers, how often it was asked."""

    def __init__(self) -> None:
        self.keys: list[Any] = [RSAKey.generate_key(2048, {"kid": "one"})]
        self.asked = 0
        self.away = False

    async def __call__(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise httpx.ConnectError("away")
        return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.keys]})


@pytest.fixture(scope="module")
def provider_with_keys() -> Provider:
    return Provider()


@pytest.fixture
def provider(provider_with_keys: Provider) -> Iterator[Provider]:
    keys = list(provider_with_keys.keys)
    provider_with_keys.asked, provider_with_keys.away = 0, False
    yield provider_with_keys
    provider_with_keys.keys = keys


@pytest.fixture
def client_of(provider: Provider) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(provider))


@pytest.fixture
def issuers(client_of: httpx.AsyncClient, clock: Any) -> Issuers:
    return Issuers([PARENTS, COUNTY], clock, client_of)


def token(provider: Provider, clock: Any, *, key: Any = None, alg: str = "RS256", **claims: Any) -> str:
    key = key or provider.keys[0]
    now = int(clock.now().timestamp())
    told = {
        "iss": PARENTS.issuer,
        "aud": "rinnan",
        "sub": "person-1",
        "iat": now,
        "exp": now + 300,
        "acr": "strong",
        "given_name": "Áile Ŋiŋá",
        "family_name": "Šïŧž",
        "birthdate": "1990-02-28",
    } | claims
    return jwt.encode({"alg": alg, "kid": key.kid}, told, key, algorithms=[alg])


async def test_a_person_is_who_the_issuer_says(issuers: Issuers, provider: Provider, clock: Any) -> None:
    person = await issuers.person(token(provider, clock, **{"urn:oid:1.2.246.21": "280290-9001"}))
    assert (person.given_names, person.family_name, person.birth_date) == ("Áile Ŋiŋá", "Šïŧž", date(1990, 2, 28))
    assert (person.identity_code, person.strong, person.non_disclosure) == ("280290-9001", True, None)


async def test_a_person_without_code_or_birth_date_is_a_person(
    issuers: Issuers, provider: Provider, clock: Any
) -> None:
    person = await issuers.person(token(provider, clock, birthdate=None, acr="password", non_disclosure=True))
    assert (person.identity_code, person.birth_date, person.strong, person.non_disclosure) == (None, None, False, True)


async def test_a_person_with_a_single_name_is_a_person(issuers: Issuers, provider: Provider, clock: Any) -> None:
    person = await issuers.person(token(provider, clock, given_name=None, family_name="Suryani"))
    assert (person.given_names, person.family_name) == ("", "Suryani")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"aud": []},
        {"iss": "https://evil.example"},
        {"iss": 7},
        {"exp": 1},
        {"iat": 10**11},
        {"nbf": 4_000_000_000},
        {"sub": ""},
        {"given_name": 7},
        {"family_name": None},
        {"birthdate": "1990-02-30"},
        {"acr": ["strong"]},
        {"urn:oid:1.2.246.21": 7},
    ],
)
async def test_claims_that_do_not_hold_sign_nobody_in(
    issuers: Issuers, provider: Provider, clock: Any, claims: dict[str, Any]
) -> None:
    with pytest.raises(NotSignedIn):
        await issuers.person(token(provider, clock, **claims))


async def test_a_token_of_an_issuer_ends_by_the_clock_port(issuers: Issuers, provider: Provider, clock: Any) -> None:
    shown = token(provider, clock)
    clock.shown += timedelta(minutes=5)
    with pytest.raises(NotSignedIn):
        await issuers.person(shown)


async def test_a_parent_is_no_member_of_staff(issuers: Issuers, provider: Provider, clock: Any) -> None:
    with pytest.raises(NotSignedIn):
        await issuers.staff(token(provider, clock, county="90", rights=["act"]))


async def test_a_member_of_staff_has_the_rights_that_are_known(
    issuers: Issuers, provider: Provider, clock: Any
) -> None:
    told = {"iss": COUNTY.issuer, "sub": "staff-7", "county": "90"}
    for rights in (["life", "act", "everything"], "life act everything"):
        staff = await issuers.staff(token(provider, clock, **told, rights=rights))
        assert (staff.subject, staff.county, staff.rights) == ("staff-7", "90", {Right.LIFE, Right.ACT})


async def test_staff_without_a_county_are_not_signed_in(issuers: Issuers, provider: Provider, clock: Any) -> None:
    with pytest.raises(NotSignedIn):
        await issuers.staff(token(provider, clock, iss=COUNTY.issuer, rights=["life"]))


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_three_kinds_of_keys_sign(issuers: Issuers, provider: Provider, clock: Any) -> None:
    curve, edwards = ECKey.generate_key("P-256", {"kid": "two"}), OKPKey.generate_key("Ed25519", {"kid": "three"})
    provider.keys += [curve, edwards]
    for key, alg in ((curve, "ES256"), (edwards, "EdDSA"), (edwards, "Ed25519")):
        assert (await issuers.person(token(provider, clock, key=key, alg=alg))).subject == "person-1"


async def test_other_algorithms_do_not_sign(issuers: Issuers, provider: Provider, clock: Any) -> None:
    with pytest.raises(NotSignedIn):
        await issuers.person(token(provider, clock, alg="RS512"))


async def test_a_foreign_key_under_a_known_name_does_not_sign(issuers: Issuers, provider: Provider, clock: Any) -> None:
    with pytest.raises(NotSignedIn):
        await issuers.person(token(provider, clock, key=RSAKey.generate_key(2048, {"kid": "one"})))


async def test_keys_are_fetched_once(issuers: Issuers, provider: Provider, clock: Any) -> None:
    shown = token(provider, clock)
    await asyncio.gather(*(issuers.person(shown) for _ in range(10)))
    assert provider.asked == 1


async def test_a_new_key_is_looked_for_once_the_rest_is_over(provider: Provider, client_of: httpx.AsyncClient) -> None:
    new = ECKey.generate_key("P-256", {"kid": "new"})
    keys = Keys(PARENTS, client_of, rest=0.2)
    await keys.holding("one")
    provider.keys = [*provider.keys, new]
    for _ in range(20):
        assert not any(key.kid == "new" for key in (await keys.holding("new")).keys)
    assert provider.asked == 1
    await asyncio.sleep(0.21)
    assert any(key.kid == "new" for key in (await keys.holding("new")).keys)
    assert provider.asked == 2


async def test_known_keys_go_on_while_the_issuer_is_away(provider: Provider, client_of: httpx.AsyncClient) -> None:
    keys = Keys(PARENTS, client_of, fresh=0)
    known = await keys.holding("one")
    provider.away = True
    assert await keys.holding("one") is known


async def test_an_issuer_that_was_never_reached_is_unavailable(
    issuers: Issuers, provider: Provider, clock: Any
) -> None:
    provider.away = True
    with pytest.raises(Unavailable):
        await issuers.person(token(provider, clock))


async def test_an_issuer_speaks_for_its_own_counties_only(issuers: Issuers, provider: Provider, clock: Any) -> None:
    assert (await issuers.staff(token(provider, clock, iss=COUNTY.issuer, county="91"))).county == "91"
    for county in ("92", "*", "", ["90"], None):
        with pytest.raises(NotSignedIn):
            await issuers.staff(token(provider, clock, iss=COUNTY.issuer, county=county))


async def test_an_issuer_of_the_whole_installation_speaks_for_every_county(
    provider: Provider, client_of: httpx.AsyncClient, clock: Any
) -> None:
    issuers = Issuers([COUNTY.model_copy(update={"counties": frozenset({"*"})})], clock, client_of)
    assert (await issuers.staff(token(provider, clock, iss=COUNTY.issuer, county="92"))).county == "92"


@pytest.mark.parametrize(("counties", "given"), [({"90"}, set[Right]()), ({"*"}, {Right.OPERATE})])
async def test_only_an_issuer_of_the_whole_installation_gives_the_right_to_operate(
    provider: Provider, client_of: httpx.AsyncClient, clock: Any, counties: set[str], given: set[Right]
) -> None:
    issuers = Issuers([COUNTY.model_copy(update={"counties": frozenset(counties)})], clock, client_of)
    staff = await issuers.staff(token(provider, clock, iss=COUNTY.issuer, county="90", rights="life operate"))
    assert staff.rights == {Right.LIFE, *given}


@pytest.mark.parametrize(("rights", "status"), [(["life"], 403), (["act"], 403), (["life", "act"], 200), ([], 403)])
async def test_a_staff_door_asks_for_all_its_rights(
    issuers: Issuers, provider: Provider, clock: Any, problems: Problems, *, rights: list[str], status: int
) -> None:
    router = APIRouter()
    door = Doors(issuers=issuers).staff(Right.LIFE, Right.ACT)

    @router.get("/acts")
    async def acts(staff: Annotated[Staff, Depends(door)]) -> str:
        return staff.subject

    app = application("A room", "1", [router], problems)
    shown = token(provider, clock, iss=COUNTY.issuer, county="90", rights=rights)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://room") as client:
        answer = await client.get("/acts", headers={"Authorization": f"Bearer {shown}"})
    assert answer.status_code == status


def test_issuers_are_read_from_toml_and_json(tmp_path: Path) -> None:
    told: dict[str, Any] = {"kind": "staff", "issuer": "https://staff.example", "audience": "rinnan"}
    told |= {"counties": ["90"], "jwks_file": "keys.json"}
    as_json, as_toml = tmp_path / "issuers.json", tmp_path / "issuers.toml"
    as_json.write_text(json.dumps([told]))
    as_toml.write_text("[[issuers]]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in told.items()))
    assert issuers_of(as_json) == issuers_of(as_toml)
    assert issuers_of(as_json)[0].jwks_file == tmp_path / "keys.json"


@pytest.mark.parametrize(
    "changed",
    [
        {"jwks_uri": "http://staff.example/keys"},
        {"jwks_uri": None},
        {"jwks_file": "keys.json"},
        {"counties": None},
        {"counties": []},
        {"colour": "red"},
        {"kind": "stranger"},
    ],
)
def test_an_unsafe_or_unknown_setting_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    path = tmp_path / "issuers.json"
    path.write_text(json.dumps([COUNTY.model_dump(mode="json") | changed]))
    with pytest.raises(ValueError, match=r"."):
        issuers_of(path)


def test_an_issuer_told_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "issuers.json"
    path.write_text(json.dumps([COUNTY.model_dump(mode="json")] * 2))
    with pytest.raises(ValueError, match="twice"):
        issuers_of(path)


def test_a_provider_on_loopback_may_speak_plain_http() -> None:
    assert StaffIssuer.model_validate(COUNTY.model_dump() | {"jwks_uri": "http://127.0.0.1:8089/keys"})
