"""Intake's HTTP API."""

from fastapi import APIRouter

from rinnan_chassis.desk import Desk
from rinnan_chassis.web import Doors, PartyTokens
from rinnan_intake.api.attention import attention_routes
from rinnan_intake.api.drafts import draft_routes
from rinnan_intake.api.entrance import Entrance, entrance_routes
from rinnan_intake.api.own_part import OwnPart
from rinnan_intake.api.standing import standing_routes
from rinnan_intake.domain.state import Registration
from rinnan_intake.persons import Persons
from rinnan_profiles import Profiles


def routes(
    desk: Desk[Registration], doors: Doors, *, profiles: Profiles, persons: Persons, tokens: PartyTokens
) -> APIRouter:
    """Everything that people can do with intake."""
    router = APIRouter()
    router.include_router(entrance_routes(Entrance(desk, profiles, persons, tokens), doors))
    own = OwnPart(desk, profiles)
    router.include_router(standing_routes(own, doors))
    router.include_router(draft_routes(own, doors))
    router.include_router(attention_routes(desk, doors))
    return router
