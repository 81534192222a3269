"""Invented families on paper. Which county they meet is read from the profiles: the first whose pile is of paper."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from rinnan_events.opened import ClientRecord
from rinnan_host.port import Document, Place, key_of
from rinnan_host.samples import a_joint_record
from rinnan_paper import Paper, Settings
from rinnan_paper.pdf import Press
from rinnan_profiles import Profiles, load

ROOT = Path(__file__).parents[4]
NOON = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pile:
    """The documents of one package, to be read back."""

    documents: tuple[Document, ...]

    def one(self, ending: str) -> Document:
        """The one document whose name ends so."""
        (found,) = (document for document in self.documents if document.name.endswith(ending))
        return found

    def text(self, ending: str) -> str:
        """All that can be read out of a document: its words, and for a PDF also its metadata."""
        return readable(self.one(ending))


def readable(document: Document) -> str:
    """The words of a document, without line breaks, and whatever its metadata says."""
    if document.media_type != "application/pdf":
        return document.content.decode()
    reader = PdfReader(io.BytesIO(document.content))
    words = " ".join(" ".join(page.extract_text().split()) for page in reader.pages)
    metadata = " ".join(str(value) for value in (reader.metadata or {}).values())
    xmp = reader.root_object["/Metadata"].get_object().get_data().decode()
    return f"{words} {metadata} {xmp}"


@pytest.fixture(scope="session")
def profiles() -> Profiles:
    return load(ROOT / "contracts", ROOT / "deploy" / "counties")


@pytest.fixture(scope="session")
def press() -> Press:
    return Press()


@pytest.fixture(scope="session")
def record(profiles: Profiles) -> ClientRecord:
    """Two parents of a county that takes paper, on the newest form and texts."""
    county, destination = next(
        (county, destination)
        for county in profiles.counties.values()
        for destination in county.destinations
        if destination.adapter == "paper"
    )
    joint = a_joint_record(destination=destination.name)
    parties = tuple(
        party.model_copy(update={"consents": party.consents.model_copy(update={"text_version": county.texts})})
        for party in joint.parties
        if party.consents
    )
    return joint.model_copy(update={"county": county.code, "form_version": county.form, "parties": parties})


@pytest.fixture
def place(profiles: Profiles, record: ClientRecord) -> Place:
    return Place(record.county, record.destination, ROOT / "contracts", reference=profiles)


@pytest.fixture(scope="session")
def render(profiles: Profiles, press: Press) -> Callable[..., Awaitable[Pile]]:
    """Renders a package. What was rendered once is given again, unless it is asked for anew."""
    piles: dict[tuple[object, ...], Pile] = {}

    async def rendered(
        record: ClientRecord,
        *,
        language: str | None = "en",
        look_first: bool = False,
        at: datetime = NOON,
        using: Profiles | None = None,
        anew: bool = False,
    ) -> Pile:
        asked = (record.model_dump_json(), language, look_first, at, id(using))
        if anew or using or asked not in piles:
            paper = Paper(using or profiles, Settings.model_validate({"language": language}), press)
            piles[asked] = Pile(await paper.render(record, key_of(record), look_first=look_first, prepared_at=at))
        return piles[asked]

    return rendered


def with_party(record: ClientRecord, place: int, **changes: object) -> ClientRecord:
    """The record with one party's parts changed."""
    parties = list(record.parties)
    parties[place] = parties[place].model_copy(update=changes)
    return record.model_copy(update={"parties": tuple(parties)})


@pytest.fixture
def change() -> Callable[..., ClientRecord]:
    return with_party


@pytest.fixture
def read() -> Callable[[Document], str]:
    return readable
