"""Intake's HTTP API."""

from fastapi import APIRouter

from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Doors, PartyTokens
from rinnan_intake.api.attention import attention_routes
from rinnan_intake.api.entrance import Entrance, entrance_routes
from rinnan_intake.api.own_part import OwnPart, own_part_routes
from rinnan_intake.domain.state import Registration
from rinnan_intake.persons import Persons
from rinnan_profiles import Profiles


def routes(
    desk: Desk[Registration], doors: Doors, *, profiles: Profiles, persons: Persons, tokens: PartyTokens
) -> APIRouter:
    """Everything that people can do with intake."""
    router = APIRouter()
    router.include_router(entrance_routes(Entrance(desk, profiles, persons, tokens), doors))
    router.include_router(own_part_routes(OwnPart(desk, profiles), doors))
    router.include_router(attention_routes(desk, doors))
    return router
