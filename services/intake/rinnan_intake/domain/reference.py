"""What the county decided, as a registration is held to it."""

from __future__ import annotations

from rinnan_chassis.deciding import Context
from rinnan_intake.domain.state import Registration
from rinnan_intake.errors import UnknownCounty
from rinnan_profiles import County, Profiles
from rinnan_profiles import UnknownCounty as NoSuchCounty


def county_now(context: Context, code: str) -> County:
    """The county as it opens a registration now. Raises: UnknownCounty."""
    profiles: Profiles = context.reference
    try:
        return profiles.county(code)
    except NoSuchCounty:
        raise UnknownCounty("/county") from None


def pinned_county(state: Registration, context: Context) -> County:
    """The county as this registration was opened under it."""
    profiles: Profiles = context.reference
    return profiles.pinned_county(state.county, state.pins.profile)
