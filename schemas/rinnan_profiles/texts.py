"""What is said to every parent alike: consents, statuses, the one ending, the help page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rinnan_profiles.answers import FieldFault, NotWhole, Wrong
from rinnan_profiles.words import Code, Profile, Versioned, Words, Wrongness, repeated


class Consent(Profile):
    """One thing to agree to or not. It is about how the matter is handled, not the legal basis of handling data.

    `mandatory`: without it a registration cannot be joint; contact alone stays open.
    """

    id: Code
    mandatory: bool
    text: Words


class Statuses(Profile):
    """All that a parent is ever told of the registration as a whole."""

    open: Words
    with_the_county: Words
    closed: Words


class HelpLine(Profile):
    """Somewhere to turn to. The same list for everybody, whatever was answered."""

    name: Words
    phone: str | None = None
    address: str | None = None


class Page(Profile):
    """A page of words."""

    title: Words
    body: Words


class Texts(Versioned):
    """One version of the words that a registration pins."""

    consents: tuple[Consent, ...]
    statuses: Statuses
    ending: Words
    contact_alone: Page
    safety_notice: Page
    help: Page
    help_lines: tuple[HelpLine, ...]

    def check_consents(self, given: Mapping[str, bool]) -> None:
        """Refuse with `NotWhole` unless every consent is answered, and every mandatory one with yes."""
        faults = list(self._consent_faults(given))
        if faults:
            raise NotWhole(faults)

    def faults(self) -> Iterator[Wrongness]:
        """What is wrong inside these texts."""
        yield from super().faults()
        for consent in repeated(consent.id for consent in self.consents):
            yield ("consents",), f"the consent {consent} stands twice"

    def _consent_faults(self, given: Mapping[str, bool]) -> Iterator[FieldFault]:
        if not given.keys() <= {consent.id for consent in self.consents}:
            yield FieldFault("consents", Wrong.UNKNOWN_QUESTION)
        for consent in self.consents:
            if consent.id not in given:
                yield FieldFault(consent.id, Wrong.MISSING)
            elif consent.mandatory and not given[consent.id]:
                yield FieldFault(consent.id, Wrong.NOT_GIVEN)
