"""What may follow a released schema: a new optional field, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from rinnan_contracts.compatibility import breaks
from rinnan_contracts.json_schemas import json_schemas

Schema = dict[str, Any]
ALL = json_schemas()
RECORD = ALL["sealed.record.client_record.v1"]


def changed(change: Callable[[Schema], object]) -> Schema:
    after = deepcopy(RECORD)
    change(after)
    return after


def test_an_unchanged_schema_may_follow() -> None:
    assert all(breaks(schema, schema) == [] for schema in ALL.values())


def test_an_optional_field_may_be_added_however_deep() -> None:
    field = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    after = changed(lambda schema: schema["$defs"]["Contact"]["properties"].update(preferred=field))
    assert breaks(RECORD, after) == []


def test_words_for_people_may_change() -> None:
    assert breaks(RECORD, changed(lambda schema: schema.update(description="Better said."))) == []


def test_a_definition_may_move() -> None:
    moved = json.loads(json.dumps(RECORD).replace("#/$defs/Contact", "#/$defs/Reached"))
    moved["$defs"]["Reached"] = moved["$defs"].pop("Contact")
    assert breaks(RECORD, moved) == []


BREAKING: list[tuple[Callable[[Schema], object], str]] = [
    (lambda schema: schema["$defs"]["Contact"]["properties"].pop("phone"), "phone: is no longer said"),
    (lambda schema: schema["$defs"]["Contact"]["required"].append("email"), "email: is demanded, and was not"),
    (lambda schema: schema["required"].remove("county"), "county: may be missing, and could not"),
    (lambda schema: schema["properties"]["opened_at"].update(type="integer"), "opened_at.type: was 'string'"),
    (lambda schema: schema["properties"]["opened_at"].pop("format"), "opened_at.format: was 'date-time'"),
    (lambda schema: schema["properties"]["county"].update(pattern="^a$"), "county.pattern: was None"),
    (lambda schema: schema["$defs"]["Scope"]["enum"].append("triple"), "scope.enum: was ['joint', 'single']"),
    (
        lambda schema: schema["$defs"]["Contact"]["properties"]["hide_caller"].update(default=False),
        "hide_caller.default: was True",
    ),
    (lambda schema: schema.pop("additionalProperties"), "additionalProperties: was False"),
]


@pytest.mark.parametrize(("change", "said"), BREAKING)
def test_everything_else_is_a_new_major_version(change: Callable[[Schema], object], said: str) -> None:
    told = breaks(RECORD, changed(change))
    assert any(said in each for each in told), told
