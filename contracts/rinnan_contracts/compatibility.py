"""May this schema follow the last released one? A change is an optional field; anything else is a new major version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

WORDS: Final = frozenset({"$id", "$schema", "title", "description", "examples"})
"""What is said for people; it decides nothing."""


def breaks(released: Schema, now: Schema) -> list[str]:
    """What a hearer of the other side would stumble over, each with its place. Empty when both ways hold.

    New reads old: nothing new is demanded, nothing that was said is refused, and what was left out means the same. Old
    reads new: hearers are tolerant, so a field they do not know is passed over; all they know means what it meant.
    """
    return list(_differences(_resolved(released), _resolved(now), "$"))


def _differences(old: Any, new: Any, place: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for word in sorted((set(old) | set(new)) - WORDS):
            if word == "properties":
                yield from _fields(old.get(word, {}), new.get(word, {}), place)
            elif word == "required":
                yield from _required(old.get(word, ()), new.get(word, ()), place)
            else:
                yield from _differences(old.get(word), new.get(word), f"{place}.{word}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and place.endswith("Of"):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(one, other, f"{place}[{number}]")
    elif old != new:
        yield f"{place}: was {_short(old)}, is {_short(new)}"


def _fields(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for name in old:
        if name not in new:
            yield f"{place}.{name}: is no longer said"
        else:
            yield from _differences(old[name], new[name], f"{place}.{name}")


def _required(old: list[str], new: list[str], place: str) -> Iterator[str]:
    for name in sorted(set(new) - set(old)):
        yield f"{place}.{name}: is demanded, and was not"
    for name in sorted(set(old) - set(new)):
        yield f"{place}.{name}: may be missing, and could not"


def _resolved(schema: Schema) -> Any:
    """The schema with its `$defs` written out: moving a definition changes nothing that is said."""
    definitions = schema.get("$defs", {})

    def write_out(value: Any) -> Any:
        match value:
            case {"$ref": str(reference), **more}:
                return {**write_out(definitions[reference.rpartition("/")[2]]), **write_out(more)}
            case dict():
                return {name: write_out(each) for name, each in value.items()}
            case list():
                return [write_out(each) for each in value]
            case _:
                return value

    return write_out({name: value for name, value in schema.items() if name != "$defs"})


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 60 else f"{said[:57]}…"  # noqa: PLR2004 - what fits on a line
