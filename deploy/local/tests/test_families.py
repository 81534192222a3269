"""The families are invented, whole, and cover what the demo must show."""

from __future__ import annotations

from pathlib import Path

import pytest

from rinnan_local.families import Arrives, Cis, FamilyUnreadable, Outcome, Then, load_families, persons
from rinnan_profiles.identity_code import IdentityCode

FAMILIES = load_families()


def test_every_identity_code_is_a_valid_test_code() -> None:
    people = [person for family in FAMILIES for person in (*family.parents, *family.children)]
    assert all(IdentityCode.parse(person.identity_code).is_test_code for person in people if person.identity_code)


def test_no_two_people_share_an_identity_code() -> None:
    parents = [parent.identity_code for parent in persons(FAMILIES).values()]
    children = [child.identity_code for family in FAMILIES for child in family.children]
    codes = [code for code in (*parents, *children) if code]
    assert len(codes) == len(set(codes))


def test_every_sign_of_the_century_in_use_since_2023_stands_in_some_code() -> None:
    people = [person for family in FAMILIES for person in (*family.parents, *family.children)]
    signs = {person.identity_code[6] for person in people if person.identity_code}
    assert signs == set("-YXWVUABCDEF")


def test_every_outcome_is_reached_by_some_family() -> None:
    assert {family.outcome for family in FAMILIES} == set(Outcome)


def test_every_script_and_every_behaviour_of_a_cis_is_played_by_some_family() -> None:
    parents = [parent for family in FAMILIES for parent in family.parents]
    assert {parent.arrives for parent in parents} == set(Arrives)
    assert {parent.then for parent in parents} == set(Then)
    assert {family.cis for family in FAMILIES} == set(Cis)


def test_one_parent_is_in_two_families_with_two_co_parents() -> None:
    signed_in = [parent.person for family in FAMILIES for parent in family.parents]
    assert len(signed_in) - len(persons(FAMILIES)) == 1


def test_names_hold_letters_of_many_alphabets() -> None:
    people = [person for family in FAMILIES for person in (*family.parents, *family.children)]
    letters = set("".join(person.family_name + person.given_names for person in people).casefold())
    assert letters >= set("áčđŋšŧžåäö")
    assert any("\u0600" <= letter <= "\u06ff" for letter in letters)


def test_a_family_with_a_real_looking_identity_code_is_refused_without_repeating_it(tmp_path: Path) -> None:
    told = Path(__file__).parents[1] / "families" / "one-declines.toml"
    text = told.read_text(encoding="utf-8").replace("290288-911", "290288-123")
    (tmp_path / "one-declines.toml").write_text(text, encoding="utf-8")
    with pytest.raises(FamilyUnreadable, match=r"one-declines\.toml: parents\.0\.identity_code") as refused:
        load_families(tmp_path)
    assert "290288" not in str(refused.value)
