"""What an operator can see and do. Exit code 0: done; 1: refused; 2: not usable, or no answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import httpx
import typer

from rinnan_console import showing
from rinnan_console.asking import TIMEOUT, Asking, Refused, Unreachable, sign_in
from rinnan_console.installation import INSTALLATION, Installation, NotUsable

T = TypeVar("T")
REFUSED, NOT_DONE = 1, 2
LANGUAGES = ("fi", "sv", "en")
TOLD = "told_the_destination"
"""The one reason of the ledger's why corrections are taken up."""

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)
packages = typer.Typer(rich_markup_mode=None)
app.add_typer(packages, name="packages", invoke_without_command=True)
attention = typer.Typer(rich_markup_mode=None)
app.add_typer(attention, name="attention", invoke_without_command=True)
corrections = typer.Typer(rich_markup_mode=None)
app.add_typer(corrections, name="corrections", invoke_without_command=True)

AsJson = Annotated[bool, typer.Option("--json", help="The answer itself, for programs.")]
Room = Annotated[str, typer.Option(help="Which service or adapter host, as `held` and `dead-letters` name it.")]
Reason = Annotated[str, typer.Option(help="Why, in your own words; kept with the act. Nothing personal.")]
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


class Doubt(StrEnum):
    """What intake leaves to a person."""

    PERSONS_CONTRADICT = "persons_contradict"
    CAME_BACK_AFTER_COMPLETION = "came_back_after_completion"
    HEARD_AFTER_ENDING = "heard_after_ending"
    CHANGED_AFTER_COMPLETION = "changed_after_completion"
    UNSETTLED_AT_PURGE = "unsettled_at_purge"


WhyClass = Annotated[Why, typer.Option("--reason", help="Why the ordinary way is left.")]


@dataclass(slots=True)
class Surroundings:
    """What a command works with. `client` makes the way to the rooms."""

    client: Callable[[], httpx.AsyncClient]
    file: Path | None = None


def main() -> None:
    """The command's entry point."""
    app()


@app.callback()
def rinnan(
    ctx: typer.Context,
    installation: Annotated[
        Path | None, typer.Option(help=f"File of addresses; else {INSTALLATION}, else the local stack's.")
    ] = None,
) -> None:
    """See and mend what happens to registrations, by ids, types and times alone."""
    ctx.obj = ctx.obj or Surroundings(lambda: httpx.AsyncClient(timeout=TIMEOUT))
    ctx.obj.file = installation


@app.command()
def life(ctx: typer.Context, registration: UUID, *, json: AsJson = False) -> None:
    """Tell the whole life of a registration."""
    told = _ask(ctx, lambda rooms: rooms.get("event_log", f"/registrations/{registration}/life"))
    showing.as_json(told) if json else showing.life(told)


@app.command()
def looks(ctx: typer.Context, registration: UUID, *, json: AsJson = False) -> None:
    """List which staff have looked.

    Covers the registration's life and its documents, newest first; this counts as a look too.
    """

    async def ask(rooms: Asking) -> tuple[list[dict[str, Any]], list[Refused | Unreachable]]:
        rows, silent = await rooms.everybody(f"/registrations/{registration}/looks", ["event_log"])
        if silent:
            raise silent[0]
        told = await rooms.get("event_log", f"/registrations/{registration}/life")
        for delivery in told["deliveries"]:
            more, without = await rooms.everybody(f"/deliveries/{delivery['delivery_id']}/looks", rooms.hosts)
            rows += more
            silent += [each for each in without if isinstance(each, Unreachable)]
        return sorted(rows, key=lambda row: row["at"], reverse=True), silent

    columns = {"at": "at", "who": "actor", "what": "what", "document": "document_id", "room": "room"}
    _rows(_ask(ctx, ask), columns, "Nobody has looked.", json=json)


