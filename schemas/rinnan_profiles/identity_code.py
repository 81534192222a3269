"""The Finnish personal identity code (henkilötunnus): `DDMMYY`, a sign for the century, a number, a check character.

Source: Digital and Population Data Services Agency; new signs of the century since 1.1.2023. Several signs of one
century are different codes of different people, never spellings of the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Self

CENTURIES = {"+": 1800} | dict.fromkeys("-YXWVU", 1900) | dict.fromkeys("ABCDEF", 2000)
CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
FIRST_NUMBER, FIRST_TEST_NUMBER = 2, 900

_SHAPE = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([-+A-FU-Y])([0-9]{3})([0-9A-Y])")


class NotAnIdentityCode(ValueError):  # noqa: N818 - a state of the world
    """The text is no identity code. Neither the text nor what is wrong with it is repeated."""

    def __init__(self) -> None:
        super().__init__("not a personal identity code")


@dataclass(frozen=True, slots=True)
class IdentityCode:
    """A valid code in its one written form. Its text is never shown by `repr`."""

    text: str = field(repr=False)
    birth_date: date = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a code, small letters and outer spaces allowed; raises `NotAnIdentityCode`."""
        written = text.strip(" ").upper() if text.isascii() else ""
        shape = _SHAPE.fullmatch(written)
        if shape is None:
            raise NotAnIdentityCode
        day, month, year, sign, number, check = shape.groups()
        if int(number) < FIRST_NUMBER or check != check_character(day + month + year + number):
            raise NotAnIdentityCode
        try:
            born = date(CENTURIES[sign] + int(year), int(month), int(day))
        except ValueError:
            raise NotAnIdentityCode from None
        return cls(written, born)

    @property
    def is_test_code(self) -> bool:
        """Whether the individual number is 900 to 999, which no registered person has."""
        return int(self.text[7:10]) >= FIRST_TEST_NUMBER


def check_character(digits: str) -> str:
    """The check character of the nine digits: birth date and individual number as one number, modulo 31."""
    return CHECK_CHARACTERS[int(digits) % len(CHECK_CHARACTERS)]
