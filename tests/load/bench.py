"""`make bench`: the hop against its floor, a batch of one, and registrations through the whole house.

Seconds are this machine's; the ratio, taken in one run, is what counts. Writes `var/bench/latest.json`.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import uvloop

from rinnan_local.testing import kafka_and_postgres
from tests.load import hop as the_hop
from tests.load.floor import floor
from tests.load.load import Load, publish, topics
from tests.load.small import small_batch_cpu_ms

ROOT = Path(__file__).parents[2]
RUNS = 5
EVENTS = 20_000
SUBJECTS = 3_000
ALONE = 100


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
    """What an event costs that comes alone."""
    load = Load(servers, database_url, ALONE, ALONE)
    async with the_hop.room(load) as batches:
        await topics(servers, "heard.alone")
        messages = await the_hop.messages(load, batches.keyring)
        return {"small_batch_cpu_ms": round(await small_batch_cpu_ms(load, batches, "heard.alone", messages), 2)}


def tell(line: str) -> None:
    """One line for whoever watches."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure everything and write it down."""
    found: dict[str, Any] = {}
    with kafka_and_postgres(ROOT / "var") as (servers, url):
        uvloop.run(topics(servers, "consent.consent.v1", "floor.said"))
        found |= uvloop.run(hop_and_floor(servers, url))
        found |= uvloop.run(alone(servers, url))
    file = ROOT / "var" / "bench" / "latest.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    tell(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
