from __future__ import annotations

from datetime import date

import pytest

from rinnan_events.opened import Identity
from rinnan_intake.domain.state import Match
from rinnan_intake.errors import IdentityCodeWrong, PersonNotNamed
from rinnan_intake.persons import Persons

PERSONS = Persons(b"pepper" * 8)
AINO = Identity(family_name="Öhman-Šaari", given_names="Aino Đ.", identity_code="010190-900P")


def test_a_person_is_hashed_by_name_with_birth_date_and_by_code() -> None:
    hashed = PERSONS.hashed(AINO)
    assert [len(each) for each in hashed.hashes] == [64, 64]
    assert hashed.name != hashed.code


def test_the_birth_date_of_a_code_serves_where_none_is_told() -> None:
    told = Identity(family_name="Öhman-Šaari", given_names="Aino Đ.", birth_date=date(1990, 1, 1))
    assert PERSONS.hashed(told).matches(PERSONS.hashed(AINO)) is Match.YES


def test_case_spaces_and_hyphens_make_no_other_person() -> None:
    told = Identity(family_name="ÖHMAN šaari", given_names=" aino  đ. ", birth_date=date(1990, 1, 1))
    assert PERSONS.hashed(told).matches(PERSONS.hashed(AINO)) is Match.YES


def test_other_letters_make_another_person() -> None:
    told = Identity(family_name="Ohman-Saari", given_names="Aino D.", birth_date=date(1990, 1, 1))
    assert PERSONS.hashed(told).matches(PERSONS.hashed(AINO)) is Match.NO


def test_another_pepper_finds_nobody() -> None:
    assert Persons(b"other." * 8).hashed(AINO).matches(PERSONS.hashed(AINO)) is Match.NO


def test_a_wrong_check_character_is_refused() -> None:
    with pytest.raises(IdentityCodeWrong):
        PERSONS.hashed(Identity(family_name="", identity_code="010190-900A"))


def test_a_name_without_a_birth_date_names_nobody() -> None:
    with pytest.raises(PersonNotNamed):
        PERSONS.hashed(Identity(family_name="Öhman"))


def test_the_pepper_is_shown_nowhere() -> None:
    assert "pepper" not in repr(PERSONS)
