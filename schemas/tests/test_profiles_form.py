"""The first-information form: closed questions, and two answers that are always whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from rinnan_profiles import CANNOT_SAFELY, PREFER_NOT, Catalogue, FieldFault, Form, NotWhole, Texts, Wrong, load

HOUSE = Path(__file__).parents[2]
PROFILES = load(HOUSE / "contracts", HOUSE / "deploy" / "counties")
SERVICES = ["agreement"]
OFFERED = PROFILES.catalogue("family_law.1").codes
WHOLE = {
    "matters": ["residence", "contact"],
    "living": ["by_turns"],
    "agreements": ["none"],
    "urgency": ["soon"],
    "meeting_way": ["video"],
    "remote_joint": ["no"],
    "needs": ["none"],
    "times": ["any_time"],
}


@pytest.fixture
def form() -> Form:
    return PROFILES.form("first_information.1")


@pytest.fixture
def texts() -> Texts:
    return PROFILES.texts("plain.1")


def faults(form: Form, services: list[str], answers: dict[str, list[str]]) -> tuple[FieldFault, ...]:
    with pytest.raises(NotWhole) as refused:
        form.check(services, answers, offered=OFFERED)
    return refused.value.faults


def test_a_whole_form_is_taken(form: Form) -> None:
    form.check(SERVICES, WHOLE, offered=OFFERED)


@pytest.mark.parametrize("answer", [PREFER_NOT, CANNOT_SAFELY])
@pytest.mark.parametrize("question", [*WHOLE])
def test_not_wanting_and_not_being_able_to_answer_are_whole(form: Form, question: str, answer: str) -> None:
    form.check(SERVICES, WHOLE | {question: [answer]}, offered=OFFERED)


def test_not_saying_which_service_is_whole(form: Form) -> None:
    form.check([CANNOT_SAFELY], WHOLE, offered=OFFERED)


@pytest.mark.parametrize("question", [*WHOLE])
def test_nobody_gets_past_an_answer_that_is_missing(form: Form, question: str) -> None:
    answers = {name: given for name, given in WHOLE.items() if name != question}
    assert faults(form, SERVICES, answers) == (FieldFault(question, Wrong.MISSING),)
    assert faults(form, SERVICES, WHOLE | {question: []}) == (FieldFault(question, Wrong.MISSING),)


def test_nobody_gets_past_naming_no_service(form: Form) -> None:
    assert faults(form, [], WHOLE) == (FieldFault("services", Wrong.MISSING),)


def test_a_service_that_the_county_does_not_offer_is_refused(form: Form) -> None:
    assert faults(form, ["adoption"], WHOLE) == (FieldFault("services", Wrong.UNKNOWN_CODE),)


def test_an_unknown_code_is_refused_by_its_question(form: Form) -> None:
    assert faults(form, SERVICES, WHOLE | {"living": ["on_the_moon"]}) == (FieldFault("living", Wrong.UNKNOWN_CODE),)


def test_an_unknown_question_is_not_repeated(form: Form) -> None:
    with pytest.raises(NotWhole) as refused:
        form.check(SERVICES, WHOLE | {"010190-900p": ["x"]}, offered=OFFERED)
    assert refused.value.fields == ("answers",)
    assert "900p" not in str(refused.value)


@pytest.mark.parametrize(
    "answers",
    [
        {"living": ["with_me", "by_turns"]},
        {"needs": ["none", "interpreter"]},
        {"needs": [PREFER_NOT, "interpreter"]},
        {"needs": ["interpreter", "interpreter"]},
    ],
)
def test_answers_that_contradict_each_other_are_refused(form: Form, answers: dict[str, list[str]]) -> None:
    (fault,) = faults(form, SERVICES, WHOLE | answers)
    assert fault == FieldFault(next(iter(answers)), Wrong.CONTRADICTORY)


def test_every_fault_is_told_at_once(form: Form) -> None:
    found = faults(form, [], {"living": ["nowhere"]})
    assert {fault.field for fault in found} == {"services", *WHOLE}


def test_a_draft_of_one_page_may_be_empty_but_not_wrong(form: Form) -> None:
    form.check_part("meeting", {})
    form.check_part("meeting", {"meeting_way": ["phone"]})
    with pytest.raises(NotWhole):
        form.check_part("meeting", {"meeting_way": ["carrier_pigeon"]})


def test_a_draft_of_one_page_holds_only_that_pages_answers(form: Form) -> None:
    form.check_part("services", {}, services=SERVICES, offered=OFFERED)
    with pytest.raises(NotWhole):
        form.check_part("meeting", {"living": ["with_me"]})
    with pytest.raises(NotWhole):
        form.check_part("meeting", {}, services=SERVICES)


def test_a_page_that_is_not_there_is_refused_without_its_name(form: Form) -> None:
    with pytest.raises(NotWhole) as refused:
        form.check_part("matti", {})
    assert refused.value.fields == ("step",)


def test_the_two_whole_answers_stand_last_in_every_question(form: Form) -> None:
    for question in form.questions.values():
        assert [option.code for option in form.options(question)][-2:] == [PREFER_NOT, CANNOT_SAFELY]


def test_both_mandatory_consents_are_taken_with_or_without_the_joint_meeting(texts: Texts) -> None:
    texts.check_consents({"joint_handling": True, "contact": True, "joint_meeting": False})
    texts.check_consents({"joint_handling": True, "contact": True, "joint_meeting": True})


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"joint_handling": False}, FieldFault("joint_handling", Wrong.NOT_GIVEN)),
        ({"selling_it": True}, FieldFault("consents", Wrong.UNKNOWN_QUESTION)),
    ],
)
def test_a_consent_that_is_refused_or_unknown_is_named(texts: Texts, given: dict[str, bool], fault: FieldFault) -> None:
    with pytest.raises(NotWhole) as refused:
        texts.check_consents({"joint_handling": True, "contact": True, "joint_meeting": False} | given)
    assert refused.value.faults == (fault,)


def test_a_consent_that_was_not_answered_is_missing(texts: Texts) -> None:
    with pytest.raises(NotWhole) as refused:
        texts.check_consents({"joint_handling": True, "contact": True})
    assert refused.value.faults == (FieldFault("joint_meeting", Wrong.MISSING),)


def test_the_number_of_parties_comes_from_the_catalogue() -> None:
    catalogue: Catalogue = PROFILES.catalogue("family_law.1")
    assert catalogue.parties == 2
