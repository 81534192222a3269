# ruff: noqa: RUF001 - names in other scripts are what is tested
"""What a professional keys in from: whole, in order, in any script, the same at every rendering."""

from __future__ import annotations

import io
import json
import re
import tomllib
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from pypdf import PdfReader

from rinnan_events.opened import Child, ClientRecord, Identity, Protection
from rinnan_host.port import Document, Place, Renderer, key_of, offer
from rinnan_host.samples import a_single_record
from rinnan_paper import OFFER, Paper, Settings, pdf
from rinnan_paper.pdf import Press, glyphs, printable, runs_right_to_left
from rinnan_paper.sheet import Answer, Entry, Kind, Section, Sheet
from rinnan_paper.speech import LANGUAGES, Speech, seen
from rinnan_profiles import Profiles
from rinnan_profiles.manual_entry import EntryField, ManualEntry
from rinnan_profiles.manual_entry import Section as Screen
from rinnan_profiles.words import Words

NOON = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)
Render, Read, Change = Callable[..., Any], Callable[[Document], str], Callable[..., ClientRecord]


def entries(pile: Any, ending: str) -> list[dict[str, Any]]:
    return [entry for section in json.loads(pile.one(ending).content)["sections"] for entry in section["entries"]]


def of(record: ClientRecord, place: int, kind: str = "package") -> str:
    return f"{kind}-{str(record.parties[place].party_id)[:8]}"


async def test_a_joint_record_gives_a_cover_and_two_documents_for_each_parent_in_three_forms(
    render: Render, record: ClientRecord
) -> None:
    pile = await render(record)
    assert len(pile.documents) == (1 + 2 * 2) * 3
    assert len({document.document_id for document in pile.documents}) == len(pile.documents)
    assert {document.party_id for document in pile.documents} == {None, *(each.party_id for each in record.parties)}


async def test_equal_arguments_give_equal_bytes(render: Render, record: ClientRecord) -> None:
    assert (await render(record)).documents == (await render(record, anew=True)).documents


async def test_preparing_it_later_gives_the_same_ids(render: Render, record: ClientRecord) -> None:
    pile, later = await render(record), await render(record, at=record.completed_at + timedelta(days=9))
    assert [each.document_id for each in pile.documents] == [each.document_id for each in later.documents]
    assert pile.one("cover.pdf").content != later.one("cover.pdf").content


async def test_a_package_that_says_look_first_never_stands_in_for_one_that_does_not(
    render: Render, record: ClientRecord
) -> None:
    plain, wary = await render(record), await render(record, look_first=True)
    assert not {each.document_id for each in plain.documents} & {each.document_id for each in wary.documents}


async def test_file_names_hold_ids_and_nothing_else(render: Render, record: ClientRecord) -> None:
    name = re.compile(r"[0-9a-f]{8}-(cover|(package|protected)-[0-9a-f]{8})\.(pdf|html|json)")
    assert all(name.fullmatch(document.name) for document in (await render(record)).documents)


async def test_every_pdf_has_a_title_a_language_tags_and_neutral_metadata(
    render: Render, record: ClientRecord, read: Read
) -> None:
    for language in LANGUAGES:
        for document in (await render(record, language=language)).documents:
            if document.media_type != "application/pdf":
                continue
            reader = PdfReader(io.BytesIO(document.content))
            root = reader.root_object
            assert root["/Lang"] == language
            assert root["/MarkInfo"]["/Marked"]
            assert "/StructTreeRoot" in root
            assert reader.metadata is not None
            assert str(reader.metadata.title).endswith(str(record.registration_id)[:8])
            assert reader.metadata.author == "Rinnan"
            assert set(reader.metadata) == {"/Title", "/Author", "/Creator", "/CreationDate", "/ModDate"}
            for part in ("pdfuaid:part>1", "pdfaid:part>2", "pdfaid:conformance>A"):
                assert part in read(document)


async def test_every_form_holds_the_same_fields_in_the_same_order(render: Render, record: ClientRecord) -> None:
    pile = await render(record)
    for name in (of(record, 0), of(record, 1), of(record, 1, "protected")):
        sheet = json.loads(pile.one(f"{name}.json").content)
        keyed = [entry["source"] for section in sheet["sections"] if section["keyed"] for entry in section["entries"]]
        assert re.findall(r'class="source">([^<]+)<', pile.text(f"{name}.html")) == keyed
        longest_first = sorted({re.escape(each) for each in keyed}, key=len, reverse=True)
        drawn = re.findall("|".join(longest_first), pile.text(f"{name}.pdf"))
        assert drawn == keyed


