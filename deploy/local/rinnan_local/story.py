"""Tells a run live on the terminal: the time that the clock shows, the family by its file's name, what happens."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

HERE = ZoneInfo("Europe/Helsinki")
WIDE = 120  # in a file, where no terminal says how wide it is


class Story:
    """Lines of what happened, as it happens. Nobody is named but by the file of their family."""

    def __init__(self, now: Callable[[], datetime], families: Iterable[str], console: Console | None = None) -> None:
        self._now = now
        self._width = max(map(len, families), default=0)
        self._console = console or Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)

    def tell(self, family: str, what: str) -> None:
        """One thing that a family did, or that happened to their registration."""
        self._line(family, what, "cyan")

    def meanwhile(self, what: str) -> None:
        """Something that is nobody's: the clock, the staff, the county's system."""
        self._line("", what, "yellow")

    def settled(self, family: str, what: str) -> None:
        """How a family's registration ended, as it should."""
        self._line(family, what, "green")

    def failed(self, what: str) -> None:
        """Why the run failed."""
        self._console.print(Text(what, style="bold red"))

    def close(self, title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        """The table at the end."""
        table = Table(
            *(Column(column, overflow="fold") for column in columns),
            title=title,
            title_justify="left",
            title_style="bold",
            box=None,
            pad_edge=False,
        )
        for row in rows:
            table.add_row(*row)
        self._console.print()
        self._console.print(table)

    def _line(self, family: str, what: str, style: str) -> None:
        shown = f"{self._now().astimezone(HERE):%d.%m. %H:%M:%S}"
        self._console.print(
            Text.assemble((shown, "dim"), "  ", (f"{family:<{self._width}}", style), "  ", what), soft_wrap=True
        )
