"""Naming a field without repeating anything a caller wrote: JSON pointers whose steps look like our own names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile
from typing import Final

_OUR_NAME: Final = re.compile(r"(?!.*\d{5})[a-z][a-z0-9_]{0,39}")


def pointer(steps: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of `steps`, cut before the first step that does not look like a field's name.

    A name begins with a small letter and goes on with small letters, underscores and a few digits: an identity code, a
    person's name or an address that was put where a field's name belongs is never sent back.
    """
    return "".join(f"/{step}" for step in takewhile(_is_ours, steps))


def _is_ours(step: str | int) -> bool:
    return isinstance(step, int) or _OUR_NAME.fullmatch(step) is not None
