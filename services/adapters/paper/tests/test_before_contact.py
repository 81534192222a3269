"""What whoever makes contact reads first: when and how it is safe, and what a parent left open. Only they read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from rinnan_events.opened import CareRoute, ClientRecord, OwnForm, Route
from rinnan_host.port import Document
from rinnan_host.samples import a_single_record
from rinnan_profiles import Profiles
from rinnan_profiles.manual_entry import EntryField, ManualEntry
from rinnan_profiles.manual_entry import Section as Screen
from rinnan_profiles.words import Words

pytestmark = pytest.mark.slow  # every package is really set and printed

WHETHER_IT_IS_SAFE = "not told \N{EN DASH} ask first whether it is safe to talk now"
Render, Read, Change = Callable[..., Any], Callable[[Document], str], Callable[..., ClientRecord]


def annex(record: ClientRecord, place: int, ending: str = "json") -> str:
    return f"protected-{str(record.parties[place].party_id)[:8]}.{ending}"


def package(record: ClientRecord, place: int, ending: str = "json") -> str:
    return f"package-{str(record.parties[place].party_id)[:8]}.{ending}"


def first(pile: Any, name: str) -> dict[str, dict[str, Any]]:
    return {each["source"]: each for each in json.loads(pile.one(name).content)["before_contact"]}


def words(entry: dict[str, Any]) -> list[str]:
    return [answer["text"] for answer in entry["answers"]]


def answering(record: ClientRecord, place: int, **answers: tuple[str, ...]) -> OwnForm:
    own = record.parties[place].own
    assert own is not None
    services = answers.pop("services", own.services)
    return own.model_copy(update={"services": services, "answers": answers})


@pytest.mark.parametrize("place", [0, 1])
async def test_every_annex_opens_with_it_in_one_order_whatever_was_told(
    render: Render, record: ClientRecord, place: int
) -> None:
    pile = await render(record)
    assert list(first(pile, annex(record, place))) == [
        "record.contact_by",
        "care.route",
        "contact.safe_times",
        "contact.hide_caller",
        "contact.voicemail_allowed",
        "contact.language",
        "contact.interpreter",
        "own.left_open",
    ]
    for ending in ("pdf", "html"):
        text = pile.text(annex(record, place, ending))
        assert (
            text.index("Read before you make contact") < text.index("Whose annex this is") < text.index("contact.phone")
        )


async def test_safe_times_are_told_in_words_and_their_absence_is_no_leave_to_call(
    render: Render, record: ClientRecord, change: Change
) -> None:
    contact = record.parties[0].contact.model_copy(update={"safe_times": ("weekday_morning", "weekend")})
    pile = await render(change(record, 0, contact=contact))
    assert words(first(pile, annex(record, 0))["contact.safe_times"]) == ["weekday morning", "weekend"]
    untold = first(pile, annex(record, 1))["contact.safe_times"]
    assert (untold["answers"], untold["untold"]) == ([], WHETHER_IT_IS_SAFE)
    assert "ask first whether it is safe" in pile.text(annex(record, 1, "pdf"))


@pytest.mark.parametrize("asked", list(product(("prefer_not", "cannot_safely"), ("fi", "sv", "en"))))
async def test_a_question_left_open_is_named_for_whoever_makes_contact(
    render: Render, record: ClientRecord, change: Change, profiles: Profiles, asked: tuple[str, str]
) -> None:
    whole, language = asked
    form = profiles.form(record.form_version)
    own = answering(record, 0, services=(whole,), living=(whole,), matters=("custody",))
    pile = await render(change(record, 0, own=own), language=language)
    said = {"prefer_not": form.whole_answers.prefer_not, "cannot_safely": form.whole_answers.cannot_safely}[whole]
    left = first(pile, annex(record, 0))["own.left_open"]
    assert [answer["code"] for answer in left["answers"]] == [whole, whole]
    assert words(left)[1] == f"{form.questions['living'].text.at(language)} ({said.at(language)})"
    assert form.questions["living"].text.at(language) in pile.text(annex(record, 0, "pdf"))


async def test_one_who_left_nothing_open_and_one_who_gave_in_no_form_are_told_apart(
    render: Render, record: ClientRecord, change: Change
) -> None:
    pile = await render(change(change(record, 0, own=answering(record, 0, living=("by_turns",))), 1, own=None))
    assert first(pile, annex(record, 0))["own.left_open"]["untold"] == "answered every question"
    assert first(pile, annex(record, 1))["own.left_open"]["untold"].startswith("This parent has given in no form")


@pytest.mark.parametrize(("own", "other"), [(0, 1), (1, 0)])
async def test_what_one_parent_left_open_changes_no_byte_of_the_cover_or_of_the_others_papers(
    render: Render, record: ClientRecord, change: Change, own: int, other: int
) -> None:
    left = await render(change(record, own, own=answering(record, own, living=("cannot_safely",))))
    told = await render(change(record, own, own=answering(record, own, living=("by_turns",))))
    mine = record.parties[own].party_id
    strangers = [document for document in told.documents if document.party_id != mine]
    assert {document.party_id for document in strangers} == {None, record.parties[other].party_id}
    assert [document for document in left.documents if document.party_id != mine] == strangers
    assert left.one(annex(record, own)).content != told.one(annex(record, own)).content


@pytest.mark.parametrize("route", list(Route))
async def test_a_route_of_care_changes_that_parents_annex_and_not_a_byte_of_anything_else(
    render: Render, record: ClientRecord, change: Change, route: Route
) -> None:
    care = CareRoute(route=route, instrument="core", instrument_version="1")
    routed, unrouted = await render(change(record, 0, care=care)), await render(change(record, 0, care=None))
    pairs = zip(routed.documents, unrouted.documents, strict=True)
    changed = {one.name for one, other in pairs if one.content != other.content}
    assert {name.partition("-")[2] for name in changed} == {annex(record, 0, kind) for kind in ("pdf", "html", "json")}


async def test_how_to_reach_a_parent_stands_on_the_annex_alone_whatever_a_mapping_says(
    render: Render, record: ClientRecord, profiles: Profiles, read: Read
) -> None:
    label = Words.model_validate({"en": "Phone"})
    fields = (EntryField(label=label, source="party.contact.phone"),)
    bold = Screen(id="bold", title=label, sheet="party", fields=fields)
    other = (EntryField(label=label, source="party.identity.family_name"),)
    bare = Screen(id="bare", title=label, sheet="party", fields=other)
    for sections in ((bold,), (bare,)):
        eager = ManualEntry(version=1, product="eager", languages={"en": "written"}, sections=sections)
        pile = await render(record, using=replace(profiles, labels={}, default_labels=eager))
        for document in pile.documents:
            found = [party.party_id for party in record.parties if str(party.contact.phone) in read(document)]
            assert found == ([document.party_id] if "-protected-" in document.name else [])


async def test_a_request_of_one_alone_says_so_on_the_cover_and_asks_nobody_to_key_in_what_was_not_given(
    render: Render, record: ClientRecord
) -> None:
    alone = a_single_record(destination=record.destination).model_copy(update={"county": record.county})
    pile = await render(alone)
    assert "concerns one parent alone" in pile.text("cover.pdf")
    assert "given in no form" in pile.text(package(alone, 0, "pdf"))
    sections = json.loads(pile.one(package(alone, 0)).content)["sections"]
    assert all(any(entry["answers"] for entry in section["entries"]) for section in sections)
    joint = await render(record)
    assert "one parent alone" not in joint.text("cover.pdf")
