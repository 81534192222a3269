"""What is shipped in contracts/ and deploy/counties/ holds what the house promises of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rinnan_profiles import Profiles, UnknownCounty, UnknownVersion, load
from rinnan_profiles.instrument import Stage
from rinnan_profiles.words import FIRST_LANGUAGES, words_in

A_MOMENT = datetime(2026, 2, 23, 10, 0, tzinfo=UTC)
HOUSE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def profiles() -> Profiles:
    return load(HOUSE / "contracts", HOUSE / "deploy" / "counties")


def test_three_counties_are_shipped(profiles: Profiles) -> None:
    assert set(profiles.counties) == {"vakehyva", "lapha", "pirha"}


def test_what_every_county_pins_can_be_loaded(profiles: Profiles) -> None:
    for county in profiles.counties.values():
        pins = county.pins()
        assert profiles.form(pins.form).version == pins.form
        assert profiles.catalogue(pins.catalogue).version == pins.catalogue
        assert profiles.texts(pins.texts).version == pins.texts
        assert profiles.instrument(pins.instrument).version == pins.instrument
        assert profiles.pinned_county(county.code, pins.profile) is county


def test_everything_a_parent_meets_is_there_in_finnish_swedish_and_english(profiles: Profiles) -> None:
    for county in profiles.counties.values():
        pins = county.pins()
        met = (
            profiles.form(pins.form),
            profiles.catalogue(pins.catalogue),
            profiles.texts(pins.texts),
            profiles.instrument(pins.instrument),
        )
        for value in met:
            for place, words in words_in(value):
                assert words.languages >= set(FIRST_LANGUAGES), (value.version, place)


def test_the_screening_is_asked_in_the_first_languages_and_in_no_draft_translation(profiles: Profiles) -> None:
    instrument = profiles.instrument(profiles.county("lapha").instrument)
    assert all(instrument.servable(language) for language in FIRST_LANGUAGES)
    assert not instrument.servable("ar")


def test_instruments_without_a_licence_are_never_asked(profiles: Profiles) -> None:
    for version in ("thl_filter.1", "fl_doors.1", "masic_s.1"):
        instrument = profiles.instrument(version)
        assert instrument.stage is Stage.DRAFT
        assert not any(instrument.servable(language) for language in (*FIRST_LANGUAGES, "ar", "se"))


def test_the_shipped_screening_does_not_claim_to_be_validated(profiles: Profiles) -> None:
    instrument = profiles.instrument("hark_separation.1")
    assert not instrument.validated
    assert instrument.stage is Stage.PILOT


def test_every_golden_case_leads_where_it_says(profiles: Profiles) -> None:
    instrument = profiles.instrument("hark_separation.1")
    assert len(instrument.golden_cases) >= 10
    for case in instrument.golden_cases:
        assert instrument.route(instrument.golden(case)) is case.route, case.name


def test_the_catalogue_names_the_national_class_of_family_law_services(profiles: Profiles) -> None:
    national = profiles.catalogue("family_law.1").national_class
    assert (national.system, national.code) == ("urn:oid:1.2.246.537.6.50", "SOTE19")


def test_nobody_is_led_to_mediation(profiles: Profiles) -> None:
    services = profiles.catalogue("family_law.1").services
    [mediation] = [service for service in services if service.code == "family_mediation"]
    assert mediation.never_auto_routed
    assert not mediation.open_to_one


def test_there_is_one_ending_in_every_language_of_the_statuses(profiles: Profiles) -> None:
    texts = profiles.texts("plain.1")
    assert texts.ending.languages == texts.statuses.open.languages == {"fi", "sv", "en", "ar", "se"}


def test_a_fallback_says_which_language_it_fell_back_to(profiles: Profiles) -> None:
    status = profiles.texts("plain.1").statuses.open
    assert status.nearest("sv").language == "sv"
    assert status.nearest("so").language == "fi"


def test_the_form_has_no_question_that_takes_free_text(profiles: Profiles) -> None:
    form = profiles.form("first_information.1")
    assert all(question.options for question in form.questions.values())


def test_an_unknown_county_and_an_unknown_version_are_told_apart(profiles: Profiles) -> None:
    with pytest.raises(UnknownCounty):
        profiles.county("atlantis")
    with pytest.raises(UnknownVersion):
        profiles.form("first_information.99")
    with pytest.raises(UnknownVersion):
        profiles.pinned_county("lapha", "pirha.1")


@pytest.mark.parametrize("kind", ["invitation", "reminder"])
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_every_message_of_every_county_leaves_without_a_blank(profiles: Profiles, kind: str, channel: str) -> None:
    for county in profiles.counties.values():
        deadline = county.deadline(A_MOMENT)
        for languages in ([], *([language] for language in county.letter_languages)):
            message = county.message(
                kind, channel, languages, address="https://example.invalid", deadline=deadline, code="KX7QH2PM"
            )
            assert "{" not in message.subject + message.body
            assert ("9.3.2026" in message.body) is (languages != ["en"])
            assert ("9 March 2026" in message.body) is (languages in ([], ["en"]))
            assert ("KX7QH2PM" in message.body) is (kind == "invitation")
            assert bool(message.subject) is (channel == "email")


def test_a_message_to_somebody_whose_language_nobody_knows_is_in_all_the_countys_languages(profiles: Profiles) -> None:
    lapland = profiles.county("lapha")
    message = lapland.message(
        "invitation", "email", address="https://example.invalid", deadline=A_MOMENT, code="KX7QH2PM"
    )
    assert message.body.count("KX7QH2PM") == len(lapland.letter_languages) == 5


def test_a_message_to_somebody_whose_language_is_known_is_in_that_one(profiles: Profiles) -> None:
    message = profiles.county("lapha").message(
        "invitation", "email", ["sv"], address="https://example.invalid", deadline=A_MOMENT, code="KX7QH2PM"
    )
    assert message.subject == "Du har ett meddelande"
    assert message.body.count("KX7QH2PM") == 1


def test_lapland_keys_in_with_its_own_labels_and_the_others_with_the_default_ones(profiles: Profiles) -> None:
    lapland = profiles.county("lapha").destinations[0]
    assert profiles.manual_entry("lapha", lapland.name).product == "lapha-cis"
    assert profiles.manual_entry("pirha", "pirha-cis") is profiles.default_labels


def test_the_slow_server_is_given_longer_to_settle_than_it_is_waited_for(profiles: Profiles) -> None:
    slow = profiles.county("pirha").destinations[0]
    assert slow.settle_after > 100 * slow.write_timeout
