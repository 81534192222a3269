"""The invented people of loaded registrations are many, valid, and nobody real."""

from __future__ import annotations

from rinnan_local.families import load_families
from rinnan_profiles.identity_code import IdentityCode
from tests.load.people import People

PEOPLE = People(next(family for family in load_families() if family.id == "at-the-same-time"))
WRITTEN = dict(zip(PEOPLE.written[::2], PEOPLE.written[1::2], strict=True))


def test_every_code_is_a_valid_test_code_of_somebody_born_on_the_day_told() -> None:
    for number in range(0, 110_000, 53):
        told = PEOPLE.of(number)
        for code, born in WRITTEN.items():
            read = IdentityCode.parse(told[code])
            assert read.is_test_code
            assert read.birth_date.isoformat() == told[born]


def test_no_two_registrations_have_a_person_in_common() -> None:
    codes = [PEOPLE.of(number)[code] for number in range(10_000) for code in WRITTEN]
    assert len(set(codes)) == len(codes)


def test_what_stands_instead_is_as_long_as_what_stood_there() -> None:
    assert all(len(old) == len(new) for old, new in PEOPLE.of(99_999).items())
