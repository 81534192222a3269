from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import House

pytestmark = pytest.mark.stack

AINO = {"family_name": "Öhman-Šaari", "given_names": "Aino", "identity_code": "010190-900P"}
BERT = {"family_name": "عبد", "given_names": "Bert", "identity_code": "020291-901E"}
CHILD = {"family_name": "Öhman-Šaari", "given_names": "Ylva", "birth_date": "2019-05-06"}


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"other": {"identity_code": "020291-901A"}}, "/other/identity_code", "intake.identity_code_wrong"),
        ({"other": {"family_name": "Bert"}}, "/other", "intake.person_not_named"),
        ({"children": []}, "/children", "chassis.too_short"),
        ({"children": [{**CHILD, "birth_date": "2019-02-30"}]}, "/children/0/birth_date", "chassis.not_a_date"),
        ({"children": [{**CHILD, "birth_date": "2199-01-01"}]}, "/children/0/birth_date", "intake.date_impossible"),
        (
            {"children": [{**CHILD, "given_names": "\u202eYlva"}]},
            "/children/0/given_names",
            "chassis.forbidden_characters",
        ),
        ({"children": [{**CHILD, "given_names": "Y" * 10_000}]}, "/children/0/given_names", "chassis.too_long"),
        (
            {"children": [{**CHILD, "given_names": "Ylva 🙂"}]},
            "/children/0/given_names",
            "chassis.forbidden_characters",
        ),
        ({"county": "nowhere"}, "/county", "intake.unknown_county"),
        ({"other": AINO}, "/other", "intake.same_person"),
        ({"extra": 1}, "/extra", "chassis.unknown_field"),
        ({"contact": {"language": "fi", "email": "no mail"}}, "/contact/email", "chassis.wrong_form"),
    ],
)
async def test_bad_input_is_named_and_leaves_nothing(
    house: House, change: dict[str, Any], field: str, code: str
) -> None:
    answer = await house.http.post(
        "/registrations", json={**house.start(BERT), **change}, headers=house.as_person(AINO)
    )
    assert (answer.status_code, answer.json().get("field"), answer.json()["code"]) == (422, field, code)
    count = "select (select count(*) from subject) + (select count(*) from claim) + (select count(*) from outbox)"
    assert await house.stage.batches.database.fetchval(count) == 0