async def test_fields_stand_in_the_order_of_the_countys_screens(
    render: Render, record: ClientRecord, profiles: Profiles
) -> None:
    screens = profiles.manual_entry(record.county, record.destination)
    wanted = [
        field.source.removeprefix("party.")
        for screen in screens.sections
        if not screen.restricted and screen.sheet == "party"
        for field in screen.fields
    ]
    found = [entry["source"] for entry in entries(await render(record), f"{of(record, 0)}.json")]
    assert [source for source in found if source in wanted] == wanted


async def test_an_answer_is_shown_with_its_words_and_its_code(
    render: Render, record: ClientRecord, profiles: Profiles, change: Change
) -> None:
    form = profiles.form(record.form_version)
    question = next(iter(form.questions.values()))
    option = question.options[0]
    own = record.parties[0].own.model_copy(update={"answers": {question.id: (option.code,)}})
    pile = await render(change(record, 0, own=own))
    (entry,) = (each for each in entries(pile, f"{of(record, 0)}.json") if each["question"] == question.id)
    assert entry["answers"] == [{"text": option.text.at("en"), "code": option.code}]


@pytest.mark.parametrize("whole", ["prefer_not", "cannot_safely"])
async def test_not_answering_is_shown_as_the_answer_it_is(
    render: Render, record: ClientRecord, change: Change, profiles: Profiles, whole: str
) -> None:
    question = next(iter(profiles.form(record.form_version).questions))
    own = record.parties[0].own.model_copy(update={"answers": {question: (whole,)}})
    pile = await render(change(record, 0, own=own))
    (entry,) = (each for each in entries(pile, f"{of(record, 0)}.json") if each["question"] == question)
    assert entry["answers"][0]["code"] == whole
    assert entry["answers"][0]["text"] != whole


async def test_identity_codes_ask_for_two_people_whatever_the_mapping_says(
    render: Render, record: ClientRecord, profiles: Profiles
) -> None:
    words = Words.model_validate({"en": "Code"})
    field = EntryField(label=words, source="party.identity.identity_code", check_twice=False)
    lax = Screen.model_validate({"id": "lax", "title": words, "sheet": "party", "fields": (field,)})
    screens = ManualEntry(version=1, product="lax", languages={"en": "written"}, sections=(lax,))
    pile = await render(record, using=replace(profiles, labels={}, default_labels=screens))
    codes = [each for each in entries(pile, f"{of(record, 0)}.json") if "identity_code" in each["source"]]
    assert len(codes) == 2
    assert all(entry["two_people"] for entry in codes)


async def test_what_the_screens_have_no_place_for_stands_in_a_last_section(
    render: Render, record: ClientRecord, profiles: Profiles
) -> None:
    words = Words.model_validate({"en": "Only this"})
    only = Screen(
        id="only", title=words, sheet="party", fields=(EntryField(label=words, source="party.identity.family_name"),)
    )
    narrow = ManualEntry(version=1, product="narrow", languages={"en": "written"}, sections=(only,))
    using = replace(profiles, labels={}, default_labels=narrow)
    pile = await render(record, using=using)
    whole = await render(record)
    for name in (of(record, 0), of(record, 0, "protected")):
        assert {each["source"] for each in entries(pile, f"{name}.json") if each["answers"]} - {
            "record.contact_by"
        } >= {
            each["source"]
            for each in entries(whole, f"{name}.json")
            if each["answers"] and not each["source"].startswith("contact.")
        }
    everything = {
        each["source"] for name in ("package", "protected") for each in entries(pile, f"{of(record, 0, name)}.json")
    }
    assert {"contact.phone", "child.given_names", "protection.street", "care.route", "own.services"} <= everything


async def test_a_mapping_cannot_bring_an_address_out_of_the_annex(
    render: Render, record: ClientRecord, profiles: Profiles
) -> None:
    words = Words.model_validate({"en": "Address"})
    bold = Screen(
        id="bold",
        title=words,
        sheet="party",
        fields=(
            EntryField(label=words, source="party.protection.street"),
            EntryField(label=words, source="party.care.route"),
            EntryField(label=words, source="record.children"),
        ),
    )
    eager = ManualEntry(version=1, product="eager", languages={"en": "written"}, sections=(bold,))
    pile = await render(record, using=replace(profiles, labels={}, default_labels=eager))
    street = record.parties[1].protection.street
    assert street not in pile.text(f"{of(record, 1)}.json")
    assert street in pile.text(f"{of(record, 1, 'protected')}.json")
    assert "individual_first" not in pile.text(f"{of(record, 1)}.json")
    assert "record.children" not in {each["source"] for each in entries(pile, f"{of(record, 1)}.json")}


