"""Who says, hears and answers what is the same in the code, in topics.toml and in every room's README."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from rinnan_chassis.topics import NotGiven, Topics
from rinnan_contracts.rooms import Wired, wired
from rinnan_events import events
from tests.architecture.tree import ROOT, none_of, place

TOPICS = Topics.load(ROOT / "contracts" / "topics.toml")
SHORT = {kind.split(".")[1]: kind for kind in events()}
ROOMS = wired(ROOT)


def told(text: str, section: str) -> set[str]:
    """The events that one section of a README names, by type."""
    match = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    words = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", match.group(1))) if match else set[str]()
    return {SHORT[word] for word in words & set(SHORT)}


def differing(readme: Path, section: str, code: set[str]) -> list[str]:
    """Where a README and the code tell different things."""
    there = told(readme.read_text("utf-8"), section)
    return [
        *(f"{place(readme)}: {section} does not name {kind}" for kind in code - there),
        *(f"{place(readme)}: {section} names {kind}, which the code does not" for kind in there - code),
    ]


@pytest.mark.parametrize("room", ROOMS, ids=lambda each: each.role)
def test_a_readme_names_what_its_room_hears_and_says(room: Wired) -> None:
    faults = differing(room.home / "README.md", "Says", {event.type for event in room.says})
    if room.whole_topics:
        told_of = (room.home / "README.md").read_text("utf-8").partition("## Hears")[2].partition("\n## ")[0]
        faults += [] if "every" in told_of else [f"{room.role}: Hears does not say `every`"]
    else:
        faults += differing(room.home / "README.md", "Hears", set(room.hears))
    none_of(faults, mend="name exactly these events under `## Hears` and `## Says`")


def test_a_readme_that_names_another_event_is_found(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# Room\n## Hears\n`party_left`\n## Says\n`consent_given`\n")
    assert differing(readme, "Hears", {"intake.party_left.v1"}) == []
    assert len(differing(readme, "Says", {"consent.consent_withdrawn.v1"})) == 2


@pytest.mark.parametrize("room", ROOMS, ids=lambda each: each.role)
def test_a_readme_tells_which_seals_its_room_opens(room: Wired) -> None:
    told = (room.home / "README.md").read_text("utf-8").partition("It opens ")[2].partition(".")[0]
    groups = set(re.findall(r"`(\w+)`", told))
    none_of(groups ^ {str(group) for group in room.opens}, mend=f"{room.home.name}: `It opens …` under Settings")


def unnamed(readme: str, paths: Iterable[str]) -> set[str]:
    """The addresses of which a README does not even name the last word."""
    last = {path: [word for word in path.split("/") if word and "{" not in word][-1] for path in paths}
    return {path for path, word in last.items() if not re.search(rf"\b{re.escape(word)}\b", readme)}


@pytest.mark.parametrize("room", ROOMS, ids=lambda each: each.role)
def test_a_readme_names_every_address_that_its_room_answers_at(room: Wired) -> None:
    document = ROOT / "contracts" / "openapi" / f"{room.role}.yaml"
    paths = yaml.safe_load(document.read_text("utf-8"))["paths"] if room.own_routes else ()
    faults = unnamed((room.home / "README.md").read_text("utf-8"), paths)
    none_of([f"{room.role}: {path}" for path in faults], mend="tell it in the README's table of the HTTP API")


def test_an_address_that_a_readme_does_not_name_is_found() -> None:
    assert unnamed("`GET /lives/{id}`", ["/lives/{id}", "/lives/{id}/looks"]) == {"/lives/{id}/looks"}


@pytest.mark.parametrize("room", ROOMS, ids=lambda each: each.role)
def test_a_room_says_hears_and_opens_only_what_topics_toml_gives_it(room: Wired) -> None:
    try:
        TOPICS.check(
            room.role,
            speaks={event.topic for event in room.says},
            hears=room.whole_topics.union(*(each.handlers.topics for each in room.rooms)),
            opens=room.opens,
        )
    except NotGiven as missing:
        none_of(missing.missing, mend=f"{room.role} does without it, or topics.toml gives it")


@pytest.mark.parametrize("room", ROOMS, ids=lambda each: each.role)
def test_a_room_decides_on_whatever_its_work_brings(room: Wired) -> None:
    for each in room.rooms:
        each.handlers.check()


def test_every_event_is_on_a_topic_that_its_speaker_owns() -> None:
    faults = [
        f"{kind} on {event.topic}"
        for kind, event in events().items()
        if event.topic not in TOPICS.topics or TOPICS.owner(event.topic) != kind.partition(".")[0]
    ]
    none_of(faults, mend="an event is named after its speaker, and is said on a topic of topics.toml that it owns")


def test_every_event_is_said_by_the_room_it_is_named_after() -> None:
    said = {event.type for room in ROOMS for event in room.says if event.type.startswith(f"{room.role}.")}
    none_of(set(events()) - said, mend="let its room say it, or take it out of rinnan_events")


def test_every_topic_carries_something() -> None:
    used = {event.topic for event in events().values()}
    empty = {name for name in TOPICS.topics if ".dead_letter." not in name} - used
    none_of(empty, mend="take the topic out of topics.toml")
