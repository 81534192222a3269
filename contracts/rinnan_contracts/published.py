"""What lies under the seals of everything that is said, and by which name it is published."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from rinnan_events import Opened, events, opened, sealed_forms_of

_MAJOR = re.compile(r"V([1-9][0-9]*)$")


def sealed_forms() -> Mapping[str, type[Opened]]:
    """The opened form of everything that travels or rests under a seal by itself, by its published name.

    What stands only inside another form (a child in a form, a party in a record) is published with that one.
    """
    classes = [value for value in vars(opened).values() if _is_opened(value)]
    inside = {inner for outer in classes for inner in _inside(outer)}
    travels = {form for event in events().values() for _, form in sealed_forms_of(event)}
    return {name_of(form): form for form in sorted(travels | (set(classes) - inside), key=name_of)}


def name_of(form: type[Opened]) -> str:
    """`sealed.<group>.<form>.v<major>`: the class `Contact` is version 1, a class `ContactV2` would stand beside it."""
    major = _MAJOR.search(form.__name__)
    plain = _MAJOR.sub("", form.__name__)
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", plain).lower()
    return f"sealed.{form.group}.{snake}.v{major.group(1) if major else 1}"


def _is_opened(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Opened) and value is not Opened


def _inside(outer: type[Opened]) -> set[type[Opened]]:
    found: set[type[Opened]] = set()
    waiting = [info.annotation for info in outer.model_fields.values()]
    while waiting:
        annotation = waiting.pop()
        waiting += get_args(annotation)
        if _is_opened(annotation):
            found.add(annotation)  # pyright: ignore[reportArgumentType] - _is_opened has just said so
    return found
