"""What a record becomes in FHIR: each part where it belongs, and nothing of one parent in what is the other's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from rinnan_events.opened import CareRoute, ClientRecord, RecordParty, Route, Scope
from rinnan_fhir.adapter import whole
from rinnan_fhir.mapping import bundle, full_hour
from rinnan_fhir.tables import read
from rinnan_host.port import key_of
from rinnan_host.samples import AINO, NILAS, a_joint_record, a_single_record

TABLES = read(Path(__file__).parents[4] / "contracts" / "fhir" / "r4.toml")


def said(record: ClientRecord, *, restricted_place: bool = True) -> list[dict[str, Any]]:
    return bundle(record, key_of(record), TABLES, restricted_place=restricted_place)["entry"]


def resources(record: ClientRecord, kind: str, *, restricted_place: bool = True) -> list[dict[str, Any]]:
    entries = said(record, restricted_place=restricted_place)
    return [entry["resource"] for entry in entries if entry["resource"]["resourceType"] == kind]


def of(record: ClientRecord, party: RecordParty) -> bytes:
    """Everything that is one parent's in the bundle, its Patient and ties to children included."""
    key = key_of(record)
    patient = key.identifier("patient", party.party_id)
    own = {f"urn:uuid:{patient}"}
    own |= {f"urn:uuid:{key.identifier(f'parent-of-{child}', party.party_id)}" for child in party.children}
    parts = [
        entry
        for entry in said(record)
        if entry["fullUrl"] in own or f"urn:uuid:{patient}".encode() in orjson.dumps(entry["resource"])
    ]
    return orjson.dumps(parts)


def without_ids(said: bytes) -> bytes:
    """The same with every own id replaced by the number of its first appearance."""
    seen: dict[bytes, bytes] = {}
    return re.sub(
        rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lambda found: seen.setdefault(found[0], b"%d" % len(seen)), said
    )


def with_party(record: ClientRecord, number: int, **update: Any) -> ClientRecord:
    parties = list(record.parties)
    parties[number] = parties[number].model_copy(update=update)
    return record.model_copy(update={"parties": tuple(parties)})


def inputs(task: dict[str, Any]) -> dict[str, Any]:
    return {told["type"]["coding"][0]["code"]: told for told in task.get("input", ())}


def tasks(record: ClientRecord, code: str, *, restricted_place: bool = True) -> list[dict[str, Any]]:
    found = resources(record, "Task", restricted_place=restricted_place)
    return [task for task in found if task["code"]["coding"][0]["code"] == code]


def strings(node: Any) -> Iterator[str]:
    match node:
        case str():
            yield node
        case dict():
            for part in node.values():
                yield from strings(part)
        case list() | tuple():
            for part in node:
                yield from strings(part)
        case _:
            pass


@pytest.mark.parametrize(("own", "other"), [(0, 1), (1, 0)])
def test_nothing_that_one_parent_says_changes_a_byte_of_what_is_the_others(own: int, other: int) -> None:
    record = a_joint_record()
    party = record.parties[other]
    assert party.own
    assert party.consents
    other_words = with_party(
        record,
        other,
        own=party.own.model_copy(update={"services": ("parenting",), "answers": {"living": ("prefer_not",)}}),
        consents=party.consents.model_copy(update={"given": {"handling": True}}),
        protection=party.protection.model_copy(update={"non_disclosure": None, "refuge": None, "street": "Muu 1"}),
        care=CareRoute(route=Route.URGENT_CONTACT, instrument="core", instrument_version="1"),
        contact=party.contact.model_copy(update={"phone": "+358 50 000 0009"}),
        submitted_at=record.opened_at,
    )
    assert of(record, record.parties[own]) == of(other_words, other_words.parties[own])
    assert of(record, record.parties[other]) != of(other_words, other_words.parties[other])


@pytest.mark.parametrize(("own", "other"), [(0, 1), (1, 0)])
def test_nothing_of_one_parent_names_the_other(own: int, other: int) -> None:
    record = a_joint_record()
    stranger = record.parties[other]
    named = {
        str(stranger.party_id),
        str(key_of(record).identifier("patient", stranger.party_id)),
        str(stranger.contact.phone),
        stranger.identity.identity_code or "no code",
        "Čáhput-Øđegaard" if stranger.party_id == NILAS else "Aino",
    }
    mine = of(record, record.parties[own]).decode()
    assert not [name for name in named if name in mine]


