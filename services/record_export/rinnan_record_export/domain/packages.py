"""A package's life among people: released, keyed in, verified by another; and what they decide where it went astray."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from rinnan_chassis.deciding import ByHand, Context, Decision
from rinnan_events.record_export import DeliveryState, PackageRecalled
from rinnan_record_export.domain.ledger import Delivery, Package
from rinnan_record_export.domain.outcomes import asks_look, on_paper, recall
from rinnan_record_export.domain.policy import SECOND_CHANCE
from rinnan_record_export.domain.registration import Registration, assemble, change, county_now, paper, row_alarm
from rinnan_record_export.errors import NotAsSeen, NotInThatState, Recalled, SamePerson, UnknownDelivery

AS_USUAL = "as_usual"
"""Why people do what the ordinary way asks of them."""


class Why(StrEnum):
    """Why a person deviates from the ordinary way: a class, so that no text about anybody is kept."""

    FOUND_THERE = "found_there"
    LOST = "lost"
    NOT_LEGIBLE = "not_legible"
    WRONG_PLACE = "wrong_place"
    WAS_NOT_KEYED_IN = "was_not_keyed_in"
    WAS_KEYED_IN = "was_keyed_in"
    MENDED = "mended"
    TOLD_THE_DESTINATION = "told_the_destination"


@dataclass(frozen=True, slots=True)
class StaffAct:
    """What a member of staff does to one delivery: `actor` is their staff id, `county` the county they work for."""

    verb: ClassVar[str]
    actor: str
    county: str
    delivery_id: UUID

    @property
    def by_hand(self) -> ByHand:
        """Who did it, and why, to be kept beyond the row, which only knows the last."""
        return ByHand(self.actor, self.verb, AS_USUAL, self.delivery_id)


@dataclass(frozen=True, slots=True)
class Deviation(StaffAct):
    """What leaves the ordinary way, and why."""

    why: Why

    @property
    def by_hand(self) -> ByHand:
        """Who did it, and why."""
        return ByHand(self.actor, self.verb, self.why.value, self.delivery_id)


@dataclass(frozen=True, slots=True)
class Release(StaffAct):
    """Hand the package to the people who key in."""

    verb = "release"


@dataclass(frozen=True, slots=True)
class KeyIn(StaffAct):
    """The package was keyed in."""

    verb = "keyed_in"


@dataclass(frozen=True, slots=True)
class Verify(StaffAct):
    """Another member of staff has checked what was keyed in."""

    verb = "verified"


@dataclass(frozen=True, slots=True)
class SendBack(Deviation):
    """The package was not keyed in, and will not be."""

    verb = "not_keyed_in"


@dataclass(frozen=True, slots=True)
class ConfirmRecall(Deviation):
    """A recalled package was taken back before anybody keyed it in."""

    verb = "recall_confirmed"


@dataclass(frozen=True, slots=True)
class SettleConflict(Deviation):
    """A person has looked: the record stands once, through the system (`on_paper` False) or as it was keyed in."""

    verb = "conflict_settled"
    on_paper: bool


@dataclass(frozen=True, slots=True)
class TryAgain(Deviation):
    """Ask the destination again, now: what kept it from taking the record was mended."""

    verb = "try_again"


@dataclass(frozen=True, slots=True)
class TakeUpCorrections:
    """A person has told the destination what changed after the record went out. `seen`: the newest they knew of."""

    actor: str
    county: str
    why: Why
    seen: int


def release(state: Registration | None, command: Release, ctx: Context) -> Decision[Registration]:
    """Raises: NotInThatState unless it is prepared."""
    registration, delivery, package = _the_package(state, command, DeliveryState.PREPARED)
    released = replace(package, released_at=ctx.now, released_by=command.actor)
    after = delivery.moved(DeliveryState.RELEASED, "released", ctx.now, package=released)
    return change(registration, command.delivery_id, after, ctx, by_hand=command.by_hand)


def key_in(state: Registration | None, command: KeyIn, ctx: Context) -> Decision[Registration]:
    """After a recall it stands twice: then a person decides, nothing goes on by itself."""
    registration, delivery, package = _the_package(state, command, DeliveryState.RELEASED)
    keyed = replace(package, keyed_in_at=ctx.now, keyed_in_by=command.actor)
    if package.recalled_at is not None:
        after = delivery.moved(DeliveryState.CONFLICT, "keyed_in_after_recall", ctx.now, package=keyed)
        works = (row_alarm(command.delivery_id, after, "conflict", ctx),)
        return change(registration, command.delivery_id, after, ctx, works=works, by_hand=command.by_hand)
    after = delivery.moved(DeliveryState.KEYED_IN, "keyed_in", ctx.now, package=keyed)
    return change(registration, command.delivery_id, after, ctx, by_hand=command.by_hand)


def verify(state: Registration | None, command: Verify, ctx: Context) -> Decision[Registration]:
    """Raises: SamePerson for whoever keyed it in."""
    registration, delivery, package = _the_package(state, command, DeliveryState.KEYED_IN)
    if package.keyed_in_by == command.actor:
        raise SamePerson
    verified = replace(package, verified_at=ctx.now, verified_by=command.actor)
    after = delivery.moved(DeliveryState.VERIFIED, "verified", ctx.now, package=verified)
    return change(registration, command.delivery_id, after, ctx, by_hand=command.by_hand)


def send_back(state: Registration | None, command: SendBack, ctx: Context) -> Decision[Registration]:
    """What was not keyed in is looked for before anything is written; where nobody can search, paper is printed anew.

    Found not to be there although it was said to be keyed in, the same package is to be keyed in again. Found there by
    people where nobody else can search, a person settles where it stands.
    Raises: Recalled where the system has confirmed meanwhile.
    """
    there = (DeliveryState.PREPARED, DeliveryState.RELEASED, DeliveryState.KEYED_IN)
    registration, delivery, package = _the_package(state, command, *there)
    if package.recalled_at is not None:
        raise Recalled
    if delivery.state is DeliveryState.KEYED_IN:
        again = replace(package, look_first=True, keyed_in_at=None, keyed_in_by=None)
        after = delivery.moved(DeliveryState.RELEASED, command.why.value, ctx.now, package=again)
        return change(registration, command.delivery_id, after, ctx, by_hand=command.by_hand)
    destination = county_now(registration, ctx).destination(delivery.destination)
    recalled = recall(command.delivery_id, package, ctx)
    if destination.capabilities.searchable and not destination.capabilities.renders:
        return _looked_for(registration, delivery, command, recalled, ctx)
    if command.why is Why.FOUND_THERE and not destination.capabilities.renders:
        after = delivery.moved(DeliveryState.CONFLICT, command.why.value, ctx.now)
        works = (row_alarm(command.delivery_id, after, "conflict", ctx),)
        return change(
            registration, command.delivery_id, after, ctx, says=(recalled,), works=works, by_hand=command.by_hand
        )
    waiting = delivery.moved(DeliveryState.WAITING, command.why.value, ctx.now)
    printing = on_paper(registration, command.delivery_id, waiting, ctx, look_first=True)
    answer = {"delivery_id": str(command.delivery_id), "state": DeliveryState.WAITING.value}
    return replace(printing, says=(recalled, *printing.says), answer=answer, by_hand=command.by_hand)


def _looked_for(
    registration: Registration, delivery: Delivery, command: SendBack, recalled: PackageRecalled, ctx: Context
) -> Decision[Registration]:
    after = delivery.moved(
        DeliveryState.UNKNOWN,
        command.why.value,
        ctx.now,
        package=None,
        paper_at=ctx.now + SECOND_CHANCE,
        settled_at=ctx.now,
        look=1,
        absents=0,
        tries=0,
    )
    says = (recalled, asks_look(registration, command.delivery_id, after, ctx))
    works = (paper(command.delivery_id, after),)
    return change(registration, command.delivery_id, after, ctx, says=says, works=works, by_hand=command.by_hand)


def confirm_recall(state: Registration | None, command: ConfirmRecall, ctx: Context) -> Decision[Registration]:
    """The record stands through the system alone. Raises: NotInThatState where nothing was recalled."""
    registration, delivery, package = _the_package(state, command, DeliveryState.RELEASED)
    if package.recalled_at is None:
        raise NotInThatState
    after = delivery.moved(DeliveryState.CONFIRMED, "recall_confirmed", ctx.now)
    return change(registration, command.delivery_id, after, ctx, by_hand=command.by_hand)


def settle_conflict(state: Registration | None, command: SettleConflict, ctx: Context) -> Decision[Registration]:
    """A person's word ends a conflict, and nothing else does."""
    registration, delivery = _the_delivery(state, command, DeliveryState.CONFLICT)
    end = DeliveryState.VERIFIED if command.on_paper else DeliveryState.CONFIRMED
    after = delivery.moved(end, command.why.value, ctx.now)
    return change(registration, command.delivery_id, after, ctx, by_hand=command.by_hand)