@app.command()
def verify(
    ctx: typer.Context,
    anchor: Annotated[
        list[str] | None, typer.Option(help="<position>:<hash>, an anchor that was kept elsewhere; again for each.")
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """Prove that the log was not edited. Walks its whole chain; exit code 1 where it was edited."""
    told = _ask(ctx, lambda rooms: rooms.get("event_log", "/verification", anchor=anchor or []))
    if json:
        showing.as_json(told)
    elif told["whole"]:
        showing.say(f"Whole: {told['entries']} entries. Keep elsewhere: {told['position']}:{told['hash']}")
    else:
        showing.say(f"Broken at {told['broken_at']}: {told['fault']}.")
    if told["begins_after"] and not json:
        first = showing.cell(told["begins_at"])
        showing.say(f"Entries up to {told['begins_after']} are forgotten; the first one kept was heard {first}.")
    if not told["whole"]:
        raise typer.Exit(REFUSED)


@app.command()
def held(ctx: typer.Context, *, json: AsJson = False) -> None:
    """List the registrations that are held. A service hears nothing further of them until they are released."""
    columns = {
        "room": "room",
        "subject": "subject",
        "since": "held_at",
        "parked": "parked",
        "letters": "dead_letters",
        "stuck": "stuck",
    }
    _everybody(ctx, "/operations/held", "held_at", columns, "Nothing is held.", json=json)


@app.command("dead-letters")
def dead_letters(ctx: typer.Context, *, json: AsJson = False) -> None:
    """List the messages that were set aside and still wait."""
    columns = {
        "room": "room",
        "letter": "id",
        "since": "set_aside_at",
        "type": "type",
        "reason": "reason",
        "subject": "subject",
    }
    _everybody(ctx, "/operations/dead-letters", "set_aside_at", columns, "No dead letters.", json=json)


@app.command()
def release(ctx: typer.Context, subject: UUID, *, room: Room, reason: Reason, json: AsJson = False) -> None:
    """Let a held registration go on. What was parked is heard; what was set aside stays set aside."""
    _mend(ctx, room, f"/operations/held/{subject}/release", reason, json=json)


@app.command()
def redrive(ctx: typer.Context, letter: UUID, *, room: Room, reason: Reason, json: AsJson = False) -> None:
    """Decide on a dead letter again. Then its registration goes on with what was parked."""
    _mend(ctx, room, f"/operations/dead-letters/{letter}/redrive", reason, json=json)


@app.command()
def discard(ctx: typer.Context, letter: UUID, *, room: Room, reason: Reason, json: AsJson = False) -> None:
    """Settle a dead letter without deciding on it. Its registration stays held until it is released."""
    _mend(ctx, room, f"/operations/dead-letters/{letter}/discard", reason, json=json)


@app.command()
def acts(ctx: typer.Context, subject: UUID, *, json: AsJson = False) -> None:
    """List what people did, by whom and why. To a registration, a dead letter or a delivery; oldest first."""
    columns = {"at": "done_at", "who": "by", "what": "verb", "why": "why", "on": "thing", "room": "room"}
    _everybody(ctx, f"/operations/acts/{subject}", "done_at", columns, "Nothing was done.", json=json)


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
    told = _ask(ctx, lambda rooms: rooms.get("record_export", "/deliveries", most=500, **wanted))
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
    told = sorted(_ask(ctx, lambda rooms: rooms.get("intake", "/attention")), key=lambda row: row["since"])
    columns = {"registration": "registration_id", "since": "since", "doubt": "doubt"}
    _rows((told, []), columns | {"to be delivered": "still_to_be_delivered"}, "Nothing waits.", json=json)


@attention.command("take-up")
def take_up(ctx: typer.Context, registration: UUID, doubt: Doubt, *, json: AsJson = False) -> None:
    """Say that a doubt has been dealt with. What is still to be delivered is delivered instead."""
    told = _ask(ctx, lambda rooms: rooms.post("intake", f"/attention/{registration}/{doubt}"))
    showing.as_json(told) if json else showing.say(f"Taken up: {told['doubt']}.")


@attention.command("deliver")
def deliver(ctx: typer.Context, registration: UUID, *, json: AsJson = False) -> None:
    """Deliver what was heard after the ending. Both parents completed it in time; they are shown no change."""
    path = f"/attention/{registration}/{Doubt.HEARD_AFTER_ENDING}/delivery"
    told = _ask(ctx, lambda rooms: rooms.post("intake", path))
    showing.as_json(told) if json else showing.say("It will be delivered.")


@corrections.callback()
def list_corrections(ctx: typer.Context, *, json: AsJson = False) -> None:
    """List the corrections that nobody has told yet. What changed after a record went out, oldest first."""
    if ctx.invoked_subcommand is not None:
        return
    told = sorted(_ask(ctx, lambda rooms: rooms.get("record_export", "/corrections")), key=lambda row: row["heard_at"])
    columns = {"registration": "registration_id", "number": "number", "at": "heard_at", "parent": "party_id"}
    _rows((told, []), columns | {"what": "what"}, "No corrections wait.", json=json)


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
    told = _ask(ctx, lambda rooms: rooms.post("record_export", path, body))
    showing.as_json(told) if json else showing.say(f"Taken up: {told['corrections']}.")


@app.command("sign-in")
def sign_in_locally(
    ctx: typer.Context,
    person: Annotated[str, typer.Option("--as", help="A member of staff of deploy/local/staff.toml.")],
) -> None:
    """Sign in to the local stack. Prints a token for RINNAN_STAFF_TOKEN, for an hour."""

    async def ask(surroundings: Surroundings) -> str:
        provider = Installation.find(surroundings.file).identity_provider
        if provider is None:
            raise NotUsable("This installation has no development sign-in.")
        async with surroundings.client() as client:
            return await sign_in(client, provider, person)

    showing.console().file.write(_run(ask(ctx.obj)) + "\n")


def _everybody(
    ctx: typer.Context, path: str, oldest: str, columns: dict[str, str], nothing: str, *, json: bool
) -> None:
    rows, silent = _ask(ctx, lambda rooms: rooms.everybody(path))
    rows.sort(key=lambda row: row[oldest])
    _rows((rows, silent), columns, nothing, json=json)


def _rows(
    told: tuple[list[dict[str, Any]], list[Refused | Unreachable]],
    columns: dict[str, str],
    nothing: str,
    *,
    json: bool,
) -> None:
    """The rows, then on standard error whoever did not answer."""
    rows, silent = told
    if json:
        showing.as_json(rows)
    elif rows or not silent:
        showing.table(columns, rows, nothing)
    for each in silent:
        typer.echo(showing.plain(str(each)), err=True)
    if silent:
        raise typer.Exit(NOT_DONE if any(isinstance(each, Unreachable) for each in silent) else REFUSED)


def _mend(ctx: typer.Context, room: str, path: str, reason: str, *, json: bool) -> None:
    told = _ask(ctx, lambda rooms: rooms.post(room, path, {"reason": reason}))
    if json:
        showing.as_json(told)
    elif "heard" in told:
        showing.say("Heard again: " + ", ".join(told["heard"]) + "." if told["heard"] else "Nothing was waiting.")
    else:
        showing.say("Discarded.")
    if "set_aside" in told.get("heard", ()):
        typer.echo("It was set aside again.", err=True)
        raise typer.Exit(REFUSED)


def _move(
    ctx: typer.Context, delivery: UUID, registration: UUID | None, verb: str, body: Any = None, *, json: bool
) -> None:
    async def move(rooms: Asking) -> Any:
        subject = registration or await _registration_of(rooms, delivery)
        return await rooms.post("record_export", f"/registrations/{subject}/deliveries/{delivery}/{verb}", body)

    told = _ask(ctx, move)
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


def _ask(ctx: typer.Context, question: Callable[[Asking], Awaitable[T]]) -> T:
    """Ask the rooms, and say in one line where it cannot be done."""

    async def ask(surroundings: Surroundings) -> T:
        installation = Installation.find(surroundings.file)
        token = installation.token()
        async with surroundings.client() as client:
            hosts = tuple(installation.hosts)
            return await question(Asking(client, installation.everybody, token, _language(), hosts))

    return _run(ask(ctx.obj))


def _run(asked: Awaitable[T]) -> T:
    async def wait() -> T:
        return await asked

    try:
        return asyncio.run(wait())
    except Refused as no:
        typer.echo(showing.plain(str(no)), err=True)
        raise typer.Exit(REFUSED) from None
    except (Unreachable, NotUsable) as why:
        typer.echo(showing.plain(str(why)), err=True)
        raise typer.Exit(NOT_DONE) from None


def _language() -> str:
    """The language of the terminal, where Rinnan speaks it; else English."""
    told = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return told[:2] if told[:2] in LANGUAGES else "en"
