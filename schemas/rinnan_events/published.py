"""Everything that is said, found in the modules of its speakers."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import rinnan_events
from rinnan_events.event import Event


@cache
def events() -> Mapping[str, type[Event]]:
    """Every event class by its type, in the order of their types. Raises: ValueError where two have one type."""
    found: dict[str, type[Event]] = {}
    for module in pkgutil.iter_modules(rinnan_events.__path__, "rinnan_events."):
        for value in vars(importlib.import_module(module.name)).values():
            if not (isinstance(value, type) and issubclass(value, Event) and hasattr(value, "type")):
                continue
            if found.setdefault(value.type, value) is not value:
                raise ValueError(f"{value.type} is said by two classes")
    return MappingProxyType(dict(sorted(found.items())))
