"""Invented people by number: born as somebody in the template was, but each with an identity code of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from rinnan_local.families import Family, Person
from rinnan_profiles.identity_code import CENTURIES, FIRST_TEST_NUMBER, IdentityCode, check_character

SIGNS = {sign: [each for each in CENTURIES if CENTURIES[each] == since] for sign, since in CENTURIES.items()}
NUMBERS = 1000 - FIRST_TEST_NUMBER


class People:
    """Who stands in a family's place in its copies: what is written of each person, and what of their double."""

    def __init__(self, family: Family) -> None:
        everybody: Iterable[Person] = (*family.parents, *family.children)
        self._codes = [IdentityCode.parse(each.identity_code) for each in everybody if each.identity_code]

    @property
    def written(self) -> list[str]:
        """The identity codes and dates of birth of the family itself."""
        return [text for code in self._codes for text in (code.text, code.birth_date.isoformat())]

    def of(self, number: int) -> Mapping[str, str]:
        """What is written instead, of the same length: nobody of another number has these codes."""
        told: dict[str, str] = {}
        for code in self._codes:
            born, text = _another(code, number)
            told |= {code.text: text, code.birth_date.isoformat(): born.isoformat()}
        return told


def _another(code: IdentityCode, number: int) -> tuple[date, str]:
    signs = SIGNS[code.text[6]]
    days, place = divmod(number, NUMBERS * len(signs))
    born = code.birth_date + timedelta(days=days + 1)
    day, individual = f"{born:%d%m%y}", f"{FIRST_TEST_NUMBER + place % NUMBERS}"
    return born, f"{day}{signs[place // NUMBERS]}{individual}{check_character(day + individual)}"
