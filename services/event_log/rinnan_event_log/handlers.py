"""The log decides on nothing: it has no deciders, no commands and no due work. What it hears goes to `recording`."""

from __future__ import annotations

from dataclasses import dataclass

from rinnan_chassis.handlers import Handlers


@dataclass(frozen=True, slots=True)
class Nothing:
    """The state of a room that keeps none."""


handlers = Handlers[Nothing](state=Nothing)
