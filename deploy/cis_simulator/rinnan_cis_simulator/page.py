"""The simulator's page for people: what stands where. No script, no style from elsewhere."""

from __future__ import annotations

from html import escape

from rinnan_cis_simulator.behaviour import Behaviour, Mood
from rinnan_cis_simulator.store import Store

HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>CIS simulator</title>
<style>
body { font: 16px/1.5 system-ui; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
table { border-collapse: collapse }
td, th { border: 1px solid #888; padding: .2rem .6rem; text-align: left }
</style>
<h1>What arrived in the simulated client information systems</h1>
"""


def html(store: Store, told: dict[str, Behaviour]) -> str:
    """The whole page."""
    counts: dict[str, dict[str, int]] = {}
    for server, kind, count in store.counts():
        counts.setdefault(server, {})[kind] = count
    servers = sorted(counts.keys() | told.keys())
    shown = [_server(name, counts.get(name, {}), told.get(name), store.arrived(name, 20)) for name in servers]
    return HEAD + ("".join(shown) or "<p>Nothing yet.</p>")


def _server(name: str, counts: dict[str, int], told: Behaviour | None, newest: list[tuple[str, int]]) -> str:
    mood = told.mood if told else Mood.WELL
    rows = "".join(f"<tr><th scope=row>{escape(kind)}<td>{count}" for kind, count in counts.items())
    table = f"<table><caption>Resources</caption>{rows}</table>" if rows else ""
    links = " · ".join(
        f"<a href='/{escape(name)}/fhir/{escape(kind)}/{number}'>{escape(kind)}/{number}</a>" for kind, number in newest
    )
    return f"<h2>{escape(name)}</h2><p>It is {mood}.</p>{table}<p>Newest: {links or 'none'}</p>"
