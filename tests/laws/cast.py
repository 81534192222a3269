"""Who plays in the laws: every family, by the law that it is for. The sign-in must know them before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rinnan_local.families import Answers, Arrives, Family, Screening
from rinnan_profiles import Profiles
from tests.laws.people import Inventor

STARTS, JOINS = {"arrives": Arrives.STARTS}, {"arrives": Arrives.JOINS_BY_CODE}
BEGUN, CHAOS = 32, 50
NEW_COUNTY = "newshire"  # a county that no code has heard of


@dataclass(frozen=True, slots=True)
class Places:
    """Counties by what they have, never by name: a system, a system that is slow to settle, and only paper."""

    system: str
    slow: str
    paper: str

    @classmethod
    def of(cls, profiles: Profiles) -> Places:
        """Chosen from the counties as they are shipped."""
        with_system = {
            code: max(each.settle_after for each in county.destinations)
            for code, county in profiles.counties.items()
            if not all(each.capabilities.renders for each in county.destinations)
        }
        slowest = sorted(with_system, key=lambda code: with_system[code])
        return cls(slowest[0], slowest[-1], next(code for code in profiles.counties if code not in with_system))


@dataclass(frozen=True, slots=True)
class Cast:
    """Every family, by law."""

    swap: Mapping[str, tuple[Family, Family, Family]]
    begun: tuple[Family, ...]
    twins: Mapping[str, Mapping[str, Family]]
    chaos: tuple[Family, ...]
    doubled: Family
    alone: Family
    whole: Family
    screened: Mapping[str, Family]
    marked: Mapping[str, Family]
    told: Family
    forgotten: Family
    shelved: Family
    unanswered: Family
    newcomer: Family
    outside: Family

    def everybody(self) -> Iterator[Family]:
        """All of them."""
        yield from (*self.begun, *self.chaos, self.doubled, self.alone, self.whole, self.told, self.newcomer)
        yield from (self.forgotten, self.shelved, self.unanswered, self.outside)
        for several in (*self.twins.values(), self.screened, self.marked):
            yield from several.values()
        for families in self.swap.values():
            yield from families


ONE: Mapping[str, Any] = {"language": "fi", "answers": Answers.FIRST_OPTION, "screening": Screening.ALL_NEGATIVE}
OTHER: Mapping[str, Any] = {
    "language": "sv",
    "answers": Answers.LAST_OPTION,
    "screening": Screening.ALL_POSITIVE,
    "services": ("agreement", "parenting_support"),
    "non_disclosure": False,
    "refuge": False,
}

BOTH_COMPLETE: Mapping[str, Mapping[str, Any]] = {
    "all-negative": {"screening": Screening.ALL_NEGATIVE},
    "all-positive": {"screening": Screening.ALL_POSITIVE},
    "screening-declined": {"screening": Screening.DECLINED},
    "protected": {"non_disclosure": True, "refuge": True},
    "cannot-safely": {"answers": Answers.CANNOT_SAFELY},
}
WHILE_THE_OTHER_WAITS = (
    *("only-joins", "leaves", "is-nearly-whole", "leaves-when-nearly-whole", "asks-alone", "withdraws-consents"),
)
WHILE_THE_OTHER_HAS_TOLD = ("silent", "declines", "only-joins", "leaves", "asks-alone", "leaves-when-nearly-whole")
NEVER_BOTH = ("silent", "declines", *WHILE_THE_OTHER_WAITS)
"""What a parent may do that never makes both whole: the other must not be able to tell one from another."""


def cast(places: Places) -> Cast:
    """Everybody, invented in one go, so that no two share a string."""
    invent = Inventor()
    return Cast(
        swap={place: _swapped(invent, place, kind) for kind, place in (("s", places.system), ("p", places.paper))},
        begun=tuple(
            invent.family(f"begun-{_letters(number)}", places.system, STARTS, JOINS) for number in range(BEGUN)
        ),
        twins={
            "both complete": {
                name: invent.family(f"both-{name}", places.system, {**JOINS, **does}, STARTS)
                for name, does in BOTH_COMPLETE.items()
            },
            "one completes": {name: invent.family(f"one-{name}", places.system, JOINS, STARTS) for name in NEVER_BOTH},
            "one told": {
                name: invent.family(f"told-{name}", places.system, JOINS, STARTS) for name in WHILE_THE_OTHER_HAS_TOLD
            },
            "one waits": {
                name: invent.family(f"waits-{name}", places.system, STARTS, JOINS) for name in WHILE_THE_OTHER_WAITS
            },
        },
        chaos=tuple(
            invent.family(f"chaos-{_letters(number)}", _spread(places, number), *_met(number))
            for number in range(CHAOS)
        ),
        doubled=invent.family("doubled", places.system, STARTS, STARTS),
        alone=invent.family("alone", places.system, STARTS, JOINS),
        whole=invent.family(
            "whole",
            places.system,
            {**STARTS, "answers": Answers.PREFER_NOT},
            {**JOINS, "answers": Answers.CANNOT_SAFELY},
        ),
        screened={
            screening: invent.family(
                f"screened-{screening.replace('_', '-')}",
                places.system,
                {**STARTS, "screening": screening},
                {**STARTS, "screening": screening},
            )
            for screening in Screening
        },
        marked={
            place: invent.family(
                f"marked-{kind}",
                place,
                {**STARTS, "screening": Screening.ALL_POSITIVE, "non_disclosure": True, "refuge": True},
                {**JOINS, "non_disclosure": False, "refuge": False, "reached_by": "sms"},
                children=2,
            )
            for kind, place in (("system", places.system), ("paper", places.paper))
        },
        told=invent.family("told", places.system, STARTS, JOINS),
        forgotten=invent.family("forgotten", places.system, STARTS, STARTS),
        shelved=invent.family("shelved", places.paper, STARTS, JOINS),
        unanswered=invent.family("unanswered", places.system, STARTS, JOINS),
        newcomer=invent.family("newcomer", NEW_COUNTY, STARTS, JOINS),
        outside=invent.family("outside", places.system, STARTS, JOINS),
    )


def _swapped(invent: Inventor, place: str, kind: str) -> tuple[Family, Family, Family]:
    """One starts, the other starts, both start; and the order in which the file names them is exchanged too."""
    return (
        invent.family(f"swap-{kind}-one", place, {**ONE, **STARTS}, {**OTHER, **JOINS}, children=2),
        invent.family(f"swap-{kind}-other", place, {**OTHER, **STARTS}, {**ONE, **JOINS}, children=2),
        invent.family(f"swap-{kind}-both", place, {**ONE, **STARTS}, {**OTHER, **STARTS}, children=2),
    )


def _spread(places: Places, number: int) -> str:
    """Of ten, seven go to the quick system, two to the slow one, one to paper."""
    return {8: places.slow, 5: places.slow, 9: places.paper}.get(number % 10, places.system)


def _met(number: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return (STARTS, STARTS) if number % 5 == 0 else (STARTS, JOINS)


def _letters(number: int) -> str:
    tens, ones = divmod(number, 26)
    return chr(ord("a") + tens) + chr(ord("a") + ones)
