"""Invents families of one shape: every name, address and number is unique and as long as anybody else's."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from rinnan_local.families import Arrives, Family, Outcome, Parent, Person
from rinnan_profiles.identity_code import check_character

FIRST_TEST_NUMBER, TEST_NUMBERS = 900, 100
MARK = "qzxvjwkq"
"""Stands in every name and address, so that one search finds any of them."""
PHONES = "+3585000"
ADULTS, CHILDREN = (date(1971, 1, 1), "-"), (date(2011, 1, 1), "A")
PERSONAL = {"family_name", "given_names", "identity_code", "email", "phone", "home"}
"""What tells of one person only; a birth date is shared by many."""


class Inventor:
    """Makes people who are nobody, one after the other. Two families of one shape differ in letters and digits only."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def family(
        self, name: str, county: str, one: Mapping[str, Any], other: Mapping[str, Any], *, children: int = 1
    ) -> Family:
        """A family whose parents do what `one` and `other` say. `name` is of small letters and hyphens."""
        return Family(
            id=name,
            story="invented for a law",
            county=county,
            outcome=Outcome.CONFIRMED,
            parents=(self._parent(one), self._parent(other)),
            children=tuple(self._child() for _ in range(children)),
        )

    def _parent(self, does: Mapping[str, Any]) -> Parent:
        number = next(self._numbers)
        word, born, code = _word(number), *_identity(number, *ADULTS)
        told: dict[str, Any] = {
            "person": f"p-{word}",
            "family_name": f"F{word}",
            "given_names": f"G{word}",
            "identity_code": code,
            "birth_date": born,
            "language": "fi",
            "email": f"m{word}@example.org",
            "phone": f"{PHONES}{number:05}",
            "home": {"street": f"S{word}", "postal_code": f"{number:05}", "town": f"T{word}"},
            "arrives": Arrives.STARTS,
        }
        return Parent.model_validate({**told, **does})

    def _child(self) -> Person:
        number = next(self._numbers)
        word, born, code = _word(number), *_identity(number, *CHILDREN)
        return Person(family_name=f"F{word}", given_names=f"G{word}", identity_code=code, birth_date=born)


def strings_of(person: Person) -> Iterator[tuple[str, str]]:
    """Every string that tells of a person, with what it is."""
    told: dict[str, Any] = person.model_dump(mode="json", include=PERSONAL & set(type(person).model_fields))
    home: Mapping[str, str] = told.pop("home", None) or {}
    yield from ((what, text) for what, text in {**told, **home}.items() if text)


def telling(families: Iterable[Family]) -> dict[str, str]:
    """Every string that nobody could write by chance → whose it is."""
    return {
        text: f"{family.id}: {what} of {number}"
        for family in families
        for number, person in enumerate((*family.parents, *family.children))
        for what, text in strings_of(person)
        if what != "postal_code"
    }


def write(families: Iterable[Family], folder: Path) -> None:
    """Families as files, as the development identity provider reads them."""
    folder.mkdir(parents=True)
    for family in families:
        told = family.model_dump(mode="json", exclude_none=True, exclude={"id"})
        parts = {"parents": told.pop("parents"), "children": told.pop("children")}
        lines = [*_lines(told)]
        for kind, people in parts.items():
            for one in people:
                lines += [f"[[{kind}]]", *_lines(one)]
        (folder / f"{family.id}.toml").write_text("\n".join(lines), encoding="utf-8")


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield f"{name} = {{ {', '.join(_lines(value))} }}"
        else:
            yield f"{name} = {json.dumps(value)}"


def _word(number: int) -> str:
    """The mark, and three letters that no other number has."""
    letters = [MARK]
    for _ in range(3):
        number, place = divmod(number, len(ascii_lowercase))
        letters.append(ascii_lowercase[place])
    return "".join(letters)


def _identity(number: int, first: date, sign: str) -> tuple[date, str]:
    born = first + timedelta(days=number // TEST_NUMBERS)
    digits = f"{born:%d%m%y}{FIRST_TEST_NUMBER + number % TEST_NUMBERS}"
    return born, f"{digits[:6]}{sign}{digits[6:]}{check_character(digits)}"
