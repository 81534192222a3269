from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import rinnan_events
from rinnan_chassis.topics import NotGiven, Topics, TopicsUnreadable, dead_letter_topic
from rinnan_events import Event, Group, adapter, consent, intake, invitation, record_export, risk_screening

PATH = Path(__file__).parents[3] / "contracts" / "topics.toml"
TOPICS = Topics.load(PATH)
SPEAKERS = (adapter, consent, intake, invitation, record_export, risk_screening)
EVENTS = {
    said for module in SPEAKERS for said in vars(module).values() if isinstance(said, type) and issubclass(said, Event)
} - {Event}


@pytest.mark.parametrize("event", sorted(EVENTS, key=lambda event: event.type), ids=lambda event: event.type)
def test_every_event_has_a_topic_that_its_speaker_owns(event: type[Event]) -> None:
    assert TOPICS.owner(event.topic) == event.type.partition(".")[0]


@pytest.mark.parametrize("event", sorted(EVENTS, key=lambda event: event.type), ids=lambda event: event.type)
def test_whoever_says_a_sealed_part_may_seal_it(event: type[Event]) -> None:
    groups = {group for _, group in rinnan_events.sealed_fields(event)}
    assert groups <= TOPICS.may_open(TOPICS.owner(event.topic))


def test_every_room_has_somewhere_to_set_messages_aside() -> None:
    assert {TOPICS.owner(dead_letter_topic(room)) for room in TOPICS.rooms()} == set(TOPICS.rooms())


def test_event_log_hears_all_that_is_said_and_opens_nothing() -> None:
    others = {topic for topic in TOPICS.topics if TOPICS.owner(topic) != "event_log"}
    assert set(TOPICS.heard_by("event_log")) == others
    assert not TOPICS.may_open("event_log")


@pytest.mark.parametrize("topic", [intake.PROTECTION, risk_screening.CARE_ROUTE])
def test_protected_topics_are_heard_by_the_record_and_the_log_alone(topic: str) -> None:
    assert set(TOPICS.topics[topic].hears) == {"record_export", "event_log"}


def test_screening_answers_open_in_risk_screening_alone() -> None:
    assert TOPICS.groups[Group.SCREENING].may_open == ("risk_screening",)


def test_no_room_hears_its_own_voice() -> None:
    assert not [name for name, topic in TOPICS.topics.items() if topic.owner in topic.hears]


def test_the_broker_takes_whatever_the_outbox_takes() -> None:
    assert all(TOPICS.broker_bytes(topic) > TOPICS.max_bytes(topic) for topic in TOPICS.topics)


def test_the_longest_retention_is_no_shorter_than_any() -> None:
    assert all(timedelta() < TOPICS.retention(topic) <= TOPICS.longest_retention() for topic in TOPICS.topics)


def test_a_room_that_keeps_to_what_it_is_given_starts() -> None:
    TOPICS.check("consent", speaks=["consent.consent.v1"], hears=[intake.REGISTRATION], opens=[Group.CONSENT])


def test_a_room_that_asks_for_more_is_told_all_of_it() -> None:
    with pytest.raises(NotGiven) as fault:
        TOPICS.check("consent", speaks=[intake.REGISTRATION], hears=[intake.PROTECTION], opens=[Group.SCREENING])
    assert fault.value.missing == (
        "hear intake.protection.v1",
        "open screening",
        "speak on intake.registration.v1",
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("partitions = 6", "partitions = 12"), "partitions"),
        (('hears = ["record_export", "event_log"]', "heard = []"), "heard"),
        (('owner = "consent"', 'owner = "intake"'), "named after its speaker"),
        (("[groups.screening]", "[groups.secrets]"), "groups"),
        (("[groups.screening]\n", "[groups.screening"), "Expected"),
        (("max_bytes = 16_384", "max_bytes = 16_384_000"), "max_bytes"),
        (('hears = ["intake", "event_log"]', 'hears = ["portal", "event_log"]'), "portal"),
    ],
)
def test_a_file_that_does_not_hold_together_is_refused(change: tuple[str, str], told: str, tmp_path: Path) -> None:
    changed = tmp_path / "topics.toml"
    text = PATH.read_text("utf-8")
    assert change[0] in text
    changed.write_text(text.replace(*change), "utf-8")
    with pytest.raises(TopicsUnreadable, match=told):
        Topics.load(changed)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TopicsUnreadable, match=r"nowhere\.toml"):
        Topics.load(tmp_path / "nowhere.toml")
