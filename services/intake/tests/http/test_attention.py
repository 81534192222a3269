from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from rinnan_events.risk_screening import ScreeningCompleted

if TYPE_CHECKING:
    from conftest import House

pytestmark = pytest.mark.stack

AINO = {"family_name": "Öhman-Šaari", "given_names": "Aino", "identity_code": "010190-900P"}
BERT = {"family_name": "عبد", "given_names": "Bert", "identity_code": "020291-901E"}


async def test_who_took_a_doubt_up_is_told_with_the_rooms_operations(house: House) -> None:
    registration = UUID((await house.starts(AINO, BERT)).json()["registration_id"])
    party, given_at = await house.party_of(AINO, str(registration)), house.stage.clock.now()
    house.stage.clock.pass_by(days=15)
    await house.stage.works()
    screened = ScreeningCompleted(registration_id=registration, party_id=party, version=1, completed_at=given_at)
    await house.stage.hears(screened)
    await house.http.post(f"/attention/{registration}/heard_after_ending", headers=house.as_staff("act"))
    acts = await house.stage.operations.acts(registration)
    assert [(act["by"].rpartition("#")[2], act["verb"], act["why"]) for act in acts] == [
        ("s-17", "doubt_taken_up", "heard_after_ending")
    ]
