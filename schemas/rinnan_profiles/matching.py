"""Writing names and birth dates one way, so that two people who name the same person meet."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

_APOSTROPHES = str.maketrans(dict.fromkeys("\u02bc\u2019\u2018\u00b4\u0060\u02b9", "'"))
_GAPS = re.compile(r"[\s\-\u2010-\u2015\u2212_]+")


def normalised_name(name: str) -> str:
    """A name without what people write differently: case, spaces, hyphens, kinds of apostrophe, composed letters.

    Letters are kept: `Ä` and `A`, `á` and `a` are different names, and doubt is for a person.
    """
    folded = unicodedata.normalize("NFKC", name.translate(_APOSTROPHES)).casefold()
    return _GAPS.sub(" ", unicodedata.normalize("NFKC", folded)).strip()


def matching_text(family_name: str, given_names: str, birth_date: date) -> str:
    """One text for one person's name and birth date, to be hashed with a key and never stored.

    A single name is the same person whichever of the two fields it was written in.
    """
    names = [name for name in (normalised_name(family_name), normalised_name(given_names)) if name]
    return "\x1f".join([*names, birth_date.isoformat()])
