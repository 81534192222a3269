"""What PostgreSQL is asked for an answer: on a noisy machine the nearest there is to the time that it takes."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

ENTRY = re.compile(r"\n(?!\t)")  # what belongs to an entry of the log is indented
RUN = re.compile(r"^(?P<login>\S+) LOG: +execute [^:]+: (?P<statement>.*)$", re.DOTALL)
GIVEN = "DETAIL:  Parameters: "
SHOWN = {"log_statement": "all", "log_line_prefix": "%u "}


@dataclass(frozen=True, slots=True)
class Statements:
    """The server's log while it shows every statement, with the login that ran it and what it was given."""

    log: Path

    def mark(self) -> int:
        """The end of what was run until now."""
        return self.log.stat().st_size

    def since(self, mark: int, about: str) -> list[str]:
        """What was run since then for this registration: the login and the statement, in order."""
        with self.log.open("rb") as log:
            log.seek(mark)
            entries = ENTRY.split(log.read().decode())
        ran = [
            run for entry, given in pairwise(entries) if about in given and GIVEN in given and (run := RUN.match(entry))
        ]
        return [f"{run['login']}: {' '.join(run['statement'].split())}" for run in ran]


@asynccontextmanager
async def shown(log: Path, ask: Callable[[str], Awaitable[Any]]) -> AsyncGenerator[Statements]:
    """Have every statement shown in the log for a while. `ask` runs SQL as the superuser."""
    for name, value in SHOWN.items():
        await ask(f"alter system set {name} = '{value}'")
    await ask("select pg_reload_conf()")
    try:
        yield Statements(log)
    finally:
        await ask("alter system reset all")
        await ask("select pg_reload_conf()")
