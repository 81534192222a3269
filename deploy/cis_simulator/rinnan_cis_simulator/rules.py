"""What a write must be before it is let in. The simulator is strict, so that what it takes is worth taking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

TYPES = ("Patient", "RelatedPerson", "ServiceRequest", "QuestionnaireResponse", "Consent", "Task")
REFERENCE = re.compile(rb'"reference":"([^"]*)"')  # a quotation mark inside a JSON string is always escaped


class Refused(Exception):  # noqa: N818 - what a server says
    """The server says no; `why` names places and rules, never values."""

    def __init__(self, status: int, code: str, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.code = code
        self.why = why

    def outcome(self) -> dict[str, Any]:
        """The refusal as an OperationOutcome."""
        return {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": self.code, "diagnostics": self.why}],
        }


@dataclass(frozen=True, slots=True)
class Token:
    """A search by identifier."""

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class Create:
    """One resource to create unless its match is there. `body` is its JSON; `own` its name inside the bundle."""

    type: str
    body: bytes
    identifiers: tuple[Token, ...]
    own: str | None
    unless: Token | None

    @property
    def references(self) -> set[str]:
        """Everything that the resource points to."""
        return {found.decode() for found in REFERENCE.findall(self.body)}


def parse(body: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object in a body."""
    if content_type.split(";", maxsplit=1)[0].strip() not in {"application/fhir+json", "application/json"}:
        raise Refused(415, "not-supported", "the body is not application/fhir+json")
    try:
        found: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "structure", "the body is not JSON") from None
    if not isinstance(found, dict):
        raise Refused(400, "structure", "the body is not a JSON object")
    return cast("dict[str, Any]", found)


def transaction(bundle: dict[str, Any], *, validates: bool) -> list[Create]:
    """The creates of a transaction bundle, each found in order."""
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "transaction":
        raise Refused(400, "structure", "only a transaction Bundle may be posted here")
    entries = _entries(bundle)
    if validates:
        bare = [{key: told for key, told in entry.items() if key != "resource"} for entry in entries]
        conforms({**bundle, "entry": bare} if bare else bundle)
        for entry in entries:
            conforms(entry["resource"])
    found = [_entry(number, entry) for number, entry in enumerate(entries)]
    names = [create.own for create in found if create.own]
    if len(set(names)) != len(names):
        raise Refused(400, "duplicate", "two entries have one fullUrl")
    return found


def conforms(resource: dict[str, Any]) -> None:
    """Refuse unknown elements, missing required ones and wrong types, as R4 has them.

    The model takes milliseconds, so what was sound once is believed again in the same shape: the same elements holding
    the same kinds of value. A date that is none is a shape of its own.
    """
    shape = _shape(resource, "")
    if shape in _sound:
        return
    name = str(resource.get("resourceType"))
    try:
        get_fhir_model_class(name).model_validate(resource)
    except (KeyError, LookupError):
        raise Refused(400, "structure", "no such resource type in R4") from None
    except ValidationError as wrong:
        places = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['type']}" for error in wrong.errors())
        raise Refused(422, "invalid", places) from None
    if len(_sound) < MOST_SHAPES:
        _sound.add(shape)


MOST_SHAPES = 10_000
DATES = frozenset({"birthDate", "authored", "authoredOn", "dateTime", "start", "end"})
DIGIT = re.compile(r"\d")
_sound: set[object] = set()


def _shape(node: Any, name: str) -> object:
    if isinstance(node, dict):
        return tuple((key, _shape(told, key)) for key, told in cast("dict[str, Any]", node).items())
    if isinstance(node, list):
        return ("list", *(_shape(told, name) for told in cast("list[Any]", node)))
    if not isinstance(node, str) or name == "resourceType":
        return node if isinstance(node, str) else type(node)
    if name in DATES:
        return DIGIT.sub("9", node) if _is_date(node) else node
    return "text" if node and node == node.strip() else node


def _is_date(told: str) -> bool:
    try:
        return bool(datetime.fromisoformat(told))
    except ValueError:
        return False


def _entries(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    told: object = bundle.get("entry", [])
    entries = cast("list[object]", told) if isinstance(told, list) else [None]
    for number, entry in enumerate(entries):
        resource = cast("dict[str, object]", entry).get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            raise Refused(400, "structure", f"entry {number} is not the creation of a resource")
    return cast("list[dict[str, Any]]", entries)


def create(resource: dict[str, Any], own: str | None, unless: str | None) -> Create:
    """A create of one resource."""
    name = str(resource.get("resourceType"))
    if name not in TYPES:
        raise Refused(422, "not-supported", f"{name} cannot be created here")
    return Create(name, orjson.dumps(resource), tuple(_identifiers(resource)), own, token(unless) if unless else None)


def token(query: str) -> Token:
    """The identifier in `identifier=system|value`, the only condition there is."""
    match parse_qsl(query.removeprefix("?"), keep_blank_values=True):
        case [("identifier", value)] if "|" in value:
            system, _, value = value.partition("|")
            return Token(system, value)
        case _:
            raise Refused(400, "not-supported", "the only condition is identifier=system|value")


def _entry(number: int, entry: dict[str, Any]) -> Create:
    resource, request = entry["resource"], entry.get("request", {})
    if request.get("method") != "POST" or request.get("url") != resource.get("resourceType"):
        raise Refused(400, "not-supported", f"entry {number} is not the creation of a resource")
    return create(resource, entry.get("fullUrl"), request.get("ifNoneExist"))


def _identifiers(resource: dict[str, Any]) -> Iterator[Token]:
    told: Any = resource.get("identifier", ())
    for one in cast("list[dict[str, Any]]", [told] if isinstance(told, dict) else told):
        if one.get("system") and one.get("value"):
            yield Token(one["system"], one["value"])