def try_again(state: Registration | None, command: TryAgain, ctx: Context) -> Decision[Registration]:
    """Raises: NotInThatState unless it was rejected, or waits for a destination that was away."""
    registration, delivery = _the_delivery(state, command, DeliveryState.REJECTED, DeliveryState.WAITING)
    after = delivery.moved(DeliveryState.WAITING, command.why.value, ctx.now, tries=0)
    works = (assemble(command.delivery_id, after, ctx.now),)
    return change(registration, command.delivery_id, after, ctx, works=works, by_hand=command.by_hand)


def take_up_corrections(state: Registration | None, command: TakeUpCorrections, ctx: Context) -> Decision[Registration]:
    """Mark every correction that waits as told. Raises: NotAsSeen where more have come, or others took them up."""
    if state is None or state.opening is None or state.county != command.county:
        raise UnknownDelivery
    waiting = [one for one in state.corrections if one.taken_up_at is None]
    if not waiting or waiting[-1].number != command.seen:
        raise NotAsSeen
    taken = tuple(
        one if one.taken_up_at else replace(one, taken_up_at=ctx.now, taken_up_by=command.actor)
        for one in state.corrections
    )
    by_hand = ByHand(command.actor, "corrections_taken_up", command.why.value)
    return Decision(state=replace(state, corrections=taken), answer={"corrections": len(waiting)}, by_hand=by_hand)


def _the_delivery(
    state: Registration | None, command: StaffAct, *states: DeliveryState
) -> tuple[Registration, Delivery]:
    delivery = state.deliveries.get(command.delivery_id) if state else None
    if state is None or delivery is None or state.county != command.county:
        raise UnknownDelivery
    if delivery.state not in states:
        raise NotInThatState
    return state, delivery


def _the_package(
    state: Registration | None, command: StaffAct, *states: DeliveryState
) -> tuple[Registration, Delivery, Package]:
    registration, delivery = _the_delivery(state, command, *states)
    if delivery.package is None:
        raise NotInThatState
    return registration, delivery, delivery.package