async def test_what_was_not_told_of_protection_reads_as_restricted(
    render: Render, record: ClientRecord, change: Change
) -> None:
    pile = await render(change(record, 0, protection=Protection(), care=None))
    untold = {each["source"]: each for each in entries(pile, f"{of(record, 0, 'protected')}.json")}
    for source in ("protection.non_disclosure", "protection.refuge", "protection.street"):
        assert untold[source]["answers"] == []
        assert untold[source]["untold"] == "not known – treat as restricted"
    assert untold["care.route"]["untold"] == "not known – a professional decides"


async def test_look_first_says_what_to_search_for(render: Render, record: ClientRecord) -> None:
    pile = await render(record, look_first=True)
    delivery = str(key_of(record).delivery)
    for ending in ("cover.pdf", f"{of(record, 0)}.pdf", f"{of(record, 0, 'protected')}.pdf", f"{of(record, 0)}.html"):
        text = pile.text(ending)
        assert "Look first" in text
        assert delivery in text
    sought = [each["source"] for each in json.loads(pile.one(f"{of(record, 1)}.json").content)["look_for"]]
    assert sought == ["delivery", "registration", "identity.birth_date", "identity.family_name", "child.identity_code"]


async def test_without_doubt_nobody_is_told_to_look_first(render: Render, record: ClientRecord) -> None:
    pile = await render(record)
    assert all("Look first" not in pile.text(document.name) for document in pile.documents)


async def test_one_parent_alone_is_said_on_that_parents_papers(render: Render, record: ClientRecord) -> None:
    alone = a_single_record(destination=record.destination).model_copy(update={"county": record.county})
    pile = await render(alone)
    assert len(pile.documents) == (1 + 2) * 3
    assert "concerns one parent alone" in pile.text(f"{of(alone, 0)}.pdf")
    assert "concerns one parent alone" in pile.text(f"{of(alone, 0, 'protected')}.pdf")
    assert "one parent alone" not in (await render(record)).text(f"{of(record, 0)}.pdf")


HOSTILE = '#panic("x") ]*b*[ $x^2$ @ref <l> ```raw``` \\u{41} {{ 7*7 }} <script>alert(1)</script> " \' &amp;'


async def test_what_looks_like_markup_is_printed_as_it_was_told(
    render: Render, record: ClientRecord, change: Change
) -> None:
    pile = await render(change(record, 0, identity=Identity(family_name=HOSTILE)))
    squeezed = re.sub(r"\s", "", pile.text(f"{of(record, 0)}.pdf"))
    assert re.sub(r"\s", "", HOSTILE) in squeezed
    page = pile.text(f"{of(record, 0)}.html")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page


NORTHERN = "Áá Čč Đđ Ŋŋ Šš Ŧŧ Žž Åå Ää Öö Ʒʒ Ǥǥ Ǩǩ Ǯǯ Õõ"


async def test_the_letters_of_the_north_are_printed(render: Render, record: ClientRecord, change: Change) -> None:
    pile = await render(change(record, 0, identity=Identity(family_name=NORTHERN)))
    assert NORTHERN in pile.text(f"{of(record, 0)}.pdf")


async def test_arabic_is_shaped_and_can_be_read_out_again(render: Render, record: ClientRecord, change: Change) -> None:
    pile = await render(change(record, 0, identity=Identity(family_name="فاطمة", given_names="گۆران")))
    text = pile.text(f"{of(record, 0)}.pdf")
    assert "فاطمة" in text
    assert "گۆران" in text
    assert "[U+" not in text


async def test_a_character_without_a_glyph_is_written_out_and_the_sheet_says_so(
    render: Render, record: ClientRecord, change: Change
) -> None:
    pile = await render(change(record, 0, identity=Identity(family_name="王")))
    text = pile.text(f"{of(record, 0)}.pdf")
    assert "[U+738B]" in text
    assert "cannot be printed" in text
    assert "王" in pile.text(f"{of(record, 0)}.html")


async def test_a_character_that_cannot_be_seen_is_written_out_everywhere(
    render: Render, record: ClientRecord, change: Change
) -> None:
    pile = await render(change(record, 0, identity=Identity(family_name="Aa\u202eBb")))
    for ending in (".pdf", ".html", ".json"):
        assert "Aa[U+202E]Bb" in pile.text(f"{of(record, 0)}{ending}")


async def test_a_very_long_word_keeps_inside_its_column_and_is_copied_without_a_break(
    render: Render, record: ClientRecord, change: Change
) -> None:
    long = "x" * 180
    pile = await render(change(record, 0, identity=Identity(family_name=long)))
    assert long in re.sub(r"\s", "", pile.text(f"{of(record, 0)}.pdf"))
    assert "\u200b" not in pile.text(f"{of(record, 0)}.pdf")


