"""Which request goes to which decider, and what is done outside. Other destinations' requests leave nothing here."""

from __future__ import annotations

from rinnan_chassis.deciding import Lost
from rinnan_chassis.handlers import AfterCrash, Handlers
from rinnan_events.record_export import (
    DeliveryLookupRequested,
    DeliveryRequested,
    PackageRecalled,
    PackageRenderRequested,
)
from rinnan_host import domain, work
from rinnan_host.breaker import QUEUED
from rinnan_host.domain import Answered, Here, Nothing
from rinnan_host.port import Capabilities


def handlers_for(here: Here, capabilities: Capabilities) -> Handlers[Nothing]:
    """The table of a host that writes, or of one that renders."""
    handlers = Handlers(state=Nothing)
    destination = here.destination
    parallel = min(destination.parallel, capabilities.parallel)

    def is_ours(
        event: DeliveryRequested | DeliveryLookupRequested | PackageRenderRequested | PackageRecalled,
    ) -> bool:
        return event.destination == destination.name

    if capabilities.renders:
        handlers.hears(PackageRenderRequested, domain.render, concerns=is_ours)
        handlers.hears(PackageRecalled, domain.take_back, concerns=is_ours)
        handlers.works(domain.RENDER, work.render, lease=destination.lease, parallel=parallel)
        handlers.works(domain.DISCARD, work.discard)
    else:
        handlers.hears(DeliveryRequested, domain.write, concerns=is_ours)
        handlers.hears(DeliveryLookupRequested, domain.find, concerns=is_ours)
        handlers.works(
            domain.WRITE,
            work.write,
            lease=destination.lease,
            after_crash=AfterCrash.DECIDE,
            retry=QUEUED,
            parallel=parallel,
        )
        handlers.works(domain.FIND, work.find, lease=destination.lease, retry=QUEUED, parallel=parallel)
        handlers.results(Lost, domain.lose)
    handlers.results(Answered, domain.answer)
    return handlers
