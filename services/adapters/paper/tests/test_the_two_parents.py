"""Equal and secret: the packages mirror each other, and neither holds a trace of the other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from rinnan_events.opened import Child, ClientRecord, Consents, Contact, Identity, OwnForm, Protection, RecordParty
from rinnan_host.port import Document

pytestmark = pytest.mark.slow  # every package is really set and printed

Render = Callable[..., Any]
Read = Callable[[Document], str]
Change = Callable[..., ClientRecord]


def marked(party: RecordParty, mark: str) -> RecordParty:
    """The same parent with a marked string in every field that can hold one."""
    child = Child(family_name=f"{mark}childfamily", given_names=f"{mark}childgiven", identity_code=f"{mark}childcode")
    return party.model_copy(
        update={
            "identity": Identity(
                family_name=f"{mark}family", given_names=f"{mark}given", identity_code=f"{mark}identitycode"
            ),
            "contact": Contact(
                language=f"{mark}language",
                email=f"{mark}email",
                phone=f"{mark}phone",
                safe_times=(f"{mark}times",),
                interpreter=f"{mark}interpreter",
            ),
            "protection": Protection(street=f"{mark}street", postal_code=f"{mark}postal", town=f"{mark}town"),
            "own": OwnForm(
                language=f"{mark}formlanguage",
                services=(f"{mark}service",),
                children=(child,),
                answers={f"{mark}question": (f"{mark}answer",)},
            ),
            "consents": Consents(
                text_version=f"{mark}texts",
                language=f"{mark}textlanguage",
                given={f"{mark}consent": True},
                given_at=party.consents.given_at,
            ),
            "care": party.care.model_copy(update={"instrument": f"{mark}instrument"}),
        }
    )


def swapped(record: ClientRecord) -> ClientRecord:
    """The two parents' input exchanged; the random ids stay where they are."""
    one, other = record.parties
    return record.model_copy(
        update={
            "parties": (
                other.model_copy(update={"party_id": one.party_id}),
                one.model_copy(update={"party_id": other.party_id}),
            )
        }
    )


def mirrored(text: str, one: UUID, other: UUID) -> str:
    """The text with the two parties' ids exchanged, long and short."""
    pairs = {str(one): str(other), str(other): str(one)}
    pairs |= {long[:8]: turned[:8] for long, turned in pairs.items()}
    return re.sub("|".join(sorted(pairs, key=len, reverse=True)), lambda found: pairs[found[0]], text)


async def test_exchanging_the_parents_mirrors_the_package_and_changes_nothing_else(
    render: Render, record: ClientRecord, read: Read
) -> None:
    one, other = (party.party_id for party in record.parties)
    before = await render(record, look_first=True)
    after = await render(swapped(record), look_first=True)
    names = {mirrored(document.name, one, other): document for document in after.documents}
    for document in (each for each in before.documents if each.party_id):
        if document.media_type != "application/pdf":
            assert mirrored(read(names[document.name]), one, other) == read(document)
        else:
            words, _, _ = read(document).partition("<?xpacket")
            turned, _, _ = mirrored(read(names[document.name]), one, other).partition("<?xpacket")
            assert turned == words


async def test_exchanging_the_parents_leaves_the_cover_untouched(render: Render, record: ClientRecord) -> None:
    before = await render(record)
    after = await render(swapped(record))
    for ending in ("cover.pdf", "cover.html", "cover.json"):
        assert before.one(ending).content == after.one(ending).content


async def test_nothing_of_one_parent_is_in_the_others_documents_or_on_the_cover(
    render: Render, record: ClientRecord, read: Read
) -> None:
    one, other = record.parties
    pile = await render(record.model_copy(update={"parties": (marked(one, "canary"), other)}), look_first=True)
    strangers = [document for document in pile.documents if document.party_id != one.party_id]
    assert len(strangers) == 9
    for document in strangers:
        assert "canary" not in read(document)
        assert b"canary" not in document.content
        if document.party_id is not None:
            assert str(one.party_id)[:8] not in read(document)


async def test_what_one_parent_told_is_all_in_that_parents_documents(
    render: Render, record: ClientRecord, read: Read
) -> None:
    one, other = record.parties
    pile = await render(record.model_copy(update={"parties": (marked(one, "canary"), other)}))
    told = {word for word in read_strings(marked(one, "canary").model_dump(mode="json")) if word.startswith("canary")}
    assert len(told) == 22
    for ending in (".pdf", ".html", ".json"):
        own = "".join(
            read(document)
            for document in pile.documents
            if document.party_id == one.party_id and document.name.endswith(ending)
        )
        assert {word for word in told if word not in own} == set()


def read_strings(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for key, each in value.items() for text in (*read_strings(key), *read_strings(each))]
        case list():
            return [text for each in value for text in read_strings(each)]
        case _:
            return []


async def test_an_identity_code_that_only_one_parent_knew_stays_with_that_parent(
    render: Render, record: ClientRecord, change: Change, read: Read
) -> None:
    own = record.parties[1].own
    nameless = tuple(child.model_copy(update={"identity_code": None}) for child in own.children)
    pile = await render(change(record, 1, own=own.model_copy(update={"children": nameless})), look_first=True)
    code = record.children[0].identity_code
    for document in pile.documents:
        assert (code in read(document)) is (
            document.party_id == record.parties[0].party_id and "package" in document.name
        )


async def test_the_order_of_the_parties_in_the_record_changes_nothing(render: Render, record: ClientRecord) -> None:
    turned = record.model_copy(update={"parties": record.parties[::-1]})
    assert (await render(record)).documents == (await render(turned)).documents


async def test_protected_data_stands_on_the_annex_and_nowhere_else(
    render: Render, record: ClientRecord, read: Read
) -> None:
    pile = await render(record)
    for document in pile.documents:
        for party in record.parties:
            belongs = document.party_id == party.party_id and "-protected-" in document.name
            for word in (party.protection.street, party.protection.postal_code, party.protection.town):
                assert (word in read(document)) is belongs
        if "-protected-" not in document.name:
            assert "individual_first" not in read(document)


async def test_an_unrestricted_address_stands_on_the_annex_too_so_that_its_place_tells_nothing(
    render: Render, record: ClientRecord
) -> None:
    open_one = record.parties[0]
    assert open_one.protection.non_disclosure is False
    assert open_one.protection.street not in (await render(record)).text(f"package-{str(open_one.party_id)[:8]}.html")


async def test_the_cover_holds_neutral_things_only(render: Render, record: ClientRecord) -> None:
    cover = json.loads((await render(record)).one("cover.json").content)
    assert {entry["source"] for section in cover["sections"] for entry in section["entries"]} <= {
        "reference",
        "county",
        "contact_by",
        "packages",
        "form_version",
        "registration",
        "delivery",
        "record.completed_at",
    }
