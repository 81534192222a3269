"""Identity codes, names that meet, and text that no form should carry."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from rinnan_profiles import (
    CleanName,
    IdentityCode,
    NotAnIdentityCode,
    UncleanText,
    clean_name,
    clean_text,
    matching_text,
    normalised_name,
)
from rinnan_profiles.identity_code import CENTURIES, CHECK_CHARACTERS, check_character

births = st.dates(date(1800, 1, 1), date(2099, 12, 31))
numbers = st.integers(2, 999)


def code(born: date, number: int, sign: str) -> str:
    digits = f"{born:%d%m}{born.year % 100:02}{number:03}"
    return digits[:6] + sign + digits[6:] + check_character(digits)


@st.composite
def codes(draw: st.DrawFn) -> tuple[str, date]:
    born = draw(births)
    sign = draw(st.sampled_from([sign for sign, century in CENTURIES.items() if born.year // 100 * 100 == century]))
    return code(born, draw(numbers), sign), born


@given(codes())
def test_every_code_of_every_century_and_sign_is_read_with_its_birth_date(written: tuple[str, date]) -> None:
    text, born = written
    parsed = IdentityCode.parse(f" {text.lower()} ")
    assert (parsed.text, parsed.birth_date) == (text, born)


@given(codes(), st.integers(0, 10))
def test_a_changed_digit_or_check_character_is_refused(written: tuple[str, date], at: int) -> None:
    text, _ = written
    alphabet = CHECK_CHARACTERS if at == 10 else "0123456789"
    for other in alphabet:
        if at != 6 and other != text[at]:
            with pytest.raises(NotAnIdentityCode):
                IdentityCode.parse(text[:at] + other + text[at + 1 :])


@given(st.text(max_size=14))
def test_other_text_is_refused_and_not_repeated(text: str) -> None:
    try:
        assert IdentityCode.parse(text).text == text.strip(" ").upper()
    except NotAnIdentityCode as refused:
        assert str(refused) == "not a personal identity code"  # noqa: PT017 - most texts are refused, a few are codes


def test_all_signs_in_use_since_2023_are_known() -> None:
    assert set(CENTURIES) == set("+-YXWVUABCDEF")


def test_a_code_of_an_impossible_date_is_refused() -> None:
    for day in ("310290", "000190", "010090", "290290"):
        with pytest.raises(NotAnIdentityCode):
            IdentityCode.parse(f"{day}-900{check_character(day + '900')}")


def test_the_numbers_that_nobody_has_are_refused() -> None:
    for number in ("000", "001"):
        with pytest.raises(NotAnIdentityCode):
            IdentityCode.parse(f"010190-{number}{check_character('010190' + number)}")


def test_a_test_code_is_told_by_its_number() -> None:
    assert IdentityCode.parse(code(date(1990, 1, 1), 900, "-")).is_test_code
    assert not IdentityCode.parse(code(date(1990, 1, 1), 899, "-")).is_test_code


def test_a_code_is_not_shown_where_it_is_printed() -> None:
    text = code(date(1990, 1, 1), 955, "-")
    assert text not in repr(IdentityCode.parse(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mäki-Länsikoski", "MÄKI LÄNSIKOSKI"),
        ("O\u2019Neill", "o'neill"),
        ("Áilu  Čáhppes", "áilu čáhppes"),
        ("Strauß", "STRAUSS"),
        ("Ma\u0308ki", "Mäki"),
    ],
)
def test_one_name_written_two_ways_is_one_name(one: str, other: str) -> None:
    assert normalised_name(one) == normalised_name(other)


@pytest.mark.parametrize(("one", "other"), [("Mäki", "Maki"), ("Aslak", "Áslak"), ("Anna", "Anna Maria")])
def test_two_names_stay_two_names(one: str, other: str) -> None:
    assert normalised_name(one) != normalised_name(other)


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(name: str) -> None:
    assert normalised_name(normalised_name(name)) == normalised_name(name)


def test_a_single_name_meets_whichever_field_it_was_written_in() -> None:
    born = date(1990, 1, 1)
    assert matching_text("Suharto", "", born) == matching_text("", "SUHARTO", born)
    assert matching_text("Suharto", "", born) != matching_text("Suharto", "", date(1991, 1, 1))


@pytest.mark.parametrize(
    "text",
    [
        "Ánne-Máret Čáhppes",
        "Åke Öhman",
        "Đorđe Ŋiŧŧu Šaš Žuŋ",
        "\u0645\u062d\u0645\u062f",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "O'Neill",
        "李小龍",
        "Nguyễn",
    ],
)
def test_names_of_the_people_who_live_here_are_taken(text: str) -> None:
    assert clean_name(f"  {text} ") == text


@pytest.mark.parametrize(
    "text",
    [
        "Anna\x00",
        "Anna\nMaria",
        "Anna\u202eairaM",
        "Anna\u2066x\u2069",
        "\u200fAnna",
        "Anna\ufeff",
        "Anna \U0001f600",
        "Anna \u2764",
        "A" + "\u0301\u0302\u0303\u0304\u0305\u0306",
        "Anna\ud800",
        "Anna\ue000",
    ],
)
def test_control_direction_and_picture_characters_are_refused(text: str) -> None:
    with pytest.raises(UncleanText) as refused:
        clean_text(text)
    assert refused.value.reason == "characters"


def test_far_too_much_text_is_refused() -> None:
    with pytest.raises(UncleanText) as refused:
        clean_text("A" * 10_000)
    assert refused.value.reason == "too_long"


@pytest.mark.parametrize("text", ["", "   ", "- -", "12"])
def test_a_name_has_a_letter(text: str) -> None:
    with pytest.raises(UncleanText):
        clean_name(text)


@given(st.text(max_size=60))
def test_what_is_taken_is_taken_again_unchanged(text: str) -> None:
    try:
        once = clean_text(text)
    except UncleanText:
        return
    assert clean_text(once) == once


def test_a_body_with_an_unclean_name_is_refused_by_its_field() -> None:
    class Body(BaseModel):
        name: CleanName

    with pytest.raises(ValidationError) as refused:
        Body(name="Anna\u202e")
    (error,) = refused.value.errors(include_input=False)
    assert (error["loc"], error["type"]) == (("name",), "unclean_text")
    assert "Anna" not in error["msg"]
