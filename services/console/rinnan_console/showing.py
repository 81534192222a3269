"""Showing answers to somebody at night: short, aligned, in local time, without colours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

Row = Mapping[str, Any]
_WIDE = 240


def console() -> Console:
    """Standard output; as wide as the terminal, or wide enough for a file."""
    out = Console(highlight=False, no_color=True, markup=False, emoji=False)
    return out if out.is_terminal else Console(file=out.file, highlight=False, no_color=True, width=_WIDE)


def as_json(value: Any) -> None:
    """The answer itself, for programs."""
    console().file.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def say(sentence: str) -> None:
    """One line."""
    console().print(Text(plain(sentence)))


def table(columns: Mapping[str, str], rows: Sequence[Row], nothing: str) -> None:
    """Rows under headings: `columns` maps a heading to the field that stands under it."""
    if not rows:
        say(nothing)
        return
    shown = Table(box=None, pad_edge=False, header_style="", show_header=True)
    for heading in columns:
        shown.add_column(Text(heading), overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell(row.get(name))) for name in columns.values()))
    console().print(shown)


def life(told: Row) -> None:
    """A registration's life, event by event, then where its deliveries stand."""
    say(f"Registration {told['registration_id']}, {told['county'] or 'county unknown'}")
    events = [{**each, "speaker": each["speaker"] or each["topic"]} for each in told["events"]]
    table({"at": "at", "who": "speaker", "what": "sentence"}, events, "Nothing.")
    for delivery in told["deliveries"]:
        whose = f"parent {delivery['party_id'][:8]}" if delivery["party_id"] else "both parents"
        states = " > ".join(move["to_state"] for move in delivery["moves"])
        say(f"Delivery {delivery['delivery_id']} to {delivery['destination']}, {whose}: {states}")


def cell(value: Any) -> str:
    """A value for people: a time in the local zone, nothing as a dash, no character that moves the terminal."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(_local(str(value)))


def plain(text: str) -> str:
    """The text without what a terminal would obey."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _local(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        return text
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment and moment.tzinfo else text
