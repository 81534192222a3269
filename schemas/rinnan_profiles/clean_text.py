"""Refusing text that no form should carry: control and direction characters, pictures, and far too much of it."""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

LONGEST_NAME = 200
LONGEST_TEXT = 500
MOST_MARKS = 4
_JOINERS = frozenset("\u200c\u200d")
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PICTURES = frozenset({"So", "Sk", "Me"})


class UncleanText(ValueError):  # noqa: N818 - a state of the world
    """The text is not taken. `reason` is `too_long`, `characters` or `empty`; the text is never repeated."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def clean_text(value: str, *, most: int = LONGEST_TEXT) -> str:
    """The text composed (NFC) and without outer spaces; raises `UncleanText`.

    Refused are more than `most` characters, control, direction and unassigned characters, line breaks, pictures, and
    letters under heaps of marks. Joiners that Persian and Indic scripts need are taken.
    """
    if len(value) > most:
        raise UncleanText("too_long")
    text = unicodedata.normalize("NFC", value).strip()
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category == "Mn" else 0
        refused = category in _REFUSED and character not in _JOINERS
        if refused or category in _PICTURES or marks > MOST_MARKS:
            raise UncleanText("characters")
    return text


def clean_name(value: str, *, most: int = LONGEST_NAME) -> str:
    """A person's name: clean, and with at least one letter; raises `UncleanText`."""
    text = clean_text(value, most=most)
    if not any(unicodedata.category(character).startswith("L") for character in text):
        raise UncleanText("empty")
    return text


def _field(value: str, *, name: bool) -> str:
    try:
        return clean_name(value) if name else clean_text(value)
    except UncleanText as unclean:
        raise PydanticCustomError(
            "unclean_text", "text that is not taken: {reason}", {"reason": unclean.reason}
        ) from None


CleanText = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(partial(_field, name=False))]
"""A clean text as a field of an API's body."""

CleanName = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(partial(_field, name=True))]
"""A person's name as a field of an API's body."""