def test_exchanging_the_two_parents_mirrors_the_bundle_and_changes_nothing_else() -> None:
    record = a_joint_record()
    first, second = record.parties
    exchanged = record.model_copy(
        update={
            "parties": (
                second.model_copy(update={"party_id": first.party_id}),
                first.model_copy(update={"party_id": second.party_id}),
            )
        }
    )
    for number, party in enumerate(record.parties):
        assert without_ids(of(record, party)) == without_ids(of(exchanged, exchanged.parties[1 - number]))


def test_a_person_with_an_identity_code_is_matched_by_it() -> None:
    aino, nilas, *_ = said(a_joint_record())
    assert aino["request"]["ifNoneExist"] == "identifier=urn%3Aoid%3A1.2.246.21%7C050586-902J"
    assert "urn%3Aietf%3Arfc%3A3986" in nilas["request"]["ifNoneExist"]


def test_the_own_identifier_stands_beside_the_identity_code() -> None:
    aino, *_ = resources(a_joint_record(), "Patient")
    official, own = aino["identifier"]
    assert (official["use"], official["system"], official["value"]) == ("official", "urn:oid:1.2.246.21", "050586-902J")
    assert own["value"] == f"urn:uuid:{key_of(a_joint_record()).identifier('patient', AINO)}"


def test_a_person_with_a_single_name_has_no_empty_given_name() -> None:
    _, nilas, *_ = resources(a_joint_record(), "Patient")
    assert nilas["name"] == [{"use": "official", "family": "Čáhput-Øđegaard"}]


def test_a_child_is_tied_to_each_parent_who_named_it() -> None:
    record = a_joint_record()
    assert len(resources(record, "RelatedPerson")) == sum(len(party.children) for party in record.parties)


@pytest.mark.parametrize(
    ("order", "refuge", "labelled"),
    [(True, False, True), (None, None, True), (False, True, True), (False, False, False)],
)
def test_everything_of_a_shielded_parent_is_labelled_and_unknown_counts_as_shielded(
    order: bool | None, refuge: bool | None, labelled: bool
) -> None:
    record = a_joint_record()
    shield = record.parties[0].protection.model_copy(update={"non_disclosure": order, "refuge": refuge})
    changed = with_party(record, 0, protection=shield)
    patient = f"urn:uuid:{key_of(record).identifier('patient', AINO)}"
    own = [
        entry["resource"]
        for entry in said(changed)
        if entry["fullUrl"] == patient or patient.encode() in orjson.dumps(entry["resource"])
    ]
    assert len(own) == 6
    assert all(("TURVAKIELTO" in set(strings(one.get("meta", {})))) is labelled for one in own)


def test_a_child_bears_no_label_that_would_tell_of_a_parent() -> None:
    assert not any("meta" in one for one in resources(a_joint_record(), "Patient")[2:])
    assert not any("meta" in one for one in resources(a_joint_record(), "RelatedPerson"))


def test_without_a_restricted_place_there_is_no_protection_task() -> None:
    assert tasks(a_joint_record(), "protection", restricted_place=False) == []


def test_in_a_restricted_place_every_parent_has_a_protection_task_whatever_the_route() -> None:
    record = a_joint_record()
    routes = [
        inputs(task)["care_route"]["valueCodeableConcept"]["coding"][0]["code"] for task in tasks(record, "protection")
    ]
    assert routes == ["standard", "individual_first"]


@pytest.mark.parametrize(("order", "refuge"), [(True, False), (None, False), (False, True), (False, None)])
def test_an_address_goes_nowhere_unless_it_is_known_that_nothing_forbids_it(
    order: bool | None, refuge: bool | None
) -> None:
    record = a_joint_record()
    shield = record.parties[0].protection.model_copy(update={"non_disclosure": order, "refuge": refuge})
    assert "Keksittykuja" not in orjson.dumps(said(with_party(record, 0, protection=shield))).decode()


