"""What may differ between two runs that are the same: ids, times, tokens, and who the people are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from rinnan_local.families import Family
from rinnan_local.player import Exchange
from tests.laws.people import strings_of

TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})")
WRITTEN_TIME = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4} \d{2}\.\d{2}")
UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
TICKET = re.compile(r'("ticket": ?")[\w-]{16,}')
CODE = re.compile(r"\b[A-HJKMNP-Z2-9]{5}-[A-HJKMNP-Z2-9]{5}\b")
SET_BY_THE_SERVER = frozenset({"date"})


@dataclass(frozen=True, slots=True)
class Mask:
    """Puts a word in the place of everything that may differ. `names` maps what is known to the word for it."""

    names: Mapping[str, str]

    @classmethod
    def of(cls, family: Family, roles: Sequence[str], ids: Mapping[str, UUID | None]) -> Mask:
        """A mask for a family whose parents, in the order of the file, play `roles`; `ids` by what they stand for."""
        people = dict(zip(roles, family.parents, strict=True)) | {
            f"child {place}": child for place, child in enumerate(family.children)
        }
        names = {text: f"<{role}'s {what}>" for role, person in people.items() for what, text in strings_of(person)}
        names |= {day: "<birth date>" for person in people.values() for day in _written(person.birth_date)}
        known = {str(known): f"<{word}>" for word, known in ids.items() if known}
        names |= {**known, **{text[:8]: word for text, word in known.items()}}
        return cls(dict(sorted(names.items(), key=lambda pair: len(pair[0]), reverse=True)))

    def __call__(self, text: str) -> str:
        """The text as it would be in every run alike."""
        masked = TOKEN.sub(lambda found: f"<token of {len(found[0])}>", text)
        masked = TICKET.sub(lambda found: f"{found[1]}<ticket>", masked)
        masked = WRITTEN_TIME.sub("<time>", TIME.sub("<time>", masked))
        for known, word in self.names.items():
            masked = masked.replace(known, word)
        return CODE.sub("<code>", UUID_TEXT.sub("<id>", masked))


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request was answered, masked: equal answers cannot be told apart."""

    asked: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


def answers(exchanges: Iterable[Exchange], mask: Mask) -> list[Answer]:
    """All that somebody fetched, in order. Asking the same again and hearing the same counts once."""
    told: list[Answer] = []
    for exchange in exchanges:
        answer = Answer(
            mask(f"{exchange.method} {exchange.path}"),
            exchange.status,
            tuple((name, mask(value)) for name, value in exchange.headers if name.lower() not in SET_BY_THE_SERVER),
            mask(exchange.body.decode()),
        )
        if not told or told[-1] != answer:
            told.append(answer)
    return told


def _written(day: date) -> tuple[str, str]:
    return day.isoformat(), f"{day.day}.{day.month}.{day.year}"
