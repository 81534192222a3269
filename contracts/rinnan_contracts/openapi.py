"""OpenAPI: one document for what a room answers of its own, and one for what every room answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter

from rinnan_chassis.web.application import application
from rinnan_chassis.web.problems import Problems
from rinnan_contracts.rooms import Wired

COMMON = "every_room"


def openapi(rooms: Sequence[Wired]) -> Mapping[str, dict[str, Any]]:
    """The documents by name. A room without routes of its own has none."""
    own = {each.role: _document(each, each.own_routes) for each in rooms if each.own_routes}
    common = _document(rooms[0], rooms[0].common_routes)
    common["info"]["title"] = "Rinnan, every room"
    return {COMMON: common, **own}


def _document(wired: Wired, routes: Sequence[APIRouter]) -> dict[str, Any]:
    room = wired.rooms[0]
    problems = Problems.load(*([room.problems] if room.problems else []))
    try:
        return application(f"Rinnan {wired.role}", room.version, routes, problems).openapi()
    except Exception as error:
        error.add_note(f"while writing what {wired.role} answers over HTTP")
        raise
