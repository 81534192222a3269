"""The contract of the adapter port, as tests to inherit: a package that passes them all may stand in a county profile.

Subclass `AdapterContract` in the adapter's tests and give two fixtures: `far_side`, a fresh far side that can be told
to misbehave, and `adapter`, connected to it. Then run pytest. Nothing else is asked of an adapter.
"""
# ruff: noqa: S101 - assert is how a test speaks, and these are tests

from __future__ import annotations

import asyncio
from typing import Protocol

import pytest

from rinnan_events.opened import ClientRecord
from rinnan_host.port import (
    Absent,
    Adapter,
    AlreadyThere,
    DeliveryKey,
    Rejected,
    Unavailable,
    Unknown,
    Written,
    key_of,
    left_open,
)
from rinnan_host.samples import a_joint_record, a_single_record, another_registration


class FarSide(Protocol):
    """A client information system that does as the test says. It starts empty and well."""

    async def effects(self, key: DeliveryKey) -> int:
        """How often the delivery of this key stands here, counted without the adapter."""
        ...

    async def arrived(self) -> tuple[bytes, ...]:
        """The bodies of the writes that arrived here, oldest first."""
        ...

    async def refuses(self) -> None:
        """From now on every write is read and refused, and leaves nothing."""
        ...

    async def goes_away(self) -> None:
        """From now on nobody answers, and nothing is read."""
        ...

    async def answers_too_late(self, *, having_done_it: bool) -> None:
        """From now on every write is answered only after the adapter stopped waiting."""
        ...

    async def recovers(self) -> None:
        """From now on all is well again. What stands here stays."""
        ...


