"""The messages that leave for a person's phone or mailbox.

Neutral, and filled with nothing but a code, an address, a date and the county's phone number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from rinnan_profiles.words import Language, Profile

_BLANK = re.compile(r"\{([a-z_]*)\}")


CHANNELS = ("email", "sms")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class Kind(StrEnum):
    """What a message is for."""

    INVITATION = "invitation"
    REMINDER = "reminder"


class Message(NamedTuple):
    """A message ready to leave. A text message has no subject."""

    subject: str
    body: str


class Letter(Profile):
    """One message of one kind, channel and language, with blanks `{code}`, `{address}`, `{deadline}`, `{phone}`."""

    kind: Kind
    channel: str
    language: Language
    subject: str = ""
    body: str

    @property
    def blanks(self) -> tuple[str, ...]:
        """The blanks in the order they stand, repeats included; the subject may have none."""
        return tuple(_BLANK.findall(self.subject + self.body))

    def filled(self, **blanks: str) -> str:
        """The body with its blanks filled; KeyError where one is not given."""
        return _BLANK.sub(lambda blank: blanks[blank[1]], self.body).strip()


class NeverSay(Profile):
    """The beginnings of words, per language, that no message may hold: who sees the phone must learn nothing."""

    words: dict[Language, tuple[str, ...]]


class Letters(Profile):
    """All the messages of a county."""

    letters: tuple[Letter, ...] = ()

    def find(self, kind: str, channel: str, language: str) -> Letter | None:
        """One message, or None."""
        wanted = (kind, channel, language)
        return next((one for one in self.letters if (one.kind, one.channel, one.language) == wanted), None)

    def write(self, kind: str, channel: str, languages: Sequence[str], *, deadline: date, **blanks: str) -> Message:
        """One message in several languages, each in full, one after the other; KeyError where there is none at all."""
        found = [letter for language in languages if (letter := self.find(kind, channel, language))]
        if not found:
            raise KeyError(kind)
        subject = " · ".join(dict.fromkeys(letter.subject for letter in found if letter.subject))
        bodies = (letter.filled(deadline=written(deadline, letter.language), **blanks) for letter in found)
        return Message(subject, "\n\n".join(bodies))


def written(day: date, language: str) -> str:
    """A day as a letter tells it. In English the month is in words: its readers take 4.5. for either of two days."""
    month = f" {MONTHS[day.month - 1]} " if language == "en" else f".{day.month}."
    return f"{day.day}{month}{day.year}"
