"""JSON Schema: per event its wire form, and the opened form of what lies under each seal."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from rinnan_contracts.published import name_of, sealed_forms
from rinnan_events import Event, events, sealed_forms_of

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
JWE_COMPACT: Final = r"^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"

Schema = dict[str, Any]


def json_schemas() -> Mapping[str, Schema]:
    """Every published schema by its name. Published closed: what is not named is not said."""
    wires = {kind: _wire(event) for kind, event in events().items()}
    opened = {name: _published(name, form) for name, form in sealed_forms().items()}
    return {**wires, **opened}


def _wire(event: type[Event]) -> Schema:
    schema = _published(event.type, event)
    for name, form in sealed_forms_of(event):
        owner = "the event's party" if "party_id" in event.model_fields else "the registration as a whole"
        seal: Schema = {
            "type": "string",
            "pattern": JWE_COMPACT,
            "description": f"JWE compact, sealed for the group `{form.group}` under the key of {owner}.",
            "x-seal-group": form.group.value,
            "x-opened": f"urn:rinnan:schema:{name_of(form)}",
        }
        optional = not event.model_fields[name].is_required()
        schema["properties"][name] = {"anyOf": [seal, {"type": "null"}], "default": None} if optional else seal
    return schema


def _published(name: str, model: type[BaseModel]) -> Schema:
    plain = _closed(model.model_json_schema(mode="validation"))
    plain.pop("title", None)
    plain.pop("description", None)
    head = {"$schema": DIALECT, "$id": f"urn:rinnan:schema:{name}", "title": model.__name__}
    return {**head, "description": inspect.cleandoc(model.__doc__ or ""), **plain}


def _closed(value: Any) -> Any:
    """Objects with named fields take no other field; generated titles, which only repeat a name, are left out."""
    if isinstance(value, list):
        return [_closed(each) for each in value]
    if not isinstance(value, dict):
        return value
    told = {name: _closed(each) for name, each in value.items() if not _only_repeats(name, each)}
    if told.get("type") == "object" and "properties" in told:
        told["additionalProperties"] = False
    return told


def _only_repeats(name: str, value: Any) -> bool:
    return name == "title" and isinstance(value, str)
