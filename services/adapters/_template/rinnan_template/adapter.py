"""The adapter: three calls, each asked once, each result named by what the far side did."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from rinnan_events.opened import ClientRecord
from rinnan_host.port import (
    Absent,
    AlreadyThere,
    Capabilities,
    CheckResult,
    DeliveryKey,
    FindResult,
    Offer,
    Place,
    Reason,
    Rejected,
    Unavailable,
    Unknown,
    WriteResult,
    Written,
)
from rinnan_template import mapping
from rinnan_template.product import LineLost, NotReached, Product, SaysNo


class Settings(BaseModel):
    """What only this product needs. A real one has more; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: str = "family-law"


class TemplateAdapter:
    """Writes into a product without transactions and without conditional create: it looks before it writes."""

    def __init__(self, place: Place, product: Product) -> None:
        self._product = product
        self._patience = place.write_timeout.total_seconds()
        self.capabilities = Capabilities(
            transaction=False,
            conditional_create=False,
            searchable=True,
            settle_after=place.settle_after,
            restricted_place=place.restricted_place,
            parallel=place.parallel,
            takes_at_most=3 * place.write_timeout + timedelta(seconds=1),
        )

    async def check(self) -> CheckResult:
        """Whether the product answers."""
        try:
            async with asyncio.timeout(self._patience):
                await self._product.ping()
        except (NotReached, LineLost, TimeoutError):
            return Unavailable(Reason.UNREACHABLE)
        return None

    async def write(self, record: ClientRecord, key: DeliveryKey) -> WriteResult:
        """Look, write where nothing stands, count."""
        there = await self.find(key)
        if not isinstance(there, Absent):
            return there
        body = mapping.body(record, key, restricted_place=self.capabilities.restricted_place)
        try:
            async with asyncio.timeout(self._patience):
                number = await self._product.store(str(key.delivery), body)
        except NotReached:
            return Unavailable(Reason.UNREACHABLE)
        except SaysNo:
            return Rejected(Reason.NOT_VALID)
        except LineLost:
            return Unknown(Reason.CONNECTION_LOST)
        except TimeoutError:
            return Unknown(Reason.TIMED_OUT)
        counted = await self.find(key)
        return Written(f"case-{number}", counted.effects if isinstance(counted, AlreadyThere) else None)

    async def find(self, key: DeliveryKey) -> FindResult:
        """Look by the delivery's identifier."""
        try:
            async with asyncio.timeout(self._patience):
                found = await self._product.find(str(key.delivery))
        except (NotReached, LineLost, TimeoutError):
            return Unavailable(Reason.UNREACHABLE)
        return AlreadyThere(f"case-{found[0]}", len(found)) if found else Absent()

    async def aclose(self) -> None:
        """Nothing is held open."""


def make(place: Place, _: Settings) -> TemplateAdapter:
    """The adapter of one destination, with a product of its own."""
    return TemplateAdapter(place, Product())


OFFER = Offer(settings=Settings, make=make)
