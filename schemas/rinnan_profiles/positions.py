"""Where a key stands in a TOML file: the standard parser does not tell, and a fault without a line is half a fault."""

from __future__ import annotations

import re
from collections import Counter

from rinnan_profiles.words import Place

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_LONG = re.compile(r'"""|\'\'\'')


def line_of(text: str, place: Place) -> int:
    """The line, counted from 1, of the deepest key on the way to `place` that stands in the text."""
    lines = _lines(text)
    for depth in range(len(place), 0, -1):
        if place[:depth] in lines:
            return lines[place[:depth]]
    return 1


def _lines(text: str) -> dict[Place, int]:
    """The first line of every table and key. Inline tables and arrays count as the line of their key."""
    found: dict[Place, int] = {}
    seen: Counter[Place] = Counter()
    table: Place = ()
    inside: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if inside is None and (header := _HEADER.match(line)):
            table = _entered(_parts(header[2]), seen, many=header[1] == "[[")
            found.setdefault(table, number)
        elif inside is None and (key := _KEY.match(line)):
            place = table
            for part in _parts(key[1]):
                place = (*place, part)
                found.setdefault(place, number)
        for mark in _LONG.findall(line):
            inside = mark if inside is None else None if mark == inside else inside
    return found


def _entered(parts: list[str], seen: Counter[Place], *, many: bool) -> Place:
    """The place a header opens, with the number of the last entry filled in where a list of tables is on the way."""
    place: Place = ()
    for depth, part in enumerate(parts, start=1):
        place = (*place, part)
        if many and depth == len(parts):
            place = (*place, seen[place])
            seen[place[:-1]] += 1
        elif seen[place]:
            place = (*place, seen[place] - 1)
    return place


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""", dotted)]
