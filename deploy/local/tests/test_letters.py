"""Letters are counted by person: what is missing, doubled or sent to a stranger is told."""

from __future__ import annotations

from typing import Any

import pytest

from rinnan_local.families import load_families
from rinnan_local.letters import wrong_letters

FAMILIES = {family.id: family for family in load_families()}
SILENT, JOINS, CROSSED = FAMILIES["one-is-silent"], FAMILIES["at-the-same-time"], FAMILIES["crossed-starts"]
CODE, NUDGE = "Use this code: ABCDE-FGHJK", "There is something you have not finished."


def mail(to: str, text: str, **more: Any) -> dict[str, Any]:
    return {"to": [to], "text": text, "times": 1} | more


def wrong(family: Any, *caught: dict[str, Any]) -> list[str]:
    return list(wrong_letters(caught, [family], 2))


ISMO, ASA = SILENT.parents[1].email, JOINS.parents[1]


def test_one_letter_and_every_reminder_is_right_for_one_who_is_silent() -> None:
    assert wrong(SILENT, mail(ISMO, CODE), mail(ISMO, NUDGE), mail(ISMO, NUDGE)) == []


def test_a_text_message_counts_like_a_letter() -> None:
    assert wrong(JOINS, {"to": ASA.phone, "text": CODE, "times": 1}) == []


def test_of_two_who_start_each_may_be_asked_once_or_not_at_all() -> None:
    one, other = (parent.email for parent in CROSSED.parents)
    assert [wrong(CROSSED), wrong(CROSSED, mail(one, CODE)), wrong(CROSSED, mail(one, CODE), mail(other, CODE))] == [
        [],
        [],
        [],
    ]


@pytest.mark.parametrize(
    ("caught", "said"),
    [
        ([], "asa-sjoberg was asked 0 times"),
        ([mail(ASA.email, CODE), mail(ASA.phone, CODE)], "asa-sjoberg was asked 2 times"),
        ([mail(ASA.email, CODE), mail(ASA.email, NUDGE)], "asa-sjoberg was reminded 1 times"),
        ([mail(ASA.email, CODE, times=2)], "a letter came 2 times, to 1"),
        ([mail(ASA.email, CODE), mail("nobody@example.org", NUDGE)], "1 who are in no family got a letter"),
    ],
)
def test_every_letter_that_is_missing_or_too_many_is_told(caught: list[dict[str, Any]], said: str) -> None:
    assert wrong(JOINS, *caught) == [said]


def test_one_who_declined_is_reminded_as_if_nothing_had_been_said() -> None:
    family = FAMILIES["one-declines"]
    henrik = family.parents[1].email
    assert wrong(family, mail(henrik, CODE), mail(henrik, NUDGE), mail(henrik, NUDGE)) == []
    assert wrong(family, mail(henrik, CODE)) == ["henrik-lindroos was reminded 0 times"]


def test_a_reminder_that_never_came_is_told() -> None:
    assert wrong(SILENT, mail(ISMO, CODE), mail(ISMO, NUDGE)) == ["ismo-virtala was reminded 1 times"]
