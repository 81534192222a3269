"""`make bench`: the hop against its floor, a batch of one, and registrations through the whole house.

Seconds are this machine's; the ratio, taken in one run, is what counts. Every part writes what it found to
`var/bench/latest.json` as soon as it has found it. `--only` runs single parts and keeps what the others found before.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import traceback
from argparse import ArgumentParser
from collections.abc import Collection
from pathlib import Path
from typing import Any

import uvloop

from rinnan_local.testing import kafka_and_postgres
from tests.load import hop as the_hop
from tests.load.floor import floor
from tests.load.house import STORED, House, house
from tests.load.load import Load, publish, topics
from tests.load.small import WARMING, bare_cpu_ms, small_batch_cpu_ms

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "var" / "bench"
RUNS = 5
EVENTS = 20_000
SUBJECTS = 3_000
ALONE = 240
ENGINES = ("hop", "small")
HOUSE = ("latency", "drain", "growth")
LONGEST = 15 * 60
"""Seconds after which the house is given up; what it had found by then stands."""


class Findings:
    """What was found, written down at once."""

    def __init__(self, file: Path, *, keep: bool) -> None:
        self._file = file
        self._found: dict[str, Any] = json.loads(file.read_text()) if keep and file.exists() else {}

    def add(self, found: dict[str, Any]) -> None:
        """Write it down beside what was found before, and tell it."""
        self._found |= found
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self._found, indent=2) + "\n", encoding="utf-8")
        tell(json.dumps(found))


async def hop_and_floor(servers: str, database_url: str, *, runs: int = RUNS, events: int = EVENTS) -> dict[str, Any]:
    """Median events per second of both, in alternating runs over the same messages."""
    load = Load(servers, database_url, events, min(SUBJECTS, events))
    floors: list[float] = []
    hops: list[float] = []
    for run in range(runs):
        async with the_hop.room(load) as batches:
            heard = f"heard.{run}"
            await topics(servers, heard)
            await publish(load, heard, await the_hop.messages(load, batches.keyring))
            floors.append(events / await floor(load, heard, "floor.said"))
            hops.append(events / await the_hop.hop(load, batches, heard))
            tell(f"run {run + 1}: floor {floors[-1]:.0f}/s, hop {hops[-1]:.0f}/s")
    ratios = [hop / bare for hop, bare in zip(hops, floors, strict=True)]
    return {
        "floor_events_per_s": round(statistics.median(floors)),
        "hop_events_per_s": round(statistics.median(hops)),
        "hop_to_floor": round(statistics.median(ratios), 3),
    }


async def alone(servers: str, database_url: str) -> dict[str, Any]:
    """What an event costs that comes alone, and what it costs without any of the rules."""
    load = Load(servers, database_url, WARMING + ALONE, WARMING + ALONE)
    async with the_hop.room(load) as batches:
        await topics(servers, "heard.alone", "heard.bare")
        messages = await the_hop.messages(load, batches.keyring)
        bare = await bare_cpu_ms(load, "heard.bare", "floor.said", messages)
        ours = await small_batch_cpu_ms(load, batches, "heard.alone", messages)
        return {"small_batch_cpu_ms": round(ours, 2), "small_batch_floor_cpu_ms": round(bare, 2)}


def engines(parts: Collection[str], findings: Findings) -> None:
    """One room on Kafka and PostgreSQL alone."""
    with kafka_and_postgres(ROOT / "var") as (servers, url):
        uvloop.run(topics(servers, "consent.consent.v1", "floor.said"))
        if "hop" in parts:
            findings.add(uvloop.run(hop_and_floor(servers, url)))
        if "small" in parts:
            findings.add(uvloop.run(alone(servers, url)))


async def registrations(parts: Collection[str], here: House, findings: Findings, stored: Collection[int]) -> None:
    """Registrations through every room, up to the confirmed delivery."""
    try:
        async with asyncio.timeout(LONGEST):
            await here.warm_up()
            if "latency" in parts:
                findings.add(await here.latency())
            if "drain" in parts:
                findings.add(await here.drain())
            grown: dict[str, float] = {}
            for number in stored if "growth" in parts else ():
                grown[str(number)] = await here.growth(number)
                findings.add({"growth": grown})
    finally:
        findings.add({"peak_rss_mb": here.peak_rss_mb()})


def tell(line: str) -> None:
    """One line for whoever watches."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Measure, and write down; 1 where a part failed."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=(*ENGINES, *HOUSE), default=[*ENGINES, *HOUSE])
    parser.add_argument(
        "--stored", nargs="+", type=int, default=STORED, help="how many are stored while growth is measured"
    )
    options = parser.parse_args()
    parts: set[str] = set(options.only)
    findings = Findings(BENCH / "latest.json", keep=parts != {*ENGINES, *HOUSE})
    failed = 0
    try:
        if parts & {*ENGINES}:
            engines(parts, findings)
    except Exception:  # noqa: BLE001 - the other parts are measured all the same
        traceback.print_exc()
        failed = 1
    try:
        if parts & {*HOUSE}:
            with house(BENCH / "house") as here:
                uvloop.run(registrations(parts, here, findings, options.stored))
    except Exception:  # noqa: BLE001 - what was found before it is written down
        traceback.print_exc()
        failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
