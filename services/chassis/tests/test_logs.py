from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from structlog.contextvars import bound_contextvars

from rinnan_chassis.logs import set_up_logs
from rinnan_chassis.settings import SettingsRefused
from rinnan_events import Group

SUBJECT = UUID("11111111-1111-4111-8111-111111111111")
PERSONAL = "Aino Esimerkki"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook
    set_up_logs("intake", "info", more=["delivery"], stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(capture=False)
    root.handlers[:], sys.excepthook = before[0], before[2]
    root.setLevel(before[1])
    logging.getLogger("uvicorn.access").disabled = False


def ours() -> logging.Logger:
    return logging.getLogger("rinnan_intake.work")


def test_a_line_says_when_who_and_what(lines: Lines) -> None:
    ours().warning("cannot_say", extra={"subject": SUBJECT, "attempt": 3})
    [line] = lines()
    assert datetime.fromisoformat(line.pop("at")).tzinfo == UTC
    assert line == {
        "level": "warning",
        "room": "intake",
        "logger": "rinnan_intake.work",
        "event": "cannot_say",
        "subject": str(SUBJECT),
        "attempt": 3,
    }


def test_a_line_names_the_trace_it_belongs_to_and_drops_what_else_is_bound(lines: Lines) -> None:
    with bound_contextvars(traceparent="00-ab-cd-01", name=PERSONAL):
        ours().info("operation")
    [line] = lines()
    assert (line["traceparent"], line["dropped"]) == ("00-ab-cd-01", 1)
    assert PERSONAL not in json.dumps(line)


def test_a_name_that_is_not_known_to_be_neutral_is_dropped_and_counted(lines: Lines) -> None:
    ours().info("joined", extra={"family_name": PERSONAL, "answers": {"q": PERSONAL}, "status": "open"})
    [line] = lines()
    assert (line["status"], line["dropped"]) == ("open", 2)
    assert PERSONAL not in json.dumps(line)


def test_a_room_names_what_else_it_may_log(lines: Lines) -> None:
    ours().info("moved", extra={"delivery": SUBJECT})
    assert lines()[0]["delivery"] == str(SUBJECT)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Group.CARE, "care"),
        (datetime(2026, 3, 2, tzinfo=UTC), "2026-03-02 00:00:00+00:00"),
        (("a", 1, None), ["a", 1, None]),
        (PERSONAL, "(withheld)"),
        ("aino@example.test", "(withheld)"),
        ("ääkköset", "(withheld)"),
        ("a" * 201, "(withheld)"),
        (StrEnum("Said", {"NAME": PERSONAL})("Aino Esimerkki"), "(withheld)"),
        ([PERSONAL], ["(withheld)"]),
        ({"name": PERSONAL}, "<dict>"),
        (PERSONAL.encode(), "<bytes>"),
        (ValueError(PERSONAL), "<ValueError>"),
    ],
)
def test_under_a_neutral_name_only_ids_codes_numbers_and_times_are_told(
    lines: Lines, value: object, told: object
) -> None:
    ours().info("noted", extra={"reason": value})
    assert lines()[0]["reason"] == told


def test_what_is_formatted_into_a_text_is_not_told(lines: Lines) -> None:
    ours().info("said %s", PERSONAL)
    ours().info("said\n" + PERSONAL)
    assert [line["event"] for line in lines()] == ["said %s", "said"]


def test_an_exception_is_told_by_types_and_places_without_its_message(lines: Lines) -> None:
    def deep() -> None:
        raise KeyError(PERSONAL)

    try:
        try:
            deep()
        except KeyError as error:
            raise ValueError(PERSONAL) from error
    except ValueError:
        ours().exception("work_failed")
    [line] = lines()
    assert [fault["type"] for fault in line["faults"]] == ["builtins.ValueError", "builtins.KeyError"]
    assert line["faults"][1]["frames"][-1].split(":")[1] == "deep"
    assert PERSONAL not in json.dumps(line)


def test_every_exception_of_a_group_is_told(lines: Lines) -> None:
    ours().error("work_failed", exc_info=ExceptionGroup(PERSONAL, [ValueError(PERSONAL), KeyError(PERSONAL)]))
    [line] = lines()
    assert [fault["type"] for fault in line["faults"][0]["within"]] == ["builtins.ValueError", "builtins.KeyError"]
    assert PERSONAL not in json.dumps(line)


def test_a_fault_of_the_settings_is_told_in_full(lines: Lines) -> None:
    ours().error("cannot_start", exc_info=SettingsRefused("RINNAN_KAFKA_SERVERS: Field required"))
    assert lines()[0]["faults"][0]["says"] == "RINNAN_KAFKA_SERVERS: Field required"


def test_a_library_is_told_from_warnings_on_and_without_what_it_formats(lines: Lines) -> None:
    library = logging.getLogger("aiokafka.consumer")
    library.info("Heard %s", PERSONAL)
    library.warning("Heard %s", PERSONAL, extra={"reason": "code"})
    [line] = lines()
    assert (line["event"], line["place"].split(":")[0]) == ("Heard %s", "test_logs")
    assert "reason" not in line


def test_what_a_library_says_again_and_again_is_told_once_in_a_while_and_how_often_it_was_left_out(
    lines: Lines,
) -> None:
    library = logging.getLogger("aiokafka.conn")
    for seconds in (0, 1, 2, 9, 11):
        record = library.makeRecord(library.name, logging.ERROR, "conn.py", 7, "no broker", (), None)
        record.created += seconds
        library.handle(record)
    assert [line.get("left_out") for line in lines()] == [None, 3]


def test_of_an_unknown_library_not_even_the_text_is_told(lines: Lines) -> None:
    logging.getLogger("stranger").error(f"Bad value {PERSONAL}")  # noqa: G004 - as a stranger may
    assert PERSONAL not in json.dumps(lines())
    assert lines()[0]["logger"] == "stranger"


def test_access_is_not_logged(lines: Lines) -> None:
    logging.getLogger("uvicorn.access").error("GET %s", "/registrations/1")
    assert lines() == []


async def test_a_task_that_nobody_awaited_does_not_tell_its_message(lines: Lines) -> None:
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": ValueError(PERSONAL), "future": PERSONAL}
    )
    [line] = lines()
    assert line["event"] == "Task exception was never retrieved"
    assert line["faults"][0]["type"] == "builtins.ValueError"
    assert PERSONAL not in json.dumps(line)


def test_what_ends_a_process_is_told_without_its_message() -> None:
    code = f"from rinnan_chassis.logs import set_up_logs\nset_up_logs('intake')\nraise ValueError({PERSONAL!r})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    assert json.loads(ended.stdout)["event"] == "stopped_by_a_fault"
    assert PERSONAL not in ended.stdout + ended.stderr
