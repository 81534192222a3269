"""What every command stands on: how it asks, and how it shows an answer, a refusal and silence."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer

from rinnan_console import showing
from rinnan_console.asking import Asking, Refused, Unreachable
from rinnan_console.installation import Installation, NotUsable

T = TypeVar("T")
REFUSED, NOT_DONE = 1, 2
LANGUAGES = ("fi", "sv", "en")

AsJson = Annotated[bool, typer.Option("--json", help="The answer itself, for programs.")]


@dataclass(slots=True)
class Surroundings:
    """What a command works with. `client` makes the way to the rooms."""

    client: Callable[[], httpx.AsyncClient]
    file: Path | None = None


def listing(
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


def ask(ctx: typer.Context, question: Callable[[Asking], Awaitable[T]]) -> T:
    """Ask the rooms, and say in one line where it cannot be done."""

    async def wait(surroundings: Surroundings) -> T:
        installation = Installation.find(surroundings.file)
        token = installation.token()
        async with surroundings.client() as client:
            hosts = tuple(installation.hosts)
            return await question(Asking(client, installation.everybody, token, _language(), hosts))

    return run(wait(ctx.obj))


def run(asked: Awaitable[T]) -> T:
    """The answer; where there is none, why not in one line, and the exit code that says it."""

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
