"""The staff's language: fixed words, labels, and what coded answers mean."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, cast
from zoneinfo import ZoneInfo

from rinnan_events.opened import ClientRecord, OwnForm, RecordParty
from rinnan_paper.sheet import Answer
from rinnan_profiles import WHOLE_ANSWERS, Catalogue, Form, Profiles, Texts, UnknownVersion, Words

LANGUAGES = ("fi", "sv", "en")
_JOINERS = frozenset("\u200c\u200d")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LANGUAGE_SOURCES = frozenset({"contact.language", "contact.interpreter", "own.language", "consents.language"})


@cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads(files("rinnan_paper").joinpath("words.toml").read_text("utf-8"))


def seen(text: str) -> str:
    """The text with every character that cannot be seen written out, so that what is keyed is what was told."""
    return "".join(
        character
        if character in _JOINERS or unicodedata.category(character) not in _UNSEEN
        else f"[U+{ord(character):04X}]"
        for character in text
    )


@dataclass(frozen=True, slots=True)
class Speech:
    """All words of one package, in one language. A code without words is shown as the code: nothing is dropped."""

    language: str
    timezone: ZoneInfo
    county: Words | None
    form: Form | None
    catalogues: tuple[Catalogue, ...]
    texts: Texts | None

    @classmethod
    def of(cls, profiles: Profiles, record: ClientRecord, party: RecordParty | None, language: str | None) -> Speech:
        """The words for one party's part of a record, or for its cover.

        Without a language it is the county's own first that both the screens' labels and the fixed words are in.
        """
        county = profiles.county(record.county)
        labelled = profiles.manual_entry(record.county, record.destination).languages
        whole = (each for each in county.languages if each in LANGUAGES and each in labelled)
        spoken = language or next(whole, LANGUAGES[0])
        own = profiles.catalogues.get(county.catalogue)
        others = (each for each in profiles.catalogues.values() if each is not own)
        return cls(
            language=spoken,
            timezone=ZoneInfo(county.timezone),
            county=county.name,
            form=profiles.forms.get(record.form_version),
            catalogues=(*((own,) if own else ()), *others),
            texts=_texts(profiles, party),
        )

    def fixed(self, key: str) -> str:
        """One of the package's own words."""
        return _words()["fixed"][key][self.language]

    @staticmethod
    def all_fixed(language: str) -> dict[str, str]:
        """All of the package's own words in one language."""
        return {key: words[language] for key, words in _words()["fixed"].items()}

    def in_order(self, sources: Sequence[str]) -> list[str]:
        """Sources in the order in which the form asks and the texts stand; what they do not know comes last."""
        asked = [f"own.answers.{each}" for each in self.form.questions] if self.form else []
        stands = [f"consents.given.{each.id}" for each in self.texts.consents] if self.texts else []
        known = {source: place for place, source in enumerate((*asked, *stands))}
        return sorted(sources, key=lambda source: known.get(source, len(known)))

    def guide(self, kind: str) -> tuple[str, ...]:
        """The steps that stand at the head of a sheet."""
        return tuple(_words()["guide"][kind][self.language])

    def say(self, words: Words) -> str:
        """A county's words in this language, or in the nearest there is."""
        return words.nearest(self.language).text

    def label(self, source: str) -> str:
        """What a field is called where the county's screens do not name it."""
        match source.split("."):
            case ["own", "answers", question] if self.form and question in self.form.questions:
                return self.say(self.form.questions[question].text)
            case ["consents", "given", consent] if self.texts:
                return next((self.say(each.text) for each in self.texts.consents if each.id == consent), consent)
            case _:
                named = _words()["source"].get(source)
                return named[self.language] if named else seen(source.rpartition(".")[2])

    def untold(self, source: str) -> str:
        """What the absence of a value means; where safety hangs on it, the careful reading."""
        if source.startswith("protection."):
            return self.fixed("treat_as_restricted")
        if source == "contact.safe_times":
            return self.fixed("ask_whether_it_is_safe")
        return self.fixed("care_not_known" if source.startswith("care.") else "not_given")

    def left_open(self, own: OwnForm) -> Iterator[Answer]:
        """The questions that were answered by not answering, and how: a person raises them."""
        given = {"own.services": own.services, **{f"own.answers.{each}": own.answers[each] for each in own.answers}}
        for source in ("own.services", *self.in_order([each for each in given if each != "own.services"])):
            for code in given[source]:
                if code in WHOLE_ANSWERS:
                    yield Answer(f"{self.label(source)} ({self._meaning(source, code) or code})", code)

    def answers(self, source: str, value: object) -> tuple[Answer, ...]:
        """What was told, as words and codes. Nothing told gives nothing."""
        match value:
            case None | "" | () | []:
                return ()
            case bool():
                return (Answer(self.fixed("yes" if value else "no")),)
            case datetime():
                local = value.astimezone(self.timezone)
                return (Answer(f"{self.day(local.date())} {local:%H.%M}"),)
            case date():
                return (Answer(self.day(value)),)
            case tuple() | list():
                several = cast("Sequence[object]", value)
                return tuple(answer for each in several for answer in self.answers(source, each))
            case _:
                return (self._coded(source, str(value)),)

    def day(self, day: date) -> str:
        """A date as it is keyed in."""
        return f"{day.day}.{day.month}.{day.year}"

    def _coded(self, source: str, value: str) -> Answer:
        words = self._meaning(source, value)
        return Answer(words, value) if words else Answer(seen(value))

    def _meaning(self, source: str, code: str) -> str | None:
        match source.split("."):
            case ["own", "answers", question]:
                return self._option(question, code) or self._own("whole", code)
            case ["own", "services"]:
                found = (each for known in self.catalogues for each in known.services if each.code == code)
                return next((self.say(each.name) for each in found), None) or self._own("whole", code)
            case ["contact", "safe_times"]:
                return self._own("safe_times", code)
            case ["care", "route"]:
                return self._own("care.route", code)
            case _ if source in _LANGUAGE_SOURCES:
                return self._own("language", code)
            case _:
                return None

    def _option(self, question: str, code: str) -> str | None:
        if self.form is None or question not in self.form.questions:
            return None
        options = self.form.options(self.form.questions[question])
        return next((self.say(each.text) for each in options if each.code == code), None)

    def _own(self, kind: str, code: str) -> str | None:
        known = _words()["code"][kind].get(code)
        return known[self.language] if known else None


def _texts(profiles: Profiles, party: RecordParty | None) -> Texts | None:
    if party is None or party.consents is None:
        return None
    try:
        return profiles.texts(party.consents.text_version)
    except UnknownVersion:
        return None
