"""Whether everybody got the letters they were to get, once each, and nobody anything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rinnan_local.families import Arrives, Family, Parent, Then
from rinnan_local.parents import CODE

Told = Mapping[str, Any]


def wrong_letters(caught: Iterable[Told], families: Iterable[Family], reminders: int) -> Iterator[str]:
    """What is wrong with what was caught, by person. `reminders` is how many days of reminding have passed.

    Whoever is asked gets one letter with a code for each family; of two who start at the same moment each may be asked
    before their own start is heard. A reminder has no code: every one goes to an address that a parent told for one who
    did not come to stay, whether silent or declining, and none to whoever was through with their own part.
    """
    letters = list(caught)
    asked, reminded = Counter[str](), Counter[str]()
    for letter in letters:
        addresses = [letter["to"]] if isinstance(letter["to"], str) else letter["to"]
        (asked if CODE.search(letter["text"]) else reminded).update(addresses)
        if letter["times"] != 1 or len(addresses) != 1:
            yield f"a letter came {letter['times']} times, to {len(addresses)}"
    known: dict[str, list[tuple[Parent, Family]]] = {}
    for family in families:
        for parent in family.parents:
            known.setdefault(parent.person, []).append((parent, family))
    for person, places in known.items():
        ways = {way for parent, _ in places for way in (parent.email, parent.phone)}
        codes, nudges = (sum(found[way] for way in ways) for found in (asked, reminded))
        least = sum(parent.arrives is not Arrives.STARTS for parent, _ in places)
        if not least <= codes <= sum(_may_be_asked(parent, family) for parent, family in places):
            yield f"{person} was asked {codes} times"
        elsewhere = sum(parent.arrives is Arrives.NEVER or parent.then is Then.DECLINES for parent, _ in places)
        if nudges != elsewhere * reminders:
            yield f"{person} was reminded {nudges} times"
    strangers = {*asked, *reminded} - {w for places in known.values() for p, _ in places for w in (p.email, p.phone)}
    if strangers:
        yield f"{len(strangers)} who are in no family got a letter"


def _may_be_asked(parent: Parent, family: Family) -> bool:
    return any(other.arrives is Arrives.STARTS for other in family.parents if other.person != parent.person)
