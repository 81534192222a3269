"""`python -m rinnan_profiles.check`: is everything that the counties wrote right? Each fault with its file and line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from rinnan_profiles.county import ADAPTERS
from rinnan_profiles.faults import Fault
from rinnan_profiles.loading import Profiles, read
from rinnan_profiles.positions import line_of
from rinnan_profiles.words import Standing


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every fault and return 1, or say what is right and return 0."""
    parser = argparse.ArgumentParser(prog="rinnan_profiles.check", description="Check all that the counties decide.")
    parser.add_argument("--contracts", type=Path, default=Path("contracts"))
    parser.add_argument("--counties", type=Path, default=Path("deploy/counties"))
    options = parser.parse_args(arguments)
    profiles, faults = check(options.contracts, options.counties, installed_adapters())
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201 - this is what the command says
    if faults or profiles is None:
        print("1 fault" if len(faults) == 1 else f"{len(faults)} faults", file=sys.stderr)  # noqa: T201 - this is what the command says
        return 1
    for county in profiles.counties.values():
        where = ", ".join(f"{one.name} through {one.adapter}" for one in county.destinations)
        drafts = [language for language, standing in county.letter_languages.items() if standing is Standing.DRAFT]
        notice = f"; letters still drafts: {' '.join(drafts)}" if drafts else ""
        print(f"{county.profile}: {' '.join(county.languages)}; {where}{notice}")  # noqa: T201 - this is what the command says
    return 0


def check(contracts: Path, counties: Path, adapters: Collection[str]) -> tuple[Profiles | None, tuple[Fault, ...]]:
    """All faults in order of file and line: those that loading finds, and those of this installation."""
    profiles, faults = read(contracts, counties)
    here = _here(profiles, counties, adapters) if profiles else ()
    return profiles, tuple(sorted({*faults, *here}))


def installed_adapters() -> frozenset[str]:
    """The names of the adapters that are installed here."""
    return frozenset(found.name for found in entry_points(group=ADAPTERS))


def _here(profiles: Profiles, counties: Path, adapters: Collection[str]) -> Iterator[Fault]:
    from holidays import list_supported_countries  # noqa: PLC0415 - takes half a second, and only this needs it

    for file in sorted(counties.glob("*/county.toml")):
        county = profiles.counties.get(file.parent.name.split("-")[0])
        if county is None:
            continue
        text = file.read_text("utf-8")
        if county.calendar not in list_supported_countries(include_aliases=False):
            yield Fault(
                file, line_of(text, ("calendar",)), f"calendar: no public holidays are known for {county.calendar}"
            )
        for number, one in enumerate(county.destinations):
            if one.adapter not in adapters:
                line = line_of(text, ("destinations", number, "adapter"))
                yield Fault(file, line, f"adapter: {one.adapter} is not installed")


if __name__ == "__main__":
    sys.exit(main())
