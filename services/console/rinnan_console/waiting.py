"""What waits for people of the county: packages, doubts, and corrections that nobody has told."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer

from rinnan_console import showing, terminal
from rinnan_console.asking import Asking
from rinnan_console.installation import NotUsable
from rinnan_console.terminal import AsJson

TOLD = "told_the_destination"
"""Why corrections are taken up, in the ledger's word."""

packages = typer.Typer(rich_markup_mode=None)
attention = typer.Typer(rich_markup_mode=None)
corrections = typer.Typer(rich_markup_mode=None)

Registration = Annotated[
    UUID | None, typer.Option(help="The delivery's registration; looked up among the unsettled ones where not given.")
]


class Why(StrEnum):
    """The reasons that the delivery ledger knows: classes, so that no text about anybody is kept."""

    FOUND_THERE = "found_there"
    LOST = "lost"
    NOT_LEGIBLE = "not_legible"
    WRONG_PLACE = "wrong_place"
    WAS_NOT_KEYED_IN = "was_not_keyed_in"
    WAS_KEYED_IN = "was_keyed_in"
    MENDED = "mended"


class ActWhy(StrEnum):
    """The reasons that every room knows for an act of an operator."""

    FAULT_MENDED = "fault_mended"
    SAID_ANEW = "said_anew"
    SENDER_ASKED = "sender_asked"
    DUPLICATE = "duplicate"
    HARMLESS = "looked_at_and_harmless"
    TO_SEE = "tried_to_see"
    SEE_TICKET = "see_ticket"


class Doubt(StrEnum):
    """What intake leaves to a person."""

    PERSONS_CONTRADICT = "persons_contradict"
    CAME_BACK_AFTER_COMPLETION = "came_back_after_completion"
    HEARD_AFTER_ENDING = "heard_after_ending"
    CHANGED_AFTER_COMPLETION = "changed_after_completion"
    UNSETTLED_AT_PURGE = "unsettled_at_purge"


WhyClass = Annotated[Why, typer.Option("--reason", help="Why the ordinary way is left.")]


@packages.callback()
def list_packages(
    ctx: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every delivery that is not over, not only packages.")] = False,
    json: AsJson = False,
) -> None:
    """List the packages that wait for people. The most urgent promise first; a sub-command acts on one."""
    if ctx.invoked_subcommand is not None:
        return
    wanted = {} if every else {"state": ["prepared", "released", "keyed_in", "conflict"]}
    told = terminal.ask(ctx, lambda rooms: rooms.get("record_export", "/deliveries", most=500, **wanted))
    if json:
        showing.as_json(told)
        return
    columns = {"delivery": "delivery_id", "to": "destination", "state": "state", "note": "note", "contact by": "by"}
    rows = [{**each, "by": each["contact_by"], "note": _note(each)} for each in told]
    nothing = "Every delivery is over." if every else "No packages wait."
    showing.table(columns | {"registration": "registration_id"}, rows, nothing)


@packages.command("release")
def release_package(
    ctx: typer.Context, delivery: UUID, *, registration: Registration = None, json: AsJson = False
) -> None:
    """Hand a prepared package to the people who key in."""
    _move(ctx, delivery, registration, "release", json=json)


@packages.command("keyed-in")
def keyed_in(ctx: typer.Context, delivery: UUID, *, registration: Registration = None, json: AsJson = False) -> None:
    """Say that the package was keyed in."""
    _move(ctx, delivery, registration, "keyed-in", json=json)


@packages.command("verified")
def verified(ctx: typer.Context, delivery: UUID, *, registration: Registration = None, json: AsJson = False) -> None:
    """Say that what was keyed in was checked. Whoever keyed it in cannot do this."""
    _move(ctx, delivery, registration, "verified", json=json)


@packages.command("not-keyed-in")
def not_keyed_in(
    ctx: typer.Context, delivery: UUID, *, reason: WhyClass, registration: Registration = None, json: AsJson = False
) -> None:
    """Say that the package was not keyed in. The system is then searched before anything is written."""
    _move(ctx, delivery, registration, "not-keyed-in", {"why": reason}, json=json)


@packages.command("recall-confirmed")
def recall_confirmed(
    ctx: typer.Context, delivery: UUID, *, reason: WhyClass, registration: Registration = None, json: AsJson = False
) -> None:
    """Say that a recalled package was taken back. Nobody has keyed it in."""
    _move(ctx, delivery, registration, "recall-confirmed", {"why": reason}, json=json)


