"""The paper renderer as the adapter host meets it. It only makes documents; what becomes of them is the ledger's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid5

from pydantic import BaseModel, ConfigDict

from rinnan_events.opened import ClientRecord
from rinnan_host.port import Capabilities, CheckResult, DeliveryKey, Document, Offer, Place, Reason, Unavailable
from rinnan_paper.laying_out import Occasion, annex, cover, in_order, package
from rinnan_paper.page import data, page
from rinnan_paper.pdf import Press
from rinnan_paper.sheet import Kind, Sheet
from rinnan_paper.speech import Speech
from rinnan_profiles import Profiles

CAPABILITIES = Capabilities(
    transaction=False,
    conditional_create=False,
    searchable=False,
    settle_after=timedelta(0),
    restricted_place=True,
    parallel=1,
    takes_at_most=timedelta(seconds=30),
    renders=True,
)


class Settings(BaseModel):
    """What a county may set for its paper. `language`: the staff's; without it the county's own first language."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    language: Literal["fi", "sv", "en"] | None = None


class Paper:
    """Renders manual-entry packages for one destination."""

    def __init__(self, profiles: Profiles, settings: Settings, press: Press | None = None) -> None:
        self._profiles = profiles
        self._settings = settings
        self._press = press
        self._one_at_a_time = asyncio.Lock()

    @property
    def capabilities(self) -> Capabilities:
        """It renders, and neither writes nor searches."""
        return CAPABILITIES

    async def check(self) -> CheckResult:
        """Whether the fonts and the engine are here."""
        try:
            await asyncio.to_thread(self._ready)
        except (OSError, LookupError):
            return Unavailable(Reason.UNREACHABLE)
        return None

    async def render(
        self, record: ClientRecord, key: DeliveryKey, *, look_first: bool, prepared_at: datetime
    ) -> tuple[Document, ...]:
        """The cover, and for each party a package and a protected annex, each as PDF, web page and JSON.

        Equal arguments give equal bytes, and equal ids whenever it is prepared. A package that says `look first` has
        other ids than one that does not, so that neither can stand in for the other.
        """
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._render, record, Occasion(key, look_first, prepared_at))

    async def aclose(self) -> None:
        """Let go of the compiler and its fonts."""
        self._press = None

    def _ready(self) -> Press:
        if self._press is None:
            self._press = Press()
        return self._press

    def _render(self, record: ClientRecord, occasion: Occasion) -> tuple[Document, ...]:
        return tuple(
            document for sheet in self._sheets(record, occasion) for document in self._documents(sheet, occasion)
        )

    def _sheets(self, record: ClientRecord, occasion: Occasion) -> Iterator[Sheet]:
        screens = self._profiles.manual_entry(record.county, record.destination)
        language = self._settings.language
        yield cover(record, occasion, Speech.of(self._profiles, record, None, language), screens)
        for party in in_order(record):
            speech = Speech.of(self._profiles, record, party, language)
            yield package(record, party, occasion, speech, screens)
            yield annex(record, party, occasion, speech, screens)

    def _documents(self, sheet: Sheet, occasion: Occasion) -> Iterator[Document]:
        words = Speech.all_fixed(sheet.language)
        drawn = {
            ("pdf", "application/pdf"): self._ready().draw(sheet, words, occasion.prepared_at),
            ("html", "text/html; charset=utf-8"): page(sheet, words),
            ("json", "application/json"): data(sheet),
        }
        first = "look-first" if occasion.look_first else "new"
        for (ending, media_type), content in drawn.items():
            about = f"{occasion.key.destination}/{sheet.kind}/{sheet.party_id or 'none'}/{ending}/{first}"
            yield Document(
                document_id=uuid5(occasion.key.delivery, about),
                name=f"{sheet.name}.{ending}",
                media_type=media_type,
                content=content,
                party_id=sheet.party_id,
                protected=sheet.kind is Kind.ANNEX,
            )


def _make(place: Place, settings: Settings) -> Paper:
    if not isinstance(place.reference, Profiles):
        raise TypeError("paper needs the county profiles")
    return Paper(place.reference, settings)


OFFER = Offer(Settings, _make)
