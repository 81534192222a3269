"""States and payloads as JSON documents whose sealed parts stay handles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson
from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from rinnan_events import AtRest, Sealed

Seal = Callable[[Sealed[Any]], Sealed[Any]]
RowOf = Callable[[Sealed[Any]], str]


@cache
def adapter(state: type[Any]) -> TypeAdapter[Any]:
    """The reader and writer of one type of state."""
    return TypeAdapter(state)


def write_state(kind: type[Any], state: object, seal: Seal, row: RowOf) -> str:
    """A state as JSON; `seal` is asked for every part that is not sealed yet, `row` where a part's token rests."""
    return adapter(kind).dump_json(state, context={"unsealed": seal, "row": row}).decode()


def read_state(kind: type[Any], text: str, rests: AtRest) -> Any:
    """A state read back from where it rests."""
    return adapter(kind).validate_json(text, context=rests)


def write_payload(payload: Mapping[str, Any], seal: Seal) -> str:
    """JSON values and sealed parts as JSON."""
    return to_json(payload, fallback=lambda value: _part(value, seal)).decode()


def read_payload(text: str, rests: AtRest) -> dict[str, Any]:
    """A payload read back from where it rests, its sealed parts as handles again."""
    return {name: _revive(value, rests) for name, value in from_json(text).items()}


_PART: TypeAdapter[Sealed[Any]] = TypeAdapter(Sealed[Any])


def _part(value: object, seal: Seal) -> Any:
    if not isinstance(value, Sealed):
        raise TypeError(f"{type(value).__name__} is no JSON value")
    return _PART.dump_python(value, context={"unsealed": seal})


def _revive(value: Any, rests: AtRest) -> Any:
    match value:
        case {"jwe": _}:
            return _PART.validate_python(value, context=rests)
        case dict():
            return {name: _revive(inner, rests) for name, inner in value.items()}
        case list():
            return [_revive(inner, rests) for inner in value]
        case _:
            return value


def compact(value: object) -> str:
    """Small JSON for headers and notes."""
    return orjson.dumps(value).decode()
