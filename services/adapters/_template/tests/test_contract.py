"""The template keeps the contract of the port, against its own small product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from rinnan_host.contract import AdapterContract
from rinnan_host.port import DeliveryKey, Place
from rinnan_host.samples import COUNTY, DESTINATION
from rinnan_template.adapter import TemplateAdapter
from rinnan_template.product import Product

PATIENCE = timedelta(seconds=0.05)


@dataclass
class Misbehaving:
    """The product, told to behave as the contract asks."""

    product: Product

    async def effects(self, key: DeliveryKey) -> int:
        return len(self.product.cases.get(str(key.delivery), ()))

    async def arrived(self) -> tuple[bytes, ...]:
        return tuple(self.product.arrived)

    async def refuses(self) -> None:
        self.product.refuses = True

    async def goes_away(self) -> None:
        self.product.away = True

    async def answers_too_late(self, *, having_done_it: bool) -> None:
        self.product.answers_after = 3 * PATIENCE.total_seconds()
        self.product.does_it = having_done_it

    async def recovers(self) -> None:
        self.product.away = self.product.refuses = False
        self.product.answers_after, self.product.does_it = 0, True


class TestTheTemplate(AdapterContract):
    """Everything that the port asks."""

    @pytest.fixture
    def far_side(self) -> Misbehaving:
        return Misbehaving(Product())

    @pytest.fixture
    def adapter(self, far_side: Misbehaving) -> TemplateAdapter:
        place = Place(COUNTY, DESTINATION, Path(), write_timeout=PATIENCE, settle_after=timedelta(seconds=1))
        return TemplateAdapter(place, far_side.product)


class TestTheTemplateWithARestrictedPlace(TestTheTemplate):
    """The same where care routes and addresses may be written."""

    @pytest.fixture
    def adapter(self, far_side: Misbehaving) -> TemplateAdapter:
        place = Place(COUNTY, DESTINATION, Path(), write_timeout=PATIENCE, restricted_place=True)
        return TemplateAdapter(place, far_side.product)
