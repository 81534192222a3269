"""What every profile file is made of: words in several languages, who vouches for them, and lengths of time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel

FIRST_LANGUAGES = ("fi", "sv", "en")
"""The languages that everything a parent meets is whole in."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z0-9]{1,8})*$")]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Version = Annotated[int, Field(ge=1)]


Place = tuple[str | int, ...]
Wrongness = tuple[Place, str]
"""The keys that lead to a fault, and what is wrong, in words."""


class Profile(BaseModel):
    """A value that a county or a domain person writes: frozen, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Standing(StrEnum):
    """Who vouches for a translation. `draft` is shown with a notice, and never serves in a screening."""

    OFFICIAL = "official"
    VALIDATED = "validated"
    REVIEWED = "reviewed"
    WRITTEN = "written"
    DRAFT = "draft"


class Spoken(NamedTuple):
    """Words as they can be said, and in which language: a fallback is to be seen, not hidden."""

    text: str
    language: str


class Words(RootModel[dict[Language, Annotated[str, Field(min_length=1)]]]):
    """One text in several languages."""

    model_config = ConfigDict(frozen=True)

    def at(self, language: str) -> str:
        """The text in exactly this language; KeyError where there is none."""
        return self.root[language]

    def nearest(self, language: str) -> Spoken:
        """The text in this language, else in the first of fi, sv and en that there is: visibly, by its language."""
        for candidate in (language, *FIRST_LANGUAGES, *self.root):
            if candidate in self.root:
                return Spoken(self.root[candidate], candidate)
        raise KeyError(language)

    @property
    def languages(self) -> frozenset[str]:
        """The languages that this text exists in."""
        return frozenset(self.root)


class Translated(Profile):
    """A file of words. Each of its `languages` is whole: every text has it. `partial` languages may be anywhere."""

    languages: Annotated[dict[Language, Standing], Field(min_length=1)]
    partial: dict[Language, Standing] = Field(default_factory=dict)

    def faults(self) -> Iterator[Wrongness]:
        """What is wrong inside this file, each with the keys that lead to it."""
        for place, words in words_in(self):
            for missing in sorted(self.languages.keys() - words.languages):
                yield place, f"the text is missing in {missing}"
            for stray in sorted(words.languages - self.languages.keys() - self.partial.keys()):
                yield (*place, stray), f"{stray} is not among the languages of this file"


class Versioned(Translated):
    """One version of something that registrations are pinned to: never edited once served, and loadable for ever."""

    id: Code
    number: Version

    @property
    def version(self) -> str:
        """The name that a registration pins, such as `first_information.1`; its file is named after it."""
        return f"{self.id}.{self.number}"


def repeated(names: Iterable[str]) -> tuple[str, ...]:
    """The names that stand more than once, sorted."""
    return tuple(sorted(name for name, times in Counter(names).items() if times > 1))


def words_in(value: Any, at: Place = ()) -> Iterator[tuple[Place, Words]]:
    """Every text under a value, with the keys that lead to it."""
    match value:
        case Words():
            yield at, value
        case BaseModel():
            for name in type(value).model_fields:
                yield from words_in(getattr(value, name), (*at, name))
        case tuple():
            for number, each in enumerate(value):
                yield from words_in(each, (*at, number))
        case Mapping():
            for name, each in value.items():
                yield from words_in(each, (*at, str(name)))
        case _:
            pass


_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


def _length(value: object) -> object:
    if not isinstance(value, str):
        return value
    written = re.fullmatch(r"(\d{1,6}) ?(s|min|h|d)", value)
    if written is None:
        raise ValueError('a length of time is written like "30 s", "10 min", "2 h" or "1 d"')
    return timedelta(**{_UNITS[written[2]]: int(written[1])})


Length = Annotated[timedelta, BeforeValidator(_length), Field(ge=timedelta(0))]
"""A length of time, written `30 s`, `10 min`, `2 h` or `1 d`."""
