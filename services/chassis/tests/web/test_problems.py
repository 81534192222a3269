from __future__ import annotations

import logging
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from starlette.requests import Request

import rinnan_chassis
from rinnan_chassis.web import Problems, untold
from rinnan_chassis.web.problems import asked_for, preferred, refusals


async def test_a_refusal_says_its_code_field_and_numbers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/fails/refusal", headers={"Accept-Language": "en"})
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:rinnan:problem:room.not_now",
        "title": "Not now.",
        "status": 409,
        "code": "room.not_now",
        "field": "/part/day",
        "errors": [{"field": "/part/day", "code": "room.not_now", "title": "Not now."}],
        "told": {"most": 3},
    }


@pytest.mark.parametrize(
    ("wanted", "title", "language"),
    [
        ("sv", "Inte nu.", "sv"),
        ("sv-FI,fi;q=0.5", "Inte nu.", "sv"),
        ("fi;q=0.5, en;q=0.8", "Not now.", "en"),
        ("se, ar;q=0.9, en;q=0.1", "Not now.", "en"),
        ("ru", "Ei nyt.", "fi"),
        ("sv;q=0", "Ei nyt.", "fi"),
        ("\x01;;;q=,,", "Ei nyt.", "fi"),
        ("", "Ei nyt.", "fi"),
    ],
)
async def test_a_problem_is_told_in_the_first_language_the_caller_reads(
    client: httpx.AsyncClient, wanted: str, title: str, language: str
) -> None:
    answer = await client.get("/fails/refusal", headers={"Accept-Language": wanted})
    assert (answer.json()["title"], answer.headers["Content-Language"]) == (title, language)
    assert answer.headers["Vary"] == "Accept-Language"


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("destroyed", 410, "chassis.closed"),
        ("away", 503, "chassis.unavailable"),
        ("unavailable", 503, "chassis.unavailable"),
        ("bug", 500, "chassis.internal"),
    ],
)
async def test_a_failure_tells_its_class_and_no_more(
    client: httpx.AsyncClient, how: str, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get(f"/fails/{how}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "secret" not in answer.text + caplog.text + repr([vars(record) for record in caplog.records])
    assert (answer.headers.get("Retry-After") is not None) == (status == 503)


async def test_a_bug_is_logged_by_type_and_place(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    await client.get("/fails/bug")
    told: list[dict[str, Any]] = [vars(record) for record in caplog.records if record.levelno >= logging.ERROR]
    assert [each["kind"] for each in told] == ["KeyError"]
    assert told[0]["place"].startswith("conftest.py:")


def test_languages_are_read_best_first() -> None:
    assert preferred("fi;q=0.1, sv;q=0.9, en") == ["en", "sv", "fi"]


@pytest.mark.parametrize(
    ("wanted", "among", "asked"),
    [("se;q=0.9, ar", (), "ar"), ("se;q=0.9, ar", ("fi", "se"), "se"), ("ar", ("fi", "se"), "fi"), ("", (), "fi")],
)
def test_a_caller_is_asked_in_the_language_they_read_best_of_those_that_there_are(
    wanted: str, among: tuple[str, ...], asked: str
) -> None:
    request = Request({"type": "http", "headers": [(b"accept-language", wanted.encode())]})
    assert asked_for(request, among) == asked


def test_every_refusal_of_the_chassis_can_be_read_in_three_languages() -> None:
    assert list(refusals(rinnan_chassis))
    assert untold(rinnan_chassis, Problems.load()) == []


def test_a_refusal_without_texts_is_found(problems: Problems) -> None:
    from rinnan_chassis.deciding import Refusal  # noqa: PLC0415 - beside the one made here

    room = ModuleType("a_room")
    room.NotYet = type("NotYet", (Refusal,), {"code": "room.not_yet", "__module__": "a_room"})  # type: ignore[attr-defined]
    import sys  # noqa: PLC0415

    sys.modules["a_room"] = room
    try:
        assert untold(room, problems) == ["room.not_yet: en", "room.not_yet: fi", "room.not_yet: sv"]
    finally:
        del sys.modules["a_room"]


@pytest.mark.parametrize(
    "texts", ['["room.a"]\nsv = "a"\n', '["chassis.internal"]\nfi = "a"\n'], ids=["no default language", "told twice"]
)
def test_texts_that_do_not_hold_together_are_refused(tmp_path: Path, texts: str) -> None:
    path = tmp_path / "problems.toml"
    path.write_text(texts)
    with pytest.raises(ValueError, match=r"problems\.toml"):
        Problems.load(path)