async def test_ten_children_are_all_there_in_the_order_they_were_named(
    render: Render, record: ClientRecord, change: Change
) -> None:
    names = [f"Nimi{letter}" for letter in "KACJBDHGFE"]
    children = tuple(Child(family_name="Lapsi", given_names=name) for name in names)
    own = record.parties[0].own.model_copy(update={"children": children})
    pile = await render(change(record, 0, own=own))
    assert re.findall(r"Nimi[A-K]", pile.text(f"{of(record, 0)}.pdf")) == names


async def test_a_single_name_leaves_the_given_names_untold(
    render: Render, record: ClientRecord, change: Change
) -> None:
    pile = await render(change(record, 0, identity=Identity(family_name="Suharto")))
    told = {each["source"]: each["answers"] for each in entries(pile, f"{of(record, 0)}.json")}
    assert told["identity.family_name"] == [{"text": "Suharto", "code": None}]
    assert told["identity.given_names"] == []


async def test_a_form_or_text_that_nobody_knows_any_more_is_still_rendered_by_its_codes(
    render: Render, record: ClientRecord
) -> None:
    pile = await render(record.model_copy(update={"form_version": "gone.9"}))
    assert "alternating" in pile.text(f"{of(record, 0)}.pdf")


async def test_a_page_needs_no_script_and_nothing_from_elsewhere(render: Render, record: ClientRecord) -> None:
    for document in (await render(record, look_first=True)).documents:
        if document.name.endswith(".html"):
            assert not re.search(r"<script|<link|<img|<iframe|https?:|url\(|@import", document.content.decode())


async def test_days_are_the_countys_days(render: Render, record: ClientRecord) -> None:
    late = record.contact_by.replace(hour=22, minute=30)
    pile = await render(record.model_copy(update={"contact_by": late}))
    (entry,) = (each for each in entries(pile, "cover.json") if each["source"] == "contact_by")
    assert entry["answers"][0]["text"] == f"{late.day + 1}.{late.month}.{late.year}"


def test_paper_is_found_by_its_name_and_fills_the_renderers_port(place: Place) -> None:
    paper = offer("paper").at(place, {})
    assert isinstance(paper, Renderer)
    assert paper.capabilities.renders
    assert not paper.capabilities.searchable


async def test_the_check_says_yes_where_fonts_and_engine_are(profiles: Profiles) -> None:
    paper = Paper(profiles, Settings())
    assert await paper.check() is None
    await paper.aclose()


def test_a_setting_that_is_not_known_is_refused(place: Place) -> None:
    with pytest.raises(ValueError, match="colour"):
        OFFER.at(place, {"colour": "red"})


def test_the_packages_own_words_are_whole_in_every_staff_language(profiles: Profiles) -> None:
    words = tomllib.loads(files("rinnan_paper").joinpath("words.toml").read_text("utf-8"))
    texts = [*words["fixed"].values(), *words["guide"].values(), *words["source"].values()]
    texts += [each for kind in words["code"].values() for each in kind.values()]
    assert all(set(text) == set(LANGUAGES) and all(text.values()) for text in texts)
    assert all(len({len(steps) for steps in guide.values()}) == 1 for guide in words["guide"].values())


def test_every_letter_of_the_fonts_can_be_drawn_after_every_kind_of_other(press: Press) -> None:
    letters = sorted(chr(each) for each in glyphs() if seen(chr(each)) == chr(each))
    mixed = [letters[place] + letters[-place] for place in range(1, len(letters), 3)]
    answers = tuple(Answer(text) for text in mixed)
    sheet = Sheet(
        kind=Kind.PACKAGE,
        party_id=None,
        language="en",
        title="Every letter",
        reference="0",
        code=None,
        prepared="",
        guide=(),
        sections=(Section("All", (Entry("all", "all", answers, ""),)),),
    )
    assert press.draw(sheet, Speech.all_fixed("en"), NOON).startswith(b"%PDF")


def test_what_cannot_be_drawn_is_named_without_a_word_of_what_was_told(press: Press, monkeypatch: Any) -> None:
    monkeypatch.setattr(pdf, "printable", lambda text: text)
    sheet = Sheet(Kind.PACKAGE, None, "en", "王", "0", None, "", (), ())
    with pytest.raises(pdf.NotDrawn) as raised:
        press.draw(sheet, Speech.all_fixed("en"), NOON)
    assert "王" not in "".join(traceback.format_exception(raised.value, chain=True)[-1:])
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "rtl"), [("فاطمة", True), ("Aino", False), ("12 فاطمة", True), ("123", False), ("Aino فاطمة", False)]
)
def test_a_text_runs_as_its_first_letter_does(text: str, rtl: bool) -> None:
    assert runs_right_to_left(text) is rtl


def test_joiners_that_persian_needs_are_kept() -> None:
    assert seen("می\u200cخواهم") == "می\u200cخواهم"
    assert printable("می\u200cخواهم") == "می\u200cخواهم"
