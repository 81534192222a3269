"""A host that renders: documents sealed at rest, read only by those who may, and every look kept."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

import rinnan_host
from rinnan_chassis.web import Doors, Issuers, Problems, application, issuers_of, untold
from rinnan_events.adapter import Outcome
from rinnan_host import app
from rinnan_host.api import routes
from rinnan_host.samples import AINO

if TYPE_CHECKING:
    from conftest import House

ISSUER = "https://sign-in.invalid/staff"


@dataclass
class Reading:
    """The documents' API of a host, and a member of staff."""

    http: httpx.AsyncClient
    key: ECKey
    now: int

    async def get(self, path: str, rights: str = "life bodies protected", county: str = "vakehyva") -> httpx.Response:
        claims = {"iss": ISSUER, "aud": "staff", "iat": self.now, "exp": self.now + 600, "sub": "aino"}
        whole = {**claims, "county": county, "rights": rights}
        token = jwt.encode({"alg": "ES256", "kid": self.key.kid}, whole, self.key, algorithms=["ES256"])
        return await self.http.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
async def reading(printing: House, tmp_path: Path) -> AsyncIterator[Reading]:
    key = ECKey.generate_key("P-256", auto_kid=True)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [{**key.as_dict(private=False), "kid": key.kid}]}))
    told = [{"kind": "staff", "issuer": ISSUER, "audience": "staff", "counties": ["*"], "jwks_file": "keys.json"}]
    (tmp_path / "issuers.json").write_text(json.dumps(told))
    async with httpx.AsyncClient() as client:
        stage = printing.stage
        doors = Doors(issuers=Issuers(issuers_of(tmp_path / "issuers.json"), stage.clock, client))
        problems = Problems.load(app.HERE / "problems.toml")
        web = application("host", "0", routes(stage.desk, doors, printing.here), problems)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://host") as http:
            yield Reading(http, key, int(stage.clock.now().timestamp()))


def test_every_refusal_has_words_in_every_language() -> None:
    assert untold(rinnan_host, Problems.load(app.HERE / "problems.toml")) == []


async def rendered(house: House) -> tuple[UUID, ...]:
    await house.stage.hears(house.render())
    (said,) = await house.answers()
    assert said.outcome is Outcome.PACKAGE_RENDERED
    return said.document_ids


@pytest.mark.stack
async def test_nothing_of_a_document_rests_in_the_clear(printing: House) -> None:
    await rendered(printing)
    rows = await printing.stage.batches.database.fetch("select document::text as row from document")
    assert len(rows) == 3
    assert not any("Nieminen" in row["row"] or "<p>" in row["row"] for row in rows)


@pytest.mark.stack
async def test_a_document_is_read_byte_for_byte(printing: House, reading: Reading) -> None:
    cover, first, _ = await rendered(printing)
    answer = await reading.get(f"/documents/{cover}")
    assert (answer.content, answer.headers["content-type"]) == (b"<p>cover</p>", "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'; style-src")
    again = await reading.get(f"/documents/{first}")
    assert again.content.count(b"Nieminen") == 400


@pytest.mark.stack
async def test_every_look_is_kept_and_can_be_read_by_staff_who_see_lives(printing: House, reading: Reading) -> None:
    cover, *_ = await rendered(printing)
    await reading.get(f"/documents/{cover}")
    path = f"/deliveries/{printing.delivery}/looks"
    (look,) = (await reading.get(path)).json()
    assert (look["actor"], look["document_id"]) == (f"{ISSUER}#aino", str(cover))
    assert (await reading.get(path, "bodies protected act")).status_code == 403


@pytest.mark.stack
async def test_the_looks_of_a_delivery_are_found_by_an_index(printing: House) -> None:
    async with printing.stage.batches.database.acquire() as tx, tx.transaction():
        await tx.execute("set local enable_seqscan = off")
        plan = await tx.fetch("explain select actor from look where delivery_id = $1", printing.delivery)
    assert any("Index Cond: (delivery_id" in line[0] for line in plan)


