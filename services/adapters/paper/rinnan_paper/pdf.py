"""The sheet as PDF: PDF/UA-1 and PDF/A-2a in one file, drawn by Typst.

What a parent told reaches Typst as JSON data and is never read as markup. Typst refuses to write a file that lacks a
title, a language or a glyph, so a character that no packaged font can draw is written as `[U+…]` and the sheet says so.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, cast

import fontpkg
import orjson
from fontTools.ttLib import TTFont
from typst import Compiler, Fonts, TypstError

from rinnan_paper.sheet import Sheet

FAMILIES = ("Noto Sans", "IBM Plex Sans Arabic")
STANDARDS = ("ua-1", "a-2a")
REMEMBERED = 11
"""Typst keeps what it worked out for its last ten documents; so many blank ones make it forget a parent's."""

_LONGEST_WORD = re.compile(r"\S{31}")
_PIECE = re.compile(r"\S{1,30}|\s+")
_RTL = frozenset({"R", "AL"})


class NotDrawn(RuntimeError):  # noqa: N818 - a state of the sheet
    """Typst drew no file. Its own words are withheld: they may quote what a parent told."""


class Press:
    """Draws sheets with one compiler, one at a time."""

    def __init__(self) -> None:
        fonts = Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=sorted({str(fontpkg.path(family).parent) for family in FAMILIES}),
        )
        missing = set(FAMILIES) - set(fonts.families())
        if missing:
            raise FileNotFoundError(f"no font: {', '.join(sorted(missing))}")
        self._compiler = Compiler(font_paths=fonts, ignore_system_fonts=True)
        self._source = files("rinnan_paper").joinpath("sheet.typ").read_bytes()

    def draw(self, sheet: Sheet, words: dict[str, str], prepared_at: datetime) -> bytes:
        """The PDF. Equal arguments give equal bytes. Raises `NotDrawn`, which names the sheet alone."""
        data = cast("dict[str, Any]", _drawable(asdict(sheet)))
        data |= {"words": words, "unprinted": _unprinted(sheet)}
        try:
            drawn = self._compiler.compile(
                input=self._source,
                format="pdf",
                sys_inputs={"sheet": orjson.dumps(data).decode()},
                pdf_standards=list(STANDARDS),
                timestamp=int(prepared_at.timestamp()),
            )
        except TypstError:
            raise NotDrawn(sheet.name) from None
        finally:
            self._forget()
        if not isinstance(drawn, bytes):
            raise NotDrawn(sheet.name)
        return drawn

    def _forget(self) -> None:
        for _ in range(REMEMBERED):
            self._compiler.compile(input=b"", format="svg", sys_inputs=None)


@cache
def glyphs() -> frozenset[int]:
    """Every character that the packaged fonts can draw."""
    known: set[int] = set()
    for family in FAMILIES:
        with TTFont(fontpkg.path(family), lazy=True) as font:
            known.update(cast("dict[int, str]", font.getBestCmap()))
    return frozenset(known)


def printable(text: str) -> str:
    """The text as the fonts can draw it; what they cannot is written as `[U+…]`."""
    return "".join(character if ord(character) in glyphs() else f"[U+{ord(character):04X}]" for character in text)


def runs_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction of its own runs from right to left."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction == "L":
            return False
        if direction in _RTL:
            return True
    return False


def _pieces(text: str) -> list[str]:
    """The text in pieces between which a line may break: only words too long for a line are cut."""
    return _PIECE.findall(text) if _LONGEST_WORD.search(text) else [text]


def _drawable(value: object) -> object:
    match value:
        case {"text": str(text), "code": code}:
            return {"pieces": _pieces(printable(text)), "code": code, "rtl": runs_right_to_left(text)}
        case dict():
            return {key: _drawable(each) for key, each in cast("dict[str, object]", value).items()}
        case list() | tuple():
            return [_drawable(each) for each in cast("list[object]", value)]
        case str():
            return printable(value)
        case _:
            return value


def _unprinted(sheet: Sheet) -> bool:
    """Whether something on the sheet could not be drawn as it was told."""
    entries = [entry for section in sheet.sections for entry in section.entries]
    return any(printable(answer.text) != answer.text for entry in entries for answer in entry.answers)
