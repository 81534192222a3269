"""Which characters a text from outside may hold: what a reader can see, and nothing that moves or hides other text."""

from __future__ import annotations

import unicodedata
from typing import Final

_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")
_JOINED: Final = frozenset({"Lo", "Mn", "Mc"})
_UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(point) for first, last in ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF)) for point in range(first, last + 1)
}
_PICTURES: Final = frozenset({"So", "Me"})
_WRITTEN_SIGNS: Final = frozenset("°№©®℃")
_SKIN_TONES: Final = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
_LETTERS: Final = frozenset({"Lu", "Ll", "Lt", "Lo"})
_NAME_CATEGORIES: Final = _LETTERS | {"Lm", "Mn", "Mc"}
_NAME_SIGNS: Final = frozenset(" '’ʼ.-‐·")  # noqa: RUF001 - real names are written with these


def is_plain(text: str) -> bool:
    """Whether every character can be seen: no control, bidirectional, invisible or unassigned ones, no lone surrogate.

    No emoji or other pictures either: not every CIS and printer knows them, and a text has to arrive as it was written.
    Line breaks are controls. A joiner is a letter's shape in Persian, Arabic and Indic writing, so it may stand between
    two letters of a script without capitals, and nowhere else.
    """
    if text.isascii():
        return text.isprintable()
    for place, character in enumerate(text):
        if character in _JOINERS:
            before, after = text[place - 1 : place], text[place + 1 : place + 2]
            if not (_is_joined(before) and _is_joined(after)):
                return False
        elif character in _UNSEEN or unicodedata.category(character) in _HIDDEN_CATEGORIES or _is_picture(character):
            return False
    return True


def is_name(text: str) -> bool:
    """Whether the text can be a person's name in any script: letters, their marks, space, hyphen, apostrophe, point.

    At least one is a letter: signs alone name nobody.
    """
    return (
        is_plain(text)
        and any(unicodedata.category(character) in _LETTERS for character in text)
        and all(
            character in _NAME_SIGNS or character in _JOINERS or unicodedata.category(character) in _NAME_CATEGORIES
            for character in text
        )
    )


def _is_picture(character: str) -> bool:
    drawn = unicodedata.category(character) in _PICTURES or character in _SKIN_TONES
    return drawn and character not in _WRITTEN_SIGNS


def _is_joined(character: str) -> bool:
    return bool(character) and unicodedata.category(character) in _JOINED
