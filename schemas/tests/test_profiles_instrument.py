"""The screen only raises care."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rinnan_events.opened import Route
from rinnan_profiles import FieldFault, Instrument, NotWhole, Wrong, load
from rinnan_profiles.instrument import CARE, Rule, Stage

HOUSE = Path(__file__).parents[2]
INSTRUMENT: Instrument = load(HOUSE / "contracts", HOUSE / "deploy" / "counties").instrument("hark_separation.1")
ITEMS = [item.id for item in INSTRUMENT.items]
CODES = [response.code for response in INSTRUMENT.response_sets[0].responses]
ALL_NO = dict.fromkeys(ITEMS, "no")
answered = st.fixed_dictionaries({item: st.sampled_from(CODES) for item in ITEMS})


def care(answers: dict[str, str] | None) -> int:
    return CARE.index(INSTRUMENT.route(answers))


@given(answered, st.sampled_from(ITEMS), st.sampled_from(CODES))
def test_a_worse_answer_never_leads_to_less_care(answers: dict[str, str], item: str, code: str) -> None:
    if CODES.index(code) > CODES.index(answers[item]):
        assert care(answers | {item: code}) >= care(answers)


@given(answered, st.sampled_from(ITEMS), st.sampled_from(["prefer_not", "cannot_safely"]))
def test_declining_an_answer_leads_to_at_least_individual_contact_first(
    answers: dict[str, str], item: str, code: str
) -> None:
    assert care(answers | {item: code}) >= CARE.index(Route.INDIVIDUAL_FIRST)


@given(answered, st.sets(st.sampled_from(ITEMS), min_size=1))
def test_an_answer_that_is_not_there_never_counts_as_no(answers: dict[str, str], missing: set[str]) -> None:
    left = {item: code for item, code in answers.items() if item not in missing}
    assert care(left) >= CARE.index(Route.INDIVIDUAL_FIRST)


@given(answered)
def test_only_no_to_everything_leads_to_the_standard_route(answers: dict[str, str]) -> None:
    assert (INSTRUMENT.route(answers) is Route.STANDARD) is (answers == ALL_NO)


def test_declining_the_whole_leads_to_individual_contact_first() -> None:
    INSTRUMENT.check(None)
    assert INSTRUMENT.route(None) is Route.INDIVIDUAL_FIRST


@pytest.mark.parametrize("item", ["threatened", "child_may_be_taken", "strangled_or_weapon", "child_hurt"])
def test_a_red_flag_leads_to_urgent_contact_whatever_else_was_answered(item: str) -> None:
    assert INSTRUMENT.route(ALL_NO | {item: "yes"}) is Route.URGENT_CONTACT


def test_whole_answers_are_taken() -> None:
    INSTRUMENT.check(ALL_NO)
    INSTRUMENT.check(dict.fromkeys(ITEMS, "cannot_safely"))


def test_unknown_items_unknown_codes_and_gaps_are_named_without_a_value() -> None:
    given_answers = ALL_NO | {"afraid": "perhaps", "colour": "blue"}
    del given_answers["struck"]
    with pytest.raises(NotWhole) as refused:
        INSTRUMENT.check(given_answers)
    assert set(refused.value.faults) == {
        FieldFault("afraid", Wrong.UNKNOWN_CODE),
        FieldFault("answers", Wrong.UNKNOWN_QUESTION),
        FieldFault("struck", Wrong.MISSING),
    }


def changed(**values: object) -> Instrument:
    return INSTRUMENT.model_copy(update=values)


def test_a_response_set_that_falls_on_the_way_to_worse_answers_is_a_fault() -> None:
    (whole,) = INSTRUMENT.response_sets
    upside_down = whole.model_copy(update={"responses": tuple(reversed(whole.responses))})
    assert any("falls" in text for _, text in changed(response_sets=(upside_down,)).faults())


def test_a_response_set_without_the_whole_answers_is_a_fault() -> None:
    (whole,) = INSTRUMENT.response_sets
    without = whole.model_copy(update={"responses": tuple(r for r in whole.responses if r.code != "prefer_not")})
    assert any("prefer_not" in text for _, text in changed(response_sets=(without,)).faults())


def test_a_golden_case_that_fails_is_a_fault() -> None:
    milder = INSTRUMENT.golden_cases[0].model_copy(update={"route": Route.URGENT_CONTACT})
    assert [place for place, _ in changed(golden_cases=(milder,)).faults()] == [("golden_cases", 0)]


def test_a_rule_over_an_unknown_item_is_a_fault() -> None:
    rule = INSTRUMENT.rules[0].model_copy(update={"items": ("height",)})
    assert any("height" in text for _, text in changed(rules=(rule,)).faults())


def test_nothing_is_approved_by_one_person() -> None:
    assert any(
        "two approvals" in text for _, text in changed(stage=Stage.APPROVED, approvals=("head of unit",)).faults()
    )


@pytest.mark.parametrize(("op", "reached"), [("max", False), ("sum", True), ("count", True)])
def test_a_rule_looks_at_the_worst_adds_up_or_counts(op: str, reached: bool) -> None:
    rule = Rule(id="r", items=("a", "b"), op=op, at_least=2, route="urgent_contact")
    assert rule.reached({"a": 1, "b": 1}) is reached
