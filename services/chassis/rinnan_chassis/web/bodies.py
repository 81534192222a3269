"""What a request body may be: JSON of a size, a depth and a shape, read strictly, with text that can be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, Final, Self, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, GetCoreSchemaHandler, StringConstraints, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rinnan_chassis.web.characters import is_name, is_plain
from rinnan_chassis.web.pointers import pointer
from rinnan_chassis.web.problems import Fault, NotValid, Problems

MOST_BYTES: Final = 64 * 1024
MOST_LEVELS: Final = 12
LINE_LENGTH: Final = 200

_READ_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PLACES_SHOWN = 20
_DIGITS = 9


def _seen(text: str) -> str:
    if not is_plain(text):
        raise PydanticCustomError("chassis.forbidden_characters", "characters that cannot be used")
    return text


def _named(text: str) -> str:
    if not is_name(text):
        raise PydanticCustomError("chassis.forbidden_characters", "characters that cannot be used")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LINE_LENGTH), AfterValidator(_seen)
]
"""One line of text that is not empty, at most 200 characters."""

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LINE_LENGTH), AfterValidator(_named)
]
"""A person's name in any script, at most 200 characters: at least one letter, no digits."""

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+"
_LABEL_ENDS: Final = r"([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
EMAIL: Final = rf"^{_ATOM}(\.{_ATOM})*@([A-Za-z0-9]{_LABEL_ENDS}?\.)+[A-Za-z]{_LABEL_ENDS}$"

Email = Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)]
"""An address that every mail server takes: RFC 5321's unquoted form in ASCII, in a domain by name (an international one
as `xn--…`)."""

Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 ()-]{3,23}$")]
"""A telephone number as people write it."""


class Body(BaseModel):
    """A request body, or a part of one: closed, frozen, and as strict as JSON is.

    A number is no text, a text is no number, 1 is no truth and a day is written `YYYY-MM-DD`; ids, days, enumerations
    and tuples are read from their JSON form. Every text anywhere in it (keys too) holds only what can be seen, no
    emoji, and is at most 200 characters long where its field does not say otherwise.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        str_max_length=LINE_LENGTH,
        str_strip_whitespace=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # FastAPI hands over Python values, whose strict reading refuses the JSON forms of ids and days. So what comes
        # in as Python is read once more as JSON.
        inner = handler(source)
        as_json = core_schema.no_info_wrap_validator_function(cls._read, inner)
        return core_schema.json_or_python_schema(json_schema=inner, python_schema=as_json)

    @classmethod
    def _read(cls, data: Any, inner: core_schema.ValidatorFunctionWrapHandler) -> Self:
        if not isinstance(data, Mapping):
            return inner(data)
        given = cast("Mapping[str, Any]", data)
        hidden = [
            InitErrorDetails(type=PydanticCustomError("chassis.forbidden_characters", "unseen"), loc=place, input=None)
            for place in _unseen(given)
        ]
        if hidden:
            raise ValidationError.from_exception_data(cls.__name__, hidden[:_PLACES_SHOWN], hide_input=True)
        read = cls.__pydantic_validator__.validate_json(json.dumps(given, default=_as_json))
        return inner({name: getattr(read, name) for name in read.model_fields_set})


def _as_json(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return list(cast("frozenset[Any]", value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _unseen(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all texts that hold characters nobody can see; a key's place is that of what it stands in."""
    if isinstance(value, str):
        if not is_plain(value.strip(" ")):
            yield place
    elif isinstance(value, Mapping):
        for key, part in cast("Mapping[Any, Any]", value).items():
            if not is_plain(str(key)):
                yield place
            else:
                yield from _unseen(part, (*place, str(key)))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(cast("list[Any]", value)):
            yield from _unseen(part, (*place, number))


class _Twice(dict[str, Any]):
    """A JSON object in which `key` stood twice."""

    key: str = ""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) == len(pairs):
        return whole
    twice = _Twice(whole)
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            twice.key = key
            break
        seen.add(key)
    return twice


def _no_constant(_: str) -> None:
    raise ValueError("not JSON")


def check_json(raw: bytes, most_levels: int = MOST_LEVELS) -> None:
    """Whether the bytes are UTF-8 JSON, nested at most `most_levels` deep, no key twice in one object.

    Raises: NotValid, with status 400.
    """
    try:
        tree = json.loads(raw.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_no_constant)
    except RecursionError:
        raise NotValid([Fault("", "chassis.too_deep")], 400) from None
    except ValueError:
        raise NotValid([Fault("", "chassis.malformed_body")], 400) from None
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), tree)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, _Twice):
            raise NotValid([Fault(pointer((*place, value.key)), "chassis.duplicate_field")], 400)
        if not isinstance(value, dict | list):
            continue
        if len(place) >= most_levels:
            raise NotValid([Fault(pointer(place), "chassis.too_deep")], 400)
        parts = cast(
            "dict[str | int, Any]", value if isinstance(value, dict) else dict(enumerate(cast("list[Any]", value)))
        )
        waiting.extend(((*place, key), part) for key, part in parts.items())


class OnlyJson:
    """ASGI middleware: lets through bodies of at most `most_bytes` that `check_json` passes. It counts what arrives."""

    def __init__(self, app: ASGIApp, problems: Problems, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._problems = problems
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _READ_METHODS:
            await self._app(scope, receive, send)
            return
        try:
            raw = await self._read(Headers(scope=scope), receive)
        except NotValid as no:
            await self._problems.refusal(Request(scope), no)(scope, receive, send)
            return
        if raw is not None:
            await self._app(scope, _once(raw, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body, or None when the caller went away. Raises: NotValid."""
        told = headers.get("content-length", "0")
        too_large = NotValid([Fault("", "chassis.too_large")], 413)
        if not (told.isascii() and told.isdigit() and len(told) <= _DIGITS) or int(told) > self._most_bytes:
            raise too_large
        parts = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts += message.get("body", b"")
            more = message.get("more_body", False)
            if len(parts) > self._most_bytes:
                raise too_large
        if parts and not _says_json(headers.getlist("content-type")):
            raise NotValid([Fault("", "chassis.unsupported_media_type")], 415)
        if parts:
            check_json(bytes(parts))
        return bytes(parts)


def _says_json(content_types: list[str]) -> bool:
    if len(content_types) != 1:
        return False
    kind, _, parameters = content_types[0].lower().partition(";")
    return kind.strip() == "application/json" and parameters.strip() in {"", "charset=utf-8", 'charset="utf-8"'}


def _once(raw: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": raw, "more_body": False}

    return replay