def test_a_free_address_goes_into_the_restricted_place_only() -> None:
    aino, _ = tasks(a_joint_record(), "protection")
    assert inputs(aino)["address"]["valueAddress"]["city"] == "Olematon"
    assert "Olematon" not in orjson.dumps(said(a_joint_record(), restricted_place=False)).decode()


def test_the_instrument_of_the_screening_is_nowhere() -> None:
    record = with_party(
        a_joint_record(), 0, care=CareRoute(route=Route.STANDARD, instrument="hark-9", instrument_version="77")
    )
    assert "hark" not in orjson.dumps(said(record)).decode()


def test_the_registration_is_a_task_that_names_nobody_and_stands_last() -> None:
    record = a_joint_record()
    last = said(record)[-1]["resource"]
    assert last["identifier"][0]["value"] == f"urn:uuid:{key_of(record).delivery}"
    assert b"reference" not in orjson.dumps(last)


def test_every_task_ends_at_the_promise_of_contact() -> None:
    ends = {task["restriction"]["period"]["end"] for task in resources(a_joint_record(), "Task")}
    assert ends == {"2026-03-16T14:00:00Z"}


def test_the_contact_task_tells_how_to_reach_a_parent_safely() -> None:
    _, nilas = tasks(a_joint_record(), "contact")
    told = inputs(nilas)
    assert told["phone"]["valueContactPoint"]["value"] == "+358 50 000 0002"
    assert told["interpreter"]["valueCodeableConcept"]["coding"][0]["code"] == "se"
    assert told["hide_caller"]["valueBoolean"] is False


def test_when_and_how_it_is_safe_is_read_before_any_number() -> None:
    record = a_joint_record()
    contact = record.parties[0].contact.model_copy(update={"safe_times": ("weekday_morning", "weekend")})
    aino, _ = tasks(with_party(record, 0, contact=contact), "contact")
    kinds = [told["type"]["coding"][0]["code"] for told in aino["input"]]
    assert kinds[:4] == ["safe_time", "safe_time", "hide_caller", "voicemail_allowed"]
    assert kinds.index("phone") > kinds.index("left_open") > kinds.index("language") > 3


@pytest.mark.parametrize("whole_answer", ["prefer_not", "cannot_safely"])
def test_a_question_left_open_is_told_to_whoever_makes_contact_and_by_when_contact_is_due(whole_answer: str) -> None:
    record = a_joint_record()
    own = record.parties[0].own
    assert own is not None
    left = own.model_copy(
        update={"services": (whole_answer,), "answers": {"living": (whole_answer,), "wishes": ("x",)}}
    )
    aino, _ = tasks(with_party(record, 0, own=left), "contact")
    told = [each["valueCodeableConcept"] for each in aino["input"] if each["type"]["coding"][0]["code"] == "left_open"]
    assert [(each["text"], each["coding"][0]["code"]) for each in told] == [
        ("living", whole_answer),
        ("services", whole_answer),
    ]
    assert aino["restriction"]["period"]["end"] == "2026-03-16T14:00:00Z"
    assert {"system": TABLES.labels.contact.system, "code": "R"} in aino["meta"]["security"]


@pytest.mark.parametrize("route", list(Route))
def test_no_route_of_care_asks_for_a_service_or_changes_anything_but_the_protection_task(route: Route) -> None:
    record = a_joint_record()
    care = CareRoute(route=route, instrument="core", instrument_version="1")
    routed, unrouted = with_party(record, 1, care=care), with_party(record, 1, care=None)
    assert said(routed, restricted_place=False) == said(unrouted, restricted_place=False)
    changed = [one["resource"] for one, other in zip(said(routed), said(unrouted), strict=True) if one != other]
    assert changed == [tasks(routed, "protection")[1]]


@pytest.mark.parametrize("agrees", [True, False])
def test_nothing_is_concluded_from_what_parents_agree_to(agrees: bool) -> None:
    record = a_joint_record()
    consents = record.parties[1].consents
    assert consents is not None
    given = {"handling": True, "joint_meeting": agrees}
    told = with_party(record, 1, consents=consents.model_copy(update={"given": given}))
    assert [one for one in said(told) if one["resource"]["resourceType"] != "Consent"] == [
        one for one in said(record) if one["resource"]["resourceType"] != "Consent"
    ]
    assert resources(told, "Consent")[0] == resources(record, "Consent")[0]


