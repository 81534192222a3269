"""Logs: one JSON object a line on standard output, and nothing personal in any of them, whoever wrote it.

A line holds the text that the code wrote, never what was formatted into it; values only under names that are known to
be neutral; and of an exception its types and the places it came through, never its message, which may repeat data.
This holds for the libraries below us too: all of it passes the one formatter of this module.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from types import TracebackType
from typing import Any, Final, TextIO
from uuid import UUID

import orjson
from structlog.contextvars import get_contextvars

from rinnan_chassis.clock import ClockNotAllowed
from rinnan_chassis.handlers import Undecided
from rinnan_chassis.settings import SettingsRefused
from rinnan_chassis.topics import TopicsFault
from rinnan_chassis.wrapping import WrappingKeysMissing, WrappingKeysUnreadable

NEUTRAL: Final = frozenset({
    "attempt", "became", "by", "code", "consumer", "count", "due_at", "fact", "fault", "group", "heard", "kind", "loop",
    "method", "offset", "on", "partition", "place", "port", "position", "reason", "records", "results", "route", "rows",
    "seconds", "sqlstate", "state", "status", "subject", "topic", "traceparent", "type", "verb", "version", "work",
})  # fmt: skip
"""The names under which the chassis logs a value: ids, codes, counts and times. A room names its own at the start."""

_OURS: Final = "rinnan"
_LIBRARIES: Final = frozenset({"aiokafka", "alembic", "asyncio", "asyncpg", "uvicorn"})
_TELLABLE: Final = (
    ClockNotAllowed,
    SettingsRefused,
    TopicsFault,
    Undecided,
    WrappingKeysMissing,
    WrappingKeysUnreadable,
)
_CODE: Final = re.compile(r"[A-Za-z0-9_.:/+=<>,\-]{0,200}", re.ASCII)
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LEFT_OUT: Final = "left_out"
_ONCE_IN_SECONDS: Final = 10.0
_WITHHELD: Final = "(withheld)"
_MOST_FRAMES: Final = 12
_MOST_FAULTS: Final = 5
_MOST_ITEMS: Final = 20


def set_up_logs(room: str, level: str = "info", *, more: Collection[str] = (), stream: TextIO | None = None) -> None:
    """Send all logs of this process through the one formatter. Libraries are told from warnings on, access never.

    `more` names what else this room may log: ids, codes, counts and times under names of its own.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(NeutralFormatter(room, NEUTRAL | frozenset(more)))
    handler.addFilter(_WorthTelling())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    access = logging.getLogger("uvicorn.access")
    access.disabled, access.propagate = True, False
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_the_end


class NeutralFormatter(logging.Formatter):
    """A record as one line of JSON, without anything that could be personal."""

    def __init__(self, room: str, names: Collection[str] = NEUTRAL) -> None:
        super().__init__()
        self._room = room
        self._names = frozenset(names)

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": self._room,
            "logger": record.name,
            "event": _text(record),
        }
        if _is_ours(record):
            extras = {name: value for name, value in vars(record).items() if name not in _STANDARD}
            line |= self._neutral(get_contextvars() | extras)
        else:
            line["place"] = f"{record.module}:{record.lineno}"
            line |= {"left_out": left_out} if (left_out := getattr(record, _LEFT_OUT, 0)) else {}
        if record.exc_info and record.exc_info[1]:
            line["faults"] = [_fault(error) for error in _chain(record.exc_info[1])]
        return orjson.dumps(line).decode()

    def _neutral(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """What of it may be logged; `dropped` counts what may not, so that it is missed."""
        kept = {name: _value(value) for name, value in told.items() if name in self._names}
        return kept | {"dropped": len(told) - len(kept)} if len(told) > len(kept) else kept


def _value(value: object) -> Any:
    """An id, code, number or time as it is; of anything else only its type."""
    match value:
        case Enum():
            return _value(value.value)
        case None | bool() | int() | float():
            return value
        case UUID() | datetime() | date():
            return str(value)
        case str():
            return value if _CODE.fullmatch(value) else _WITHHELD
        case list() | tuple() | set() | frozenset():
            return [_value(item) for item in list(value)[:_MOST_ITEMS]]
        case _:
            return f"<{type(value).__name__}>"


def _text(record: logging.LogRecord) -> str:
    """What the code says, unformatted and to the end of its line; of an unknown library only where it says it."""
    if not isinstance(record.msg, str):
        return f"<{type(record.msg).__name__}>"
    if _is_ours(record) or record.name.partition(".")[0] in _LIBRARIES:
        return record.msg.strip().partition("\n")[0][:200]
    return "a library says something"


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.startswith(_OURS)


class _WorthTelling(logging.Filter):
    """All that is ours. Of a library warnings and worse, and of each place only so often.

    While Kafka is away its client says the same a hundred times a second. The next line counts what was left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if _is_ours(record) or record.levelno < logging.WARNING:
            return _is_ours(record)
        place = record.pathname, record.lineno
        told_at, left_out = self._told.get(place, (0.0, 0))
        if record.created - told_at < _ONCE_IN_SECONDS:
            self._told[place] = told_at, left_out + 1
            return False
        self._told[place] = record.created, 0
        setattr(record, _LEFT_OUT, left_out)
        return True


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, and what led to it."""
    link: BaseException | None = error
    for _ in range(_MOST_FAULTS):
        if link is None:
            return
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _fault(error: BaseException) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": list(_frames(error.__traceback__))[-_MOST_FRAMES:],
    }
    told |= {name: _value(getattr(error, name)) for name in ("code", "sqlstate", "group") if hasattr(error, name)}
    if isinstance(error, BaseExceptionGroup):
        told["within"] = [_fault(one) for one in error.exceptions[:_MOST_FAULTS]]
    if isinstance(error, _TELLABLE):
        told["says"] = str(error)
    return told


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame, line in traceback.walk_tb(trace):
        yield f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}:{line}"


def _log_the_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python would print the message of what ended the process; we tell it as any other fault."""
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger(__name__).critical("stopped_by_a_fault", exc_info=(kind, error, trace))