@packages.command("conflict-settled")
def conflict_settled(
    ctx: typer.Context,
    delivery: UUID,
    *,
    on_paper: Annotated[bool, typer.Option("--on-paper/--in-the-system", help="Where the one record stands.")],
    reason: WhyClass,
    registration: Registration = None,
    json: AsJson = False,
) -> None:
    """Settle a conflict by saying where the one record stands. Look in both places first."""
    _move(ctx, delivery, registration, "conflict-settled", {"why": reason, "on_paper": on_paper}, json=json)


@packages.command("try-again")
def try_again(
    ctx: typer.Context, delivery: UUID, *, reason: WhyClass, registration: Registration = None, json: AsJson = False
) -> None:
    """Ask the destination again now. For when what kept it from taking the record is mended."""
    _move(ctx, delivery, registration, "try-again", {"why": reason}, json=json)


@attention.callback()
def list_attention(ctx: typer.Context, *, json: AsJson = False) -> None:
    """List the doubts that wait for a person. Oldest first; a sub-command acts on one."""
    if ctx.invoked_subcommand is not None:
        return
    told = sorted(terminal.ask(ctx, lambda rooms: rooms.get("intake", "/attention")), key=lambda row: row["since"])
    columns = {"registration": "registration_id", "since": "since", "doubt": "doubt"}
    terminal.listing((told, []), columns | {"to be delivered": "still_to_be_delivered"}, "Nothing waits.", json=json)


@attention.command("take-up")
def take_up(ctx: typer.Context, registration: UUID, doubt: Doubt, *, json: AsJson = False) -> None:
    """Say that a doubt has been dealt with. What is still to be delivered is delivered instead."""
    told = terminal.ask(ctx, lambda rooms: rooms.post("intake", f"/attention/{registration}/{doubt}"))
    showing.as_json(told) if json else showing.say(f"Taken up: {told['doubt']}.")


@attention.command("deliver")
def deliver(ctx: typer.Context, registration: UUID, *, json: AsJson = False) -> None:
    """Deliver what was heard after the ending. Both parents completed it in time; they are shown no change."""
    path = f"/attention/{registration}/{Doubt.HEARD_AFTER_ENDING}/delivery"
    told = terminal.ask(ctx, lambda rooms: rooms.post("intake", path))
    showing.as_json(told) if json else showing.say("It will be delivered.")


@corrections.callback()
def list_corrections(ctx: typer.Context, *, json: AsJson = False) -> None:
    """List the corrections that nobody has told yet. What changed after a record went out, oldest first."""
    if ctx.invoked_subcommand is not None:
        return
    told = sorted(
        terminal.ask(ctx, lambda rooms: rooms.get("record_export", "/corrections")), key=lambda row: row["heard_at"]
    )
    columns = {"registration": "registration_id", "number": "number", "at": "heard_at", "parent": "party_id"}
    terminal.listing((told, []), columns | {"what": "what"}, "No corrections wait.", json=json)


@corrections.command("taken-up")
def taken_up(
    ctx: typer.Context,
    registration: UUID,
    *,
    seen: Annotated[int, typer.Option(help="The number of the newest one that was told.")],
    json: AsJson = False,
) -> None:
    """Say that the destination was told of every correction. Refused where more have come since."""
    path, body = f"/registrations/{registration}/corrections/taken-up", {"why": TOLD, "seen": seen}
    told = terminal.ask(ctx, lambda rooms: rooms.post("record_export", path, body))
    showing.as_json(told) if json else showing.say(f"Taken up: {told['corrections']}.")


def _move(
    ctx: typer.Context, delivery: UUID, registration: UUID | None, verb: str, body: Any = None, *, json: bool
) -> None:
    async def move(rooms: Asking) -> Any:
        subject = registration or await _registration_of(rooms, delivery)
        return await rooms.post("record_export", f"/registrations/{subject}/deliveries/{delivery}/{verb}", body)

    told = terminal.ask(ctx, move)
    if json:
        showing.as_json(told)
    else:
        showing.say(f"{told['delivery_id']} is now {told['state']}.")


async def _registration_of(rooms: Asking, delivery: UUID) -> str:
    for each in await rooms.get("record_export", "/deliveries", most=500):
        if each["delivery_id"] == str(delivery):
            return each["registration_id"]
    raise NotUsable(f"{delivery} is not among the unsettled deliveries; give --registration.")


def _note(delivery: dict[str, Any]) -> str:
    package = delivery["package"] or {}
    said = [
        word
        for word, is_so in (
            ("DOUBLED", delivery["doubled"]),
            ("take back", package.get("recalled_at")),
            ("look first", package.get("look_first")),
        )
        if is_so
    ]
    return ", ".join(said)