def test_not_naming_a_service_is_no_service() -> None:
    record = a_joint_record()
    own = record.parties[0].own
    assert own is not None
    left = with_party(record, 0, own=own.model_copy(update={"services": ("prefer_not",)}))
    assert "orderDetail" not in resources(left, "ServiceRequest")[0]


@pytest.mark.parametrize(("own", "other"), [(0, 1), (1, 0)])
def test_what_one_parent_left_open_is_nowhere_but_in_what_is_theirs(own: int, other: int) -> None:
    record, key = a_joint_record(), key_of(a_joint_record())
    said_openly = record.parties[own].own
    assert said_openly is not None
    left = with_party(record, own, own=said_openly.model_copy(update={"answers": {"living": ("cannot_safely",)}}))
    told = with_party(record, own, own=said_openly.model_copy(update={"answers": {"living": ("by_turns",)}}))
    mine = f"urn:uuid:{key.identifier('patient', record.parties[own].party_id)}"

    def not_mine(record: ClientRecord) -> bytes:
        return orjson.dumps([entry for entry in said(record) if mine.encode() not in orjson.dumps(entry)])

    assert not_mine(left) == not_mine(told)
    assert of(left, left.parties[other]) == of(told, told.parties[other])
    assert of(left, left.parties[own]) != of(told, told.parties[own])


def test_answers_are_said_by_the_parent_who_gave_them() -> None:
    for answers in resources(a_joint_record(), "QuestionnaireResponse"):
        assert answers["author"] == answers["source"] == answers["subject"]


def test_a_question_without_an_answer_stays_a_question() -> None:
    _, nilas = resources(a_joint_record(), "QuestionnaireResponse")
    assert nilas["item"][0] == {"linkId": "agreed_on"}


def test_a_consent_tells_yes_and_no_and_which_words_were_read() -> None:
    _, nilas = resources(a_joint_record(), "Consent")
    assert [item["type"] for item in nilas["provision"]["provision"]] == ["permit", "deny"]
    assert nilas["policy"] == [{"uri": "urn:rinnan:consent-text:2026-1:se"}]


def test_a_request_holds_what_that_parent_wants_in_one_order() -> None:
    aino, nilas = resources(a_joint_record(), "ServiceRequest")
    wanted = [[detail["coding"][0]["code"] for detail in one["orderDetail"]] for one in (aino, nilas)]
    assert wanted == [["agreement", "mediation"], ["agreement", "supported_contact"]]
    assert aino["requisition"] == nilas["requisition"]
    assert aino["category"][0]["coding"][0]["code"] == "SOTE19"


def test_no_time_tells_who_came_last() -> None:
    record = a_joint_record()
    minutes_later = record.model_copy(update={"completed_at": record.completed_at + timedelta(minutes=20)})
    assert said(record) == said(minutes_later)


def test_a_full_hour_is_its_own_full_hour() -> None:
    hour = full_hour(a_joint_record().completed_at)
    assert full_hour(hour) == hour


def test_one_parent_alone_is_a_whole_bundle() -> None:
    record = a_single_record()
    made = bundle(record, key_of(record), TABLES, restricted_place=False)
    kinds = [entry["resource"]["resourceType"] for entry in made["entry"]]
    assert kinds == ["Patient", "ServiceRequest", "Task", "Task"]
    assert whole(made, orjson.dumps(made))


def test_a_person_is_the_same_alone_and_together_but_what_was_said_is_not() -> None:
    joint, single = a_joint_record(), a_single_record()
    own = {entry["fullUrl"] for entry in said(single)}
    shared = own & {entry["fullUrl"] for entry in said(joint)}
    assert shared == {f"urn:uuid:{key_of(joint).identifier('patient', NILAS)}"}
    assert single.scope is Scope.SINGLE


def test_a_reference_that_points_nowhere_is_seen() -> None:
    record = a_joint_record()
    made = bundle(record, key_of(record), TABLES, restricted_place=False)
    made["entry"].pop(0)
    assert not whole(made, orjson.dumps(made))
