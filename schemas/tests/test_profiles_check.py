"""What is wrong in a profile is named with file and line; a service does not start on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rinnan_profiles import BrokenProfiles, load
from rinnan_profiles.check import check, main
from rinnan_profiles.positions import line_of

HOUSE = Path(__file__).parents[2]
ADAPTERS = {"fhir", "paper"}
COUNTY = "deploy/counties/vakehyva-vantaa-kerava/county.toml"
FORM = "contracts/forms/first_information.1.toml"
LETTER = "deploy/counties/pirha-pirkanmaa/letters/fi/invitation.sms.txt"
EMAIL = LETTER.replace("sms", "email")

Faults = Callable[[], list[str]]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    shutil.copytree(HOUSE / "deploy" / "counties", tmp_path / "deploy" / "counties")
    for folder in ("forms", "catalogues", "texts", "instruments"):
        shutil.copytree(HOUSE / "contracts" / folder, tmp_path / "contracts" / folder)
    return tmp_path


@pytest.fixture
def faults(house: Path) -> Faults:
    def said() -> list[str]:
        _, found = check(house / "contracts", house / "deploy" / "counties", ADAPTERS)
        return [str(fault).removeprefix(f"{house}/") for fault in found]

    return said


def change(file: Path, old: str, new: str) -> int:
    """Change the first line that holds `old`, and say which line that is."""
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_what_is_shipped_has_no_fault(faults: Faults) -> None:
    assert faults() == []


def test_an_unknown_key_is_named_with_its_line(house: Path, faults: Faults) -> None:
    line = change(house / COUNTY, "answer_days = 14", "answr_days = 14")
    assert f"{COUNTY}:{line}: answr_days: unknown key" in faults()
    assert f"{COUNTY}:1: answer_days: field required" in faults()


def test_an_unknown_key_inside_a_destination_is_named_with_its_line(house: Path, faults: Faults) -> None:
    line = change(house / COUNTY, "parallel = 8", "parallel = 8\nparalel = 8") + 1
    assert faults() == [f"{COUNTY}:{line}: destinations.1.paralel: unknown key"]


def test_a_missing_settle_after_is_named_with_the_line_of_its_destination(house: Path, faults: Faults) -> None:
    line = change(house / COUNTY, "[[destinations]]", "[[destinations]]")
    change(house / COUNTY, "settle_after", "# settle_after")
    assert faults() == [f"{COUNTY}:{line}: destinations.1.settle_after: field required"]


def test_settling_sooner_than_the_time_out_is_a_fault(house: Path, faults: Faults) -> None:
    line = change(house / COUNTY, 'settle_after = "2 min"', 'settle_after = "10 s"')
    assert faults() == [f"{COUNTY}:{line}: settle_after must be longer than write_timeout"]


def test_a_destination_without_a_restricted_place_is_a_fault_for_nobody_would_read_the_care_route(
    house: Path, faults: Faults
) -> None:
    line = change(house / COUNTY, "restricted_place = true", "restricted_place = false")
    assert faults() == [f"{COUNTY}:{line}: the care route would reach nobody"]


def test_forgetting_before_every_answer_day_is_over_is_a_fault(house: Path, faults: Faults) -> None:
    line = change(house / COUNTY, "purge_days_after_settlement = 30", "purge_days_after_settlement = 14")
    assert faults() == [f"{COUNTY}:{line}: it would be forgotten while reminders of it may still leave"]
    change(house / COUNTY, "purge_days_after_settlement = 14", "purge_days_after_settlement = 15")
    assert faults() == []


def test_an_adapter_that_is_not_installed_is_named_with_its_line(house: Path, faults: Faults) -> None:
    line = change(house / COUNTY, 'adapter = "fhir"', 'adapter = "punch_cards"')
    assert faults() == [f"{COUNTY}:{line}: adapter: punch_cards is not installed"]


def test_a_language_that_the_form_is_not_whole_in_is_named_with_its_line(house: Path, faults: Faults) -> None:
    line = change(house / COUNTY, 'languages = ["fi", "sv", "en"]', 'languages = ["fi", "sv", "en", "so"]')
    assert f"{COUNTY}:{line}: first_information.1 is not whole in so" in faults()
    assert any("may not be asked in so" in fault for fault in faults())


def test_a_text_that_is_missing_in_one_language_is_named_with_its_line(house: Path, faults: Faults) -> None:
    line = change(house / FORM, 'text.sv = "Barnets vårdnad"\n', "") - 1
    assert faults() == [f"{FORM}:{line}: the text is missing in sv"]


def test_a_countys_name_that_is_missing_in_one_language_is_named_with_its_line(house: Path, faults: Faults) -> None:
    change(house / COUNTY, 'sv = "Vanda och Kervo', '# sv = "Vanda och Kervo')
    line = (house / COUNTY).read_text("utf-8").split("[name]")[0].count("\n") + 1
    assert faults() == [f"{COUNTY}:{line}: the text is missing in sv"]


@pytest.mark.parametrize("code", ["prefer_not", "cannot_safely"])
def test_a_form_does_not_write_the_whole_answers_itself(house: Path, faults: Faults, code: str) -> None:
    change(house / FORM, 'code = "custody"', f'code = "{code}"')
    assert [fault for fault in faults() if "is added by itself" in fault]


def test_a_form_without_the_words_of_a_whole_answer_is_refused(house: Path, faults: Faults) -> None:
    text = (house / FORM).read_text("utf-8")
    (house / FORM).write_text("\n".join(line for line in text.splitlines() if "cannot_safely." not in line), "utf-8")
    assert any("whole_answers.cannot_safely: field required" in fault for fault in faults())


@pytest.mark.parametrize("key", ["form", "catalogue", "texts", "instrument"])
def test_a_version_that_nobody_has_is_named_with_its_line(house: Path, faults: Faults, key: str) -> None:
    line = change(house / COUNTY, f"\n{key} = ", f'\n{key} = "no_such.7" # ') + 1
    assert f"{COUNTY}:{line}: there is no no_such.7" in faults()


def test_a_service_that_the_catalogue_does_not_have_is_named(house: Path, faults: Faults) -> None:
    change(house / COUNTY, '"parenting_support"', '"adoption"')
    assert any("family_law.1 has no service adoption" in fault for fault in faults())


def test_a_screening_in_a_draft_translation_is_named(house: Path, faults: Faults) -> None:
    change(house / "contracts/instruments/hark_separation.1.toml", 'sv = "written"', 'sv = "draft"')
    assert all(fault.endswith("hark_separation.1 may not be asked in sv") for fault in faults())
    assert len(faults()) == 3


def test_a_letter_that_cannot_be_read_is_named(house: Path, faults: Faults) -> None:
    (house / LETTER).write_bytes(b"\xff\xfe")
    assert f"{LETTER}:1: not a letter: not UTF-8, or its folder is not a language" in faults()


def test_an_email_without_a_subject_line_is_named(house: Path, faults: Faults) -> None:
    change(house / EMAIL, "Subject: Sinulle on viesti\n\n", "")
    assert any(fault.startswith(f"{EMAIL}:1: ") for fault in faults())


def test_a_letter_that_is_missing_is_named(house: Path, faults: Faults) -> None:
    (house / LETTER).unlink()
    assert any(fault.endswith("there is no letters/fi/invitation.sms.txt") for fault in faults())


@pytest.mark.parametrize("word", ["lapsesi", "toinen vanhempi", "väkivalta", "perheoikeudelliset", "kutsu"])
def test_a_letter_that_tells_what_it_is_about_is_named(house: Path, faults: Faults, word: str) -> None:
    change(house / LETTER, "sinulle on", f"{word} ja sinulle on")
    assert [fault for fault in faults() if fault.startswith(f"{LETTER}:1: a message must never say")]


@pytest.mark.parametrize("blank", ["{code}", "{address}", "{deadline}"])
def test_a_letter_without_one_of_its_blanks_is_named(house: Path, faults: Faults, blank: str) -> None:
    change(house / LETTER, blank, "")
    assert faults() == [f"{LETTER}:1: these blanks must stand once each, and no others: address, code, deadline"]


def test_a_letter_never_holds_another_blank(house: Path, faults: Faults) -> None:
    change(house / LETTER, "{code}", "{code} {family_name}")
    assert len(faults()) == 1


def test_a_time_zone_that_nobody_has_is_named_with_its_line(house: Path, faults: Faults) -> None:
    line = change(house / COUNTY, "Europe/Helsinki", "Europe/Vantaa")
    assert faults() == [f"{COUNTY}:{line}: timezone: value error, no such time zone"]


def test_a_calendar_that_nobody_knows_is_named_with_its_line(house: Path, faults: Faults) -> None:
    line = change(house / COUNTY, 'calendar = "FI"', 'calendar = "ZZ"')
    assert faults() == [f"{COUNTY}:{line}: calendar: no public holidays are known for ZZ"]


def test_a_length_of_time_that_cannot_be_read_is_named_with_its_line(house: Path, faults: Faults) -> None:
    line = change(house / COUNTY, 'grace = "30 min"', 'grace = "soon"')
    (fault,) = faults()
    assert fault.startswith(f"{COUNTY}:{line}: grace: ")


def test_a_broken_file_is_named_with_the_line_it_breaks_at(house: Path, faults: Faults) -> None:
    line = change(house / COUNTY, "code_days = 10", "code_days =")
    assert any(fault.startswith(f"{COUNTY}:{line}: not TOML") for fault in faults())


def test_protected_data_in_an_open_section_is_named_with_its_line(house: Path, faults: Faults) -> None:
    labels = "deploy/counties/lapha-lapland/manual_entry.toml"
    line = change(house / labels, 'source = "party.identity.family_name"', 'source = "party.protection.street"')
    assert faults() == [f"{labels}:{line}: party.protection.street is protected and goes to a restricted section only"]


@pytest.mark.parametrize("source", ["party.identity.shoe_size", "party.identity", "party.own.answers"])
def test_a_field_that_leads_nowhere_in_the_record_is_named(house: Path, faults: Faults, source: str) -> None:
    labels = "deploy/counties/lapha-lapland/manual_entry.toml"
    line = change(house / labels, 'source = "party.identity.family_name"', f'source = "{source}"')
    assert faults() == [f"{labels}:{line}: {source} leads nowhere in the record"]


@pytest.mark.parametrize("source", ["record.parties", "party.identity.family_name", "child.family_name"])
def test_the_shared_cover_tells_nothing_of_a_person(house: Path, faults: Faults, source: str) -> None:
    labels = "deploy/counties/lapha-lapland/manual_entry.toml"
    line = change(house / labels, 'source = "record.contact_by"', f'source = "{source}"')
    assert faults() == [f"{labels}:{line}: {source} does not belong on a cover sheet"]


def test_screens_that_want_an_answer_the_form_does_not_ask_for_are_named(house: Path, faults: Faults) -> None:
    labels = "deploy/counties/lapha-lapland/manual_entry.toml"
    change(house / labels, "party.own.answers.urgency", "party.own.answers.income")
    assert any("first_information.1 does not ask income" in fault for fault in faults())


def test_a_file_that_is_not_named_after_its_version_is_named(house: Path, faults: Faults) -> None:
    (house / FORM).rename(house / "contracts/forms/other.1.toml")
    assert "contracts/forms/other.1.toml:1: the file holds first_information.1 and is not named after it" in faults()


def test_a_second_county_of_the_same_code_is_named(house: Path, faults: Faults) -> None:
    shutil.copytree(house / "deploy/counties/lapha-lapland", house / "deploy/counties/lapha-twin")
    assert any("lapha-twin/county.toml" in fault and "<code>-<name>" in fault for fault in faults())


def test_a_registration_finds_the_profile_it_was_opened_under(house: Path) -> None:
    folder = house / "deploy/counties/lapha-lapland"
    (folder / "history" / "1").mkdir(parents=True)
    shutil.copy(folder / "county.toml", folder / "history" / "1" / "county.toml")
    shutil.copytree(folder / "letters", folder / "history" / "1" / "letters")
    shutil.copy(folder / "manual_entry.toml", folder / "history" / "1" / "manual_entry.toml")
    change(folder / "county.toml", "version = 1", "version = 2")
    change(folder / "county.toml", "answer_days = 14", "answer_days = 21")
    profiles = load(house / "contracts", house / "deploy" / "counties")
    assert profiles.county("lapha").pins().profile == "lapha.2"
    assert profiles.pinned_county("lapha", "lapha.2").answer_days == 21
    assert profiles.pinned_county("lapha", "lapha.1").answer_days == 14


def test_a_service_does_not_start_on_a_broken_profile(house: Path) -> None:
    change(house / COUNTY, "answer_days = 14", "answer_days = 0")
    with pytest.raises(BrokenProfiles, match="answer_days"):
        load(house / "contracts", house / "deploy" / "counties")


@pytest.mark.parametrize(("what", "days"), [("purge_days_after_settlement", 30), ("purge_days_after_ending", 2)])
def test_what_is_over_is_shown_for_a_day_at_least(house: Path, faults: Faults, what: str, days: int) -> None:
    line = change(house / COUNTY, f"{what} = {days}", f"{what} = 0")
    assert faults() == [f"{COUNTY}:{line}: {what}: input should be greater than or equal to 1"]


def test_the_command_says_what_is_wrong_and_fails(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = change(house / COUNTY, "settle_after", "# settle_after") - 5
    arguments = ["--contracts", str(house / "contracts"), "--counties", str(house / "deploy" / "counties")]
    assert main(arguments) == 1
    assert f"county.toml:{line}: destinations.1.settle_after: field required" in capsys.readouterr().err


@pytest.mark.parametrize(("letters", "counted"), [([LETTER], "1 fault"), ([LETTER, EMAIL], "2 faults")])
def test_the_command_counts_what_is_wrong(
    house: Path, capsys: pytest.CaptureFixture[str], letters: list[str], counted: str
) -> None:
    for letter in letters:
        change(house / letter, "{code}", "")
    main(["--contracts", str(house / "contracts"), "--counties", str(house / "deploy" / "counties")])
    assert capsys.readouterr().err.endswith(f"\n{counted}\n")


def test_a_key_inside_a_text_of_many_lines_is_not_taken_for_a_key() -> None:
    text = 'a = """\nb = 1\n"""\n[[c]]\nd = 1\n[[c]]\n[c.e]\nf.g = 2\nb = 3\n'
    assert line_of(text, ("c", 1, "e", "f", "g")) == 8
    assert line_of(text, ("c", 1, "e", "b")) == 9
    assert line_of(text, ("c", 0, "d")) == 5
    assert line_of(text, ("b",)) == 1
