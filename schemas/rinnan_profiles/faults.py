"""What can be wrong in and between the profiles, each with its file and line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING

from rinnan_profiles.county import County
from rinnan_profiles.letters import CHANNELS, Kind, Letter
from rinnan_profiles.positions import line_of
from rinnan_profiles.words import Place

if TYPE_CHECKING:
    from rinnan_profiles.loading import Profiles

BLANKS = {
    (Kind.INVITATION, "email"): {"code", "address", "deadline", "phone"},
    (Kind.INVITATION, "sms"): {"code", "address", "deadline"},
    (Kind.REMINDER, "email"): {"address", "deadline", "phone"},
    (Kind.REMINDER, "sms"): {"address", "deadline"},
}
"""The blanks of each message, each exactly once. A reminder has no code: only the code's digest was kept."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong, where, and in words."""

    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Source:
    """A value, and the file and text that it was read from."""

    file: Path
    text: str
    value: object

    def fault(self, place: Place, text: str) -> Fault:
        """A fault at a place in this file."""
        return Fault(self.file, line_of(self.text, place), text)


def faults_of(profiles: Profiles, sources: Mapping[int, Source]) -> Iterator[Fault]:
    """Everything that is wrong in and between what was read; `sources` by the identity of the value."""
    files = (profiles.forms, profiles.catalogues, profiles.all_texts, profiles.instruments, profiles.labels)
    for value in (*chain.from_iterable(each.values() for each in files), profiles.default_labels):
        for place, text in value.faults():
            yield sources[id(value)].fault(place, text)
    for county in (*profiles.counties.values(), *profiles.earlier_counties.values()):
        source = sources[id(county)]
        for place, text in chain(county.faults(), _elsewhere(profiles, county)):
            yield source.fault(place, text)
        for letter in county.letters.letters:
            file = source.file.parent / "letters" / letter.language / f"{letter.kind}.{letter.channel}.txt"
            for text in _in_letter(letter, county, profiles.never_say.get(letter.language, ())):
                yield Fault(file, 1, text)


def _elsewhere(profiles: Profiles, county: County) -> Iterator[tuple[Place, str]]:
    """What a county names and nobody has, or nobody has in its languages."""
    yield from _versions(profiles, county)
    instrument = profiles.instruments.get(county.instrument)
    for language in county.languages if instrument else ():
        if instrument and not instrument.servable(language):
            yield ("instrument",), f"{county.instrument} may not be asked in {language}"
    catalogue = profiles.catalogues.get(county.catalogue)
    for service in county.services if catalogue else ():
        if catalogue and service not in catalogue.codes:
            yield ("services",), f"{county.catalogue} has no service {service}"
    for language, (kind, channel) in product(county.letter_languages, BLANKS):
        if county.letters.find(kind, channel, language) is None:
            yield ("letter_languages",), f"there is no letters/{language}/{kind}.{channel}.txt"
    yield from _labels(profiles, county)


def _versions(profiles: Profiles, county: County) -> Iterator[tuple[Place, str]]:
    """Versions that nobody has, or that are not whole in the county's languages."""
    named = {
        "form": (profiles.forms, county.form),
        "catalogue": (profiles.catalogues, county.catalogue),
        "texts": (profiles.all_texts, county.texts),
        "instrument": (profiles.instruments, county.instrument),
    }
    for key, (versions, version) in named.items():
        if version not in versions:
            yield (key,), f"there is no {version}"
            continue
        for language in county.languages:
            if language not in versions[version].languages:
                yield ("languages",), f"{version} is not whole in {language}"


def _labels(profiles: Profiles, county: County) -> Iterator[tuple[Place, str]]:
    """Answers that a county's screens want and its form does not ask for."""
    form = profiles.forms.get(county.form)
    for number, destination in enumerate(county.destinations if form else ()):
        for section in profiles.manual_entry(county.code, destination.name).sections:
            for entry in section.fields:
                question = entry.source.removeprefix("party.own.answers.")
                if form and question != entry.source and question not in form.questions:
                    yield ("destinations", number, "labels"), f"{county.form} does not ask {question}"


def _in_letter(letter: Letter, county: County, never_say: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with a message that anybody may see on a person's phone."""
    if letter.language not in county.letter_languages:
        yield f"{letter.language} is not among the letter_languages"
    if letter.channel == CHANNELS[0] and (not letter.subject or "\n" in letter.subject):
        yield 'the first line must be "Subject: …" and the second must be empty'
    if sorted(letter.blanks) != sorted(BLANKS[letter.kind, letter.channel]):
        yield "these blanks must stand once each, and no others: " + ", ".join(
            sorted(BLANKS[letter.kind, letter.channel])
        )
    said = f"{letter.subject}\n{letter.body}".casefold()
    for word in never_say:
        if re.search(rf"(?<!\w){re.escape(word.casefold())}", said):
            yield f"a message must never say {word!r}"
