"""Deciding in memory: items in, what one transaction will write out. No database, no keys, no clock of its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from rinnan_chassis.deciding import Cancel, Claim, Claimed, Context, Decision, Refusal, Work
from rinnan_chassis.items import Act, Became, Item
from rinnan_events import Event, Row

S = TypeVar("S")
log = logging.getLogger(__name__)


class Closed(Refusal):
    """What the command speaks of is closed and forgotten."""

    code = "chassis.closed"
    status = 410


@dataclass(slots=True)
class Subject(Generic[S]):
    """One subject as it was locked, and as the batch leaves it."""

    id: UUID
    state: S | None
    held: bool
    forgotten: bool
    parts: frozenset[Row] = frozenset()
    """Where the tokens of its sealed parts rest."""
    unreadable: bool = False
    changed_by: Item | None = None
    newly_held: bool = False
    newly_forgotten: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """An event that an item made the room say; `number` counts within the item."""

    item: Item
    number: int
    event: Event


@dataclass(slots=True)
class Folded(Generic[S]):
    """What one transaction will write."""

    subjects: dict[UUID, Subject[S]]
    said: list[Said] = field(default_factory=list[Said])
    works: dict[tuple[str, str], tuple[Item, Work | Cancel]] = field(
        default_factory=dict[tuple[str, str], "tuple[Item, Work | Cancel]"]
    )
    claims: dict[Claim, Claimed | None] = field(default_factory=dict[Claim, Claimed | None])
    claimed_by: dict[Claim, Item] = field(default_factory=dict[Claim, Item])
    parked: list[Item] = field(default_factory=list[Item])
    set_aside: list[tuple[Item, str]] = field(default_factory=list[tuple[Item, str]])
    done: list[Item] = field(default_factory=list[Item])
    stuck: list[Item] = field(default_factory=list[Item])
    put_back: list[Item] = field(default_factory=list[Item])
    acts: list[Act] = field(default_factory=list[Act])
    items: Sequence[Item] = ()


def fold(
    items: Sequence[Item],
    subjects: dict[UUID, Subject[S]],
    claimed: Mapping[Claim, Claimed],
    *,
    now: datetime,
    reference: Any,
) -> Folded[S]:
    """Let every item be decided on, in order. Raises only what a command's decider raises."""
    folded = Folded[S](subjects)
    held_claims = dict(claimed)
    for item in items:
        if item.subject is not None:
            _decide(folded, item, subjects[item.subject], held_claims, now=now, reference=reference)
        elif item.fault is not None:
            _set_aside(folded, item, None, item.fault)
    return folded


def _decide(
    folded: Folded[S], item: Item, subject: Subject[S], claimed: dict[Claim, Claimed], *, now: datetime, reference: Any
) -> None:
    if _is_not_for_a_decider(folded, item, subject):
        return
    known = {claim: claimed[claim] for claim in item.claims}
    context = Context(now, item.accepted_at, subject.id, reference, known, beside=item.beside)
    try:
        if subject.unreadable or item.decider is None:  # faults like any other
            raise LookupError("state" if subject.unreadable else type(item.fact).__name__)  # noqa: TRY301 - caught below, as whatever a decider raises is
        decision = item.decider(subject.state, item.fact, context)
    except Refusal as refusal:
        item.became, item.refusal = Became.REFUSED, refusal
        if item.is_command:
            raise
        folded.done.append(item)
    except Exception as error:
        if item.is_command:
            raise
        log.exception("decider_raised", extra={"subject": str(subject.id), "fact": type(item.fact).__name__})
        _set_aside(folded, item, subject, type(error).__name__)
    else:
        _apply(folded, item, subject, claimed, decision)


def _is_not_for_a_decider(folded: Folded[Any], item: Item, subject: Subject[Any]) -> bool:
    """A forgotten subject hears nothing, a held one later; only then does it matter what is wrong with an item."""
    if subject.forgotten:
        if item.is_command:
            raise Closed
        item.became = Became.CLOSED
        folded.done.append(item)
    elif subject.held and item.heard is not None:
        item.became = Became.PARKED
        folded.parked.append(item)
    elif subject.held and item.lease is not None and item.lease.timed:
        item.became = Became.PUT_BACK
        folded.put_back.append(item)
    elif item.fault is not None:
        _set_aside(folded, item, subject, item.fault)
    else:
        return False
    return True


def _apply(
    folded: Folded[S], item: Item, subject: Subject[S], claimed: dict[Claim, Claimed], decision: Decision[S] | None
) -> None:
    folded.done.append(item)
    if decision is None:
        item.became = Became.NOTHING
        return
    item.became = Became.DECIDED
    item.answer = decision.answer or {}
    if decision.beside and item.beside is not None:
        item.subject, subject = item.beside, folded.subjects[item.beside]
    if decision.state is not None:
        subject.state, subject.changed_by = decision.state, item
    folded.said.extend(Said(item, number, event) for number, event in enumerate(decision.says))
    for work in decision.works:
        folded.works[work.kind, work.key] = (item, work)
    if hand := decision.by_hand:
        folded.acts.append(Act(hand.by, hand.verb, subject.id, hand.on, hand.why))
    for claim, value in decision.claims.items():
        folded.claims[claim], folded.claimed_by[claim] = value, item
        claimed[claim] = value or Claimed()
    if decision.forget:
        subject.state, subject.forgotten, subject.newly_forgotten = None, True, True


def _set_aside(folded: Folded[Any], item: Item, subject: Subject[Any] | None, reason: str) -> None:
    """Touch nothing, keep the item as it came, and hear nothing further of its subject, where one can be read."""
    item.became = Became.SET_ASIDE
    if item.heard is not None:
        folded.set_aside.append((item, reason))
    else:
        folded.stuck.append(item)
    if subject is not None and not subject.held:
        subject.held, subject.newly_held = True, True
