"""What an operator can see and do. Exit code 0: done; 1: refused; 2: not usable, or no answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx
import typer

from rinnan_console import showing, terminal
from rinnan_console.asking import TIMEOUT, Asking, Refused, Unreachable, sign_in
from rinnan_console.installation import INSTALLATION, Installation, NotUsable
from rinnan_console.terminal import REFUSED, AsJson, Surroundings
from rinnan_console.waiting import ActWhy, attention, corrections, packages

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)
for name, those in (("packages", packages), ("attention", attention), ("corrections", corrections)):
    app.add_typer(those, name=name, invoke_without_command=True)

Room = Annotated[str, typer.Option(help="Which service or adapter host, as `held` and `dead-letters` name it.")]
Reason = Annotated[ActWhy, typer.Option(help="Why; kept with the act.")]
Ticket = Annotated[str | None, typer.Option(help="Where more is told, such as ICT-4711; `see_ticket` needs it.")]


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
    told = terminal.ask(ctx, lambda rooms: rooms.get("event_log", f"/registrations/{registration}/life"))
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
    terminal.listing(terminal.ask(ctx, ask), columns, "Nobody has looked.", json=json)


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
    told = terminal.ask(ctx, lambda rooms: rooms.get("event_log", "/verification", anchor=anchor or []))
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
def release(
    ctx: typer.Context, subject: UUID, *, room: Room, reason: Reason, ticket: Ticket = None, json: AsJson = False
) -> None:
    """Let a held registration go on. What was parked is heard; what was set aside stays set aside."""
    _mend(ctx, room, f"/operations/held/{subject}/release", reason, ticket, json=json)


@app.command()
def redrive(
    ctx: typer.Context, letter: UUID, *, room: Room, reason: Reason, ticket: Ticket = None, json: AsJson = False
) -> None:
    """Decide on a dead letter again. Then its registration goes on with what was parked."""
    _mend(ctx, room, f"/operations/dead-letters/{letter}/redrive", reason, ticket, json=json)


@app.command()
def discard(
    ctx: typer.Context, letter: UUID, *, room: Room, reason: Reason, ticket: Ticket = None, json: AsJson = False
) -> None:
    """Settle a dead letter without deciding on it. Its registration stays held until it is released."""
    _mend(ctx, room, f"/operations/dead-letters/{letter}/discard", reason, ticket, json=json)


@app.command()
def acts(ctx: typer.Context, subject: UUID, *, json: AsJson = False) -> None:
    """List what people did, by whom and why. To a registration, a dead letter or a delivery; oldest first."""
    columns = {"at": "done_at", "who": "by", "what": "verb", "why": "why", "on": "thing", "room": "room"}
    _everybody(ctx, f"/operations/acts/{subject}", "done_at", columns, "Nothing was done.", json=json)


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

    showing.console().file.write(terminal.run(ask(ctx.obj)) + "\n")


def _everybody(
    ctx: typer.Context, path: str, oldest: str, columns: dict[str, str], nothing: str, *, json: bool
) -> None:
    rows, silent = terminal.ask(ctx, lambda rooms: rooms.everybody(path))
    rows.sort(key=lambda row: row[oldest])
    terminal.listing((rows, silent), columns, nothing, json=json)


def _mend(ctx: typer.Context, room: str, path: str, reason: ActWhy, ticket: str | None, *, json: bool) -> None:
    why = {"reason": reason} if ticket is None else {"reason": reason, "ticket": ticket}
    told = terminal.ask(ctx, lambda rooms: rooms.post(room, path, why))
    if json:
        showing.as_json(told)
    elif "heard" in told:
        showing.say("Heard again: " + ", ".join(told["heard"]) + "." if told["heard"] else "Nothing was waiting.")
    else:
        showing.say("Discarded.")
    if "set_aside" in told.get("heard", ()):
        typer.echo("It was set aside again.", err=True)
        raise typer.Exit(REFUSED)