@pytest.mark.stack
@pytest.mark.parametrize(
    ("rights", "status"), [("life bodies", 403), ("life protected act", 403), ("bodies protected", 200)]
)
async def test_a_protected_document_needs_both_rights(
    printing: House, reading: Reading, rights: str, status: int
) -> None:
    _, annex, _ = await rendered(printing)
    assert (await reading.get(f"/documents/{annex}", rights)).status_code == status
    looks = await printing.stage.batches.database.fetchval("select count(*) from look")
    assert looks == (1 if status == 200 else 0)


@pytest.mark.stack
async def test_the_list_names_documents_and_shows_nothing_of_them(printing: House, reading: Reading) -> None:
    await rendered(printing)
    listed = await reading.get(f"/registrations/{printing.registration}/documents", "life")
    assert [(each["name"], each["protected"]) for each in listed.json()] == [
        ("annex.pdf", True),
        ("annex.pdf", True),
        ("cover.html", False),
    ]


@pytest.mark.stack
async def test_another_countys_staff_find_no_document(printing: House, reading: Reading) -> None:
    cover, *_ = await rendered(printing)
    assert (await reading.get(f"/documents/{cover}", county="lapha")).status_code == 404


@pytest.mark.stack
async def test_rendering_again_gives_the_same_documents(printing: House) -> None:
    first = await rendered(printing)
    await printing.stage.hears(printing.render(2))
    _, again = await printing.answers()
    assert again.document_ids == first


@pytest.mark.stack
async def test_a_recall_takes_the_documents_back(printing: House, reading: Reading) -> None:
    cover, *_ = await rendered(printing)
    printing.stage.clock.pass_by(minutes=1)
    await printing.stage.hears(printing.recall())
    await printing.stage.works()
    assert (await reading.get(f"/documents/{cover}")).status_code == 404


@pytest.mark.stack
async def test_a_package_asked_for_after_the_recall_stays_whatever_runs_first(
    printing: House, reading: Reading
) -> None:
    cover, *_ = await rendered(printing)
    printing.stage.clock.pass_by(minutes=1)
    recall = await printing.stage.item(printing.recall())
    printing.stage.clock.pass_by(seconds=1)
    again = await printing.stage.item(printing.render(2, look_first=True))
    await printing.stage.batches.decide([again])
    await printing.stage.works()
    await printing.stage.batches.decide([recall])
    await printing.stage.works()
    assert (await reading.get(f"/documents/{cover}")).status_code == 200


@pytest.mark.stack
async def test_a_leavers_documents_cannot_be_read_by_anybody(printing: House, reading: Reading) -> None:
    _, *annexes = await rendered(printing)
    await printing.stage.batches.keyring.destroy(printing.registration, [AINO])
    assert sorted([(await reading.get(f"/documents/{annex}")).status_code for annex in annexes]) == [200, 404]


@pytest.mark.stack
@pytest.mark.parametrize("gone", [AINO, None])
async def test_a_package_with_somebody_in_it_who_was_forgotten_meanwhile_is_certainly_not_made(
    printing: House, gone: UUID | None
) -> None:
    await printing.stage.hears(printing.render())
    await printing.stage.batches.keyring.destroy(printing.registration, [gone])
    (said,) = await printing.answers()
    assert (said.outcome, said.reason) == (Outcome.UNAVAILABLE, "forgotten")


@pytest.mark.stack
async def test_documents_are_not_kept_for_ever(printing: House) -> None:
    await rendered(printing)
    printing.stage.clock.pass_by(days=61)
    await printing.stage.works()
    assert await printing.stage.batches.database.fetchval("select count(*) from document") == 0


@pytest.mark.stack
async def test_a_renderer_that_fails_is_told_as_away(printing: House) -> None:
    printing.shelf.fails = True
    await printing.stage.hears(printing.render())
    (said,) = await printing.answers()
    assert (said.outcome, said.reason) == (Outcome.UNAVAILABLE, "rendering_failed")
