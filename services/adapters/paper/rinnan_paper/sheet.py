"""What is laid out before it is drawn: one sheet, the same for PDF, web page and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Kind(StrEnum):
    """Which paper a sheet is. Only the cover is shared; an annex is handled by the right to see protected data."""

    COVER = "cover"
    PACKAGE = "package"
    ANNEX = "protected"


@dataclass(frozen=True, slots=True)
class Answer:
    """One thing to key in: its words, and the code where it was chosen from a list."""

    text: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a screen.

    `source` is the path into the record, `question` the id of the form's question where there is one. No answers: it
    was not told, and `untold` says what that means. `two_people`: two people compare it with the screen.
    """

    label: str
    source: str
    answers: tuple[Answer, ...]
    untold: str
    question: str | None = None
    two_people: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One screen of the county's system, or a part of one. What is not `keyed` is only there to be read."""

    title: str
    entries: tuple[Entry, ...]
    keyed: bool = True


@dataclass(frozen=True, slots=True)
class LifeRow:
    """One document on the cover, with room for who keyed it in and who checked it."""

    title: str
    code: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One document, in one of the staff's languages.

    `code` names the package and is the beginning of the party's random id; None on the cover. `look_for` is what to
    search for before anything is keyed in; None where no earlier write can have taken effect. `before_contact` is what
    whoever makes contact reads before anything else; None where the sheet is not theirs.
    """

    kind: Kind
    party_id: UUID | None
    language: str
    title: str
    reference: str
    code: str | None
    prepared: str
    guide: tuple[str, ...]
    sections: tuple[Section, ...]
    notice: str | None = None
    look_for: tuple[Entry, ...] | None = None
    before_contact: tuple[Entry, ...] | None = None
    life: tuple[LifeRow, ...] = ()

    @property
    def name(self) -> str:
        """The file name without its ending: nothing personal in it."""
        return "-".join(part for part in (self.reference, self.kind.value, self.code) if part)


def short(identifier: UUID) -> str:
    """What people read aloud: the beginning of a random id."""
    return str(identifier)[:8]
