"""One process, one destination: `python -m rinnan_host.app`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rinnan_chassis.clock import clock_of
from rinnan_chassis.room import Room, run
from rinnan_chassis.settings import SettingsRefused
from rinnan_events import Group
from rinnan_events.adapter import DeliveryOutcome
from rinnan_host.api import routes
from rinnan_host.domain import Here, Nothing
from rinnan_host.handlers import handlers_for
from rinnan_host.port import Adapter, Capabilities, Place, Renderer, offer
from rinnan_host.settings import HostSettings, read_settings
from rinnan_host.work import Outside
from rinnan_profiles import Destination, Profiles

HERE = Path(__file__).parent
ROLE = "adapter"
"""What `topics.toml` calls every host: they differ in destination, not in rights."""

FITS_TWICE = 0.4
"""A check and a write must both end before a worker is told to stop, which is before its lease ends."""

SAYS = (DeliveryOutcome,)
OPENS = frozenset({Group.RECORD})


def room(settings: HostSettings, destination: Destination, profiles: Profiles, address: str | None) -> Room[Nothing]:
    """The host of one destination. Raises: SettingsRefused where profile and adapter do not agree."""
    here = Here(settings.county, destination)
    adapter = adapter_of(settings, destination, profiles, address)
    _agree(destination, adapter.capabilities)

    def doors_open(desk: Any, doors: Any) -> Any:
        return routes(desk, doors, here) if adapter.capabilities.renders else ()

    return Room(
        name=f"{ROLE}_{destination.name.replace('-', '_')}",
        role=ROLE,
        speaker=f"{ROLE}/{destination.name}",
        settings=settings,
        handlers=handlers_for(here, adapter.capabilities),
        says=SAYS,
        opens=OPENS,
        reference=here,
        outside=Outside(here, adapter, clock_of(settings.clock_file, on_loopback=settings.on_loopback())),
        routes=doors_open,
        migrations=HERE / "migrations",
        problems=HERE / "problems.toml",
        owner_of=lambda _state: here.county,
    )


def adapter_of(
    settings: HostSettings, destination: Destination, profiles: Profiles, address: str | None
) -> Adapter | Renderer:
    """The adapter that the profile names, made for this destination. Raises: SettingsRefused, NotInstalled."""
    contracts, _ = settings.profile_folders()
    place = Place(
        county=settings.county,
        destination=destination.name,
        contracts=contracts,
        secret=settings.secret,
        reference=profiles,
        address=address,
        write_timeout=destination.write_timeout,
        settle_after=destination.settle_after,
        parallel=destination.parallel,
        restricted_place=destination.capabilities.restricted_place,
    )
    try:
        return offer(destination.adapter).at(place, destination.settings)
    except (ValueError, LookupError) as fault:
        raise SettingsRefused(f"{destination.name}: {type(fault).__name__} from the adapter's settings") from fault


def _agree(destination: Destination, found: Capabilities) -> None:
    """Refuse to run an adapter that cannot do what the county's profile says, or that outlasts its lease."""
    promised = destination.capabilities
    for name in ("transaction", "conditional_create", "searchable", "restricted_place", "renders"):
        if getattr(promised, name) and not getattr(found, name):
            raise SettingsRefused(f"{destination.name}: the adapter {destination.adapter} does not offer {name}")
    if found.takes_at_most > FITS_TWICE * destination.lease:
        raise SettingsRefused(f"{destination.name}: the adapter may take longer than write_timeout allows")
    if not found.renders and found.settle_after is None and promised.searchable:
        raise SettingsRefused(f"{destination.name}: the adapter gives no word on when a write has settled")


if __name__ == "__main__":
    run(room(*read_settings()))
