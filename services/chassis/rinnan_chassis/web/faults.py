"""From what FastAPI and pydantic find wrong to a few stable codes and the names of fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rinnan_chassis.web.pointers import pointer
from rinnan_chassis.web.problems import Fault

_CODES: Final[Mapping[str, str]] = {
    "missing": "chassis.missing_field",
    "extra_forbidden": "chassis.unknown_field",
    "json_invalid": "chassis.malformed_body",
    "string_unicode": "chassis.forbidden_characters",
    "enum": "chassis.not_a_choice",
    "literal_error": "chassis.not_a_choice",
    "union_tag_invalid": "chassis.not_a_choice",
    "union_tag_not_found": "chassis.missing_field",
    "string_too_long": "chassis.too_long",
    "bytes_too_long": "chassis.too_long",
    "too_long": "chassis.too_long",
    "string_too_short": "chassis.too_short",
    "bytes_too_short": "chassis.too_short",
    "too_short": "chassis.too_short",
    "greater_than": "chassis.out_of_range",
    "greater_than_equal": "chassis.out_of_range",
    "less_than": "chassis.out_of_range",
    "less_than_equal": "chassis.out_of_range",
    "multiple_of": "chassis.out_of_range",
    "finite_number": "chassis.out_of_range",
}
_DATES: Final = ("date_", "datetime_", "time_", "timezone_")
_WRONG_TYPE: Final = ("_type", "_parsing", "_attributes_type")


def faults(errors: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """The faults in what FastAPI's or pydantic's `errors()` tells. A room's own `PydanticCustomError` keeps its code.

    In a body the field is a JSON pointer into it; elsewhere it is the parameter's name.
    """
    found: dict[Fault, None] = {}
    for error in errors:
        source, *steps = error["loc"] or ("body",)
        code = _code(str(error["type"]))
        if source == "body" or isinstance(source, int):
            where = "" if code == "chassis.malformed_body" else pointer(steps)
        elif source in {"query", "header", "cookie"}:
            where = str(steps[0]) if steps else ""
        else:
            where = pointer((source, *steps))
        found[Fault(where, code)] = None
    return list(found)


def is_about_the_path(errors: Iterable[Mapping[str, Any]]) -> bool:
    """Whether an id in the path cannot be one: there is no such thing, and that is the answer."""
    return any((error["loc"] or ("",))[0] == "path" for error in errors)


def _code(kind: str) -> str:
    if "." in kind:
        return kind
    if kind in _CODES:
        return _CODES[kind]
    if kind.startswith(_DATES):
        return "chassis.not_a_date"
    if kind.startswith("uuid_parsing"):
        return "chassis.wrong_form"
    if kind.endswith(_WRONG_TYPE):
        return "chassis.wrong_type"
    return "chassis.wrong_form"