class AdapterContract:
    """What every adapter keeps to."""

    @pytest.fixture
    def record(self) -> ClientRecord:
        """The record that is written."""
        return a_joint_record()

    @pytest.fixture
    def key(self, record: ClientRecord) -> DeliveryKey:
        """Its key."""
        return key_of(record)

    async def test_a_well_far_side_passes_the_check(self, adapter: Adapter) -> None:
        assert await adapter.check() is None

    async def test_the_check_writes_nothing(self, adapter: Adapter, far_side: FarSide) -> None:
        await adapter.check()
        assert await far_side.arrived() == ()

    async def test_what_was_never_written_is_absent(self, adapter: Adapter, key: DeliveryKey) -> None:
        self.searches(adapter)
        assert await adapter.find(key) == Absent()

    async def test_a_look_writes_nothing(self, adapter: Adapter, far_side: FarSide, key: DeliveryKey) -> None:
        await adapter.find(key)
        assert await far_side.arrived() == ()

    async def test_a_write_has_one_effect(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        result = await adapter.write(record, key)
        assert isinstance(result, Written)
        assert await far_side.effects(key) == 1

    async def test_a_write_counts_its_effects(self, adapter: Adapter, record: ClientRecord, key: DeliveryKey) -> None:
        self.searches(adapter)
        result = await adapter.write(record, key)
        assert isinstance(result, Written)
        assert result.effects == 1

    async def test_what_was_written_is_found_under_its_receipt(
        self, adapter: Adapter, record: ClientRecord, key: DeliveryKey
    ) -> None:
        self.searches(adapter)
        written = await adapter.write(record, key)
        assert isinstance(written, Written)
        assert await adapter.find(key) == AlreadyThere(written.receipt, 1)

    async def test_writing_twice_has_one_effect(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        first = await adapter.write(record, key)
        second = await adapter.write(record, key)
        assert isinstance(first, Written)
        assert isinstance(second, AlreadyThere)
        assert second.receipt == first.receipt
        assert await far_side.effects(key) == 1

    async def test_two_writes_at_once_have_one_effect(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        if not adapter.capabilities.conditional_create:
            pytest.skip("this destination declares no conditional create; the host never writes one key twice at once")
        await asyncio.gather(adapter.write(record, key), adapter.write(record, key))
        assert await far_side.effects(key) == 1

    async def test_a_joint_and_a_single_delivery_of_one_registration_are_two(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        single = a_single_record()
        await adapter.write(record, key)
        assert isinstance(await adapter.write(single, key_of(single)), Written)
        assert await far_side.effects(key) == 1
        assert await far_side.effects(key_of(single)) == 1

    async def test_another_registration_is_not_found_under_this_key(self, adapter: Adapter, key: DeliveryKey) -> None:
        self.searches(adapter)
        other = a_joint_record(another_registration())
        await adapter.write(other, key_of(other))
        assert await adapter.find(key) == Absent()

    async def test_a_write_that_was_done_but_not_answered_is_unknown(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        await far_side.answers_too_late(having_done_it=True)
        assert isinstance(await adapter.write(record, key), Unknown)

    async def test_a_write_that_was_neither_done_nor_answered_is_unknown_too(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        await far_side.answers_too_late(having_done_it=False)
        assert isinstance(await adapter.write(record, key), Unknown)
        assert await far_side.effects(key) == 0

    async def test_an_unknown_write_that_was_done_is_found_later_and_never_doubled(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        self.searches(adapter)
        await far_side.answers_too_late(having_done_it=True)
        await adapter.write(record, key)
        await far_side.recovers()
        assert isinstance(await adapter.find(key), AlreadyThere)
        assert isinstance(await adapter.write(record, key), AlreadyThere)
        assert await far_side.effects(key) == 1

    async def test_a_refused_write_is_rejected_and_leaves_nothing(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        await far_side.refuses()
        assert isinstance(await adapter.write(record, key), Rejected)
        assert await far_side.effects(key) == 0

    async def test_a_write_to_nobody_is_unavailable(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        await far_side.goes_away()
        assert isinstance(await adapter.write(record, key), Unavailable)
        assert await far_side.effects(key) == 0

    async def test_a_look_at_nobody_is_unavailable_and_never_absent(
        self, adapter: Adapter, far_side: FarSide, key: DeliveryKey
    ) -> None:
        self.searches(adapter)
        await far_side.goes_away()
        assert isinstance(await adapter.find(key), Unavailable)

    async def test_the_check_of_nobody_is_unavailable(self, adapter: Adapter, far_side: FarSide) -> None:
        await far_side.goes_away()
        assert isinstance(await adapter.check(), Unavailable)

    async def test_a_write_goes_well_again_once_the_far_side_does(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        await far_side.goes_away()
        await adapter.write(record, key)
        await far_side.recovers()
        assert isinstance(await adapter.write(record, key), Written)

    async def test_equal_records_are_written_as_equal_bytes(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        await far_side.refuses()
        await adapter.write(record, key)
        await adapter.write(a_joint_record(), key)
        first, *_, last = await far_side.arrived()
        assert first == last

    async def test_the_order_of_the_parents_in_a_record_changes_nothing(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        mirrored = record.model_copy(
            update={"parties": record.parties[::-1], "children": record.children[::-1]}, deep=True
        )
        await far_side.refuses()
        await adapter.write(record, key)
        await adapter.write(mirrored, key)
        first, *_, last = await far_side.arrived()
        assert first == last

    async def test_protected_data_goes_only_where_few_can_read_it(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        if adapter.capabilities.restricted_place:
            pytest.skip("this destination declares a restricted place")
        await adapter.write(record, key)
        everything = b"".join(await far_side.arrived()).decode()
        for secret in _protected(record):
            assert secret not in everything

    async def test_an_address_under_a_non_disclosure_order_goes_nowhere(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        await adapter.write(record, key)
        everything = b"".join(await far_side.arrived()).decode()
        for party in record.parties:
            if party.protection.non_disclosure is not False or party.protection.refuge is not False:
                assert str(party.protection.street) not in everything

    async def test_when_it_is_safe_to_reach_a_parent_and_what_they_left_open_stand_before_their_number(
        self, adapter: Adapter, far_side: FarSide, record: ClientRecord, key: DeliveryKey
    ) -> None:
        await adapter.write(record, key)
        everything = b"".join(await far_side.arrived()).decode()
        for party in record.parties:
            before, number, _ = everything.partition(str(party.contact.phone))
            assert number
            for told in (*party.contact.safe_times, *(code for _, code in left_open(party.own))):
                assert told in before

    async def test_a_receipt_holds_nothing_personal(
        self, adapter: Adapter, record: ClientRecord, key: DeliveryKey
    ) -> None:
        written = await adapter.write(record, key)
        assert isinstance(written, Written)
        for person in (*(party.identity for party in record.parties), *record.children):
            assert person.family_name not in written.receipt
            assert (person.identity_code or "no code") not in written.receipt

    @staticmethod
    def searches(adapter: Adapter) -> None:
        """Skip the rest where the destination declares that it cannot be searched."""
        if not adapter.capabilities.searchable:
            pytest.skip("this destination declares that it cannot be searched")


def _protected(record: ClientRecord) -> set[str]:
    places = {party.protection.street for party in record.parties} | {party.protection.town for party in record.parties}
    routes = {party.care.route.value for party in record.parties if party.care}
    return {told for told in places | routes if told} - {"standard"}
