"""No name of a test shows what may be somebody's own."""

from __future__ import annotations

import pytest

SAMPLES = (
    "aino@example.org",
    "+358 50 1",
    "010190-900P",
    "Öhman",
    "Aino Esimerkki",
    b"Aino Esimerkki",
    "not_a_date",
    "2019-02-30",
    7,
)


@pytest.mark.parametrize("value", SAMPLES)
def test_a_value_that_may_be_somebodys_is_named_by_its_argument(value: object, request: pytest.FixtureRequest) -> None:
    plain = {"not_a_date", "2019-02-30", 7}
    shown = request.node.callspec.id
    assert shown == str(value) if value in plain else shown.startswith("value")
