"""How a record is put together: the same whoever began, children joined where they are the same."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from rinnan_events.opened import Child
from rinnan_record_export.domain.record import joined

REGISTRATION = UUID("5b0f6a52-7d1e-4c7b-9a43-0c2f5e8d1a01")
ELLE = Child(family_name="Länsman", given_names="Elle Áššá", identity_code="140317A901W")
ELLE_BY_NAME = Child(family_name="LÄNSMAN", given_names="Elle-Áššá", birth_date=date(2017, 3, 14))
ELLE_OTHERWISE = Child(family_name="Lansman", given_names="Elle", identity_code="140317A901W")
ONNI = Child(family_name="Nieminen", given_names="Onni", birth_date=date(2020, 8, 30))
YOUNGER_ONNI = Child(family_name="Nieminen", given_names="Onni", birth_date=date(2022, 8, 30))


def test_one_code_is_one_child_however_it_is_written() -> None:
    assert len(set(joined(REGISTRATION, [ELLE, ELLE_OTHERWISE]).values())) == 1


def test_a_child_named_with_a_code_and_without_is_one_child() -> None:
    children = joined(REGISTRATION, [ELLE_BY_NAME, ELLE])
    assert set(children) == {ELLE, ELLE_BY_NAME}
    (only,) = set(children.values())
    assert (only.identity_code, only.birth_date) == ("140317A901W", date(2017, 3, 14))


def test_two_children_of_one_name_and_two_birth_dates_are_two() -> None:
    assert len(set(joined(REGISTRATION, [ONNI, YOUNGER_ONNI]).values())) == 2


def test_a_child_has_the_same_id_at_every_assembly_and_another_in_another_registration() -> None:
    (first,) = joined(REGISTRATION, [ONNI]).values()
    (again,) = joined(REGISTRATION, [ONNI]).values()
    (elsewhere,) = joined(uuid4(), [ONNI]).values()
    assert first.child_id == again.child_id != elsewhere.child_id


@given(st.permutations([ELLE, ELLE_BY_NAME, ELLE_OTHERWISE, ONNI, YOUNGER_ONNI]))
def test_the_order_in_which_children_were_named_makes_no_difference(named: list[Child]) -> None:
    assert joined(REGISTRATION, named) == joined(REGISTRATION, [ELLE, ELLE_BY_NAME, ELLE_OTHERWISE, ONNI, YOUNGER_ONNI])
