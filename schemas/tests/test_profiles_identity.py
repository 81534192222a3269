"""Identity codes, and names that meet."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rinnan_profiles import (
    IdentityCode,
    NotAnIdentityCode,
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
