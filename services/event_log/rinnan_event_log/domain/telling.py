"""Plain sentences for people, from a table that people can read: one per type of event and language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rinnan_event_log.domain.entry import Read

DEFAULT_LANGUAGE = "fi"
SET_ASIDE, UNREAD, UNKNOWN = "log.set_aside", "log.unread", "log.unknown"
PARENT, BOTH = "word.parent", "word.both"
_SHORT = 8


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences of `sentences.toml`, and the words that stand for codes in them."""

    texts: Mapping[str, Mapping[str, str]]

    @classmethod
    def load(cls, path: Path) -> Sentences:
        """Read the table: `["type"]` with one text per language."""
        return cls(tomllib.loads(path.read_text(encoding="utf-8")))

    def tell(self, read: Read, language: str) -> str:
        """What happened, in one sentence. A parent is named by the beginning of a random id, which tells nothing."""
        told = {name: self._said(value, language) for name, value in read.facts.items()}
        party = read.facts.get("party_id")
        told["parent"] = self._text(PARENT, language).format(party=str(party)[:_SHORT])
        told["whose"] = told["parent"] if party else self._text(BOTH, language)
        told["type"] = read.entry.type or "?"
        text = self._text(self._key(read), language)
        return text.format_map(_Known(told))

    def _key(self, read: Read) -> str:
        if read.entry.is_dead_letter:
            return SET_ASIDE
        if "unread" in read.facts:
            return UNREAD if read.facts["unread"] != "unknown_type" else UNKNOWN
        return read.entry.type or UNKNOWN

    def _said(self, value: Any, language: str) -> str:
        word = f"word.{value}"
        return self._text(word, language) if word in self.texts else str(value)

    def _text(self, key: str, language: str) -> str:
        return self.texts[key].get(language, self.texts[key][DEFAULT_LANGUAGE])


class _Known(dict[str, str]):
    """What a sentence may name; a fact that an older or newer event does not tell is a question mark."""

    def __missing__(self, name: str) -> str:
        return "?"
