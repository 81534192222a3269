"""How a simulated server behaves towards writes, as the admin API sets it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, le=3600)]


class Mood(StrEnum):
    """What a write meets."""

    WELL = "well"
    REFUSES = "refuses"
    """422: read, found wrong, nothing stored."""
    DOWN = "down"
    """503 with Retry-After, to reads too: nothing read, nothing stored."""
    CUTS = "cuts"
    """The line is cut in the middle of the answer; whether it was stored says `effect`."""
    CONFLICTS = "conflicts"
    """409: lost a race with an equal write, nothing stored."""
    AMBIGUOUS = "ambiguous"
    """412: several match, nothing stored."""
    HALF_DONE = "half_done"
    """A server whose transactions are none: the first half of the entries stays, then 500."""
    DOUBLES = "doubles"
    """A server that breaks its word: it stores the write twice and says 201."""


class Behaviour(BaseModel):
    """How one server behaves.

    A write waits `effect_after_seconds`, takes effect, waits `answer_after_seconds`, and is answered. With `effect`
    false it never takes effect, though it is answered as if. `writes`: only the next so many writes, then the server is
    well again; None: until told otherwise. `keeps_bodies`: what arrives is kept for `/admin/bodies`. `validates` false:
    bodies are believed, for measurements of what is not this simulator.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mood: Mood = Mood.WELL
    effect: bool = True
    effect_after_seconds: Seconds = 0
    answer_after_seconds: Seconds = 0
    writes: Annotated[int, Field(ge=1)] | None = None
    keeps_bodies: bool = False
    validates: bool = True


class Behaviours:
    """The behaviour of every named server; one that was told nothing is well."""

    def __init__(self) -> None:
        self._told: dict[str, Behaviour] = {}

    def tell(self, server: str, behaviour: Behaviour) -> None:
        """Set a server's behaviour."""
        self._told[server] = behaviour

    def of(self, server: str) -> Behaviour:
        """How a server behaves now."""
        return self._told.get(server, Behaviour())

    def at_a_write(self, server: str) -> Behaviour:
        """How a server meets this write; it counts towards `writes`."""
        now = self.of(server)
        if now.writes == 1:
            self._told[server] = Behaviour(keeps_bodies=now.keeps_bodies, validates=now.validates)
        elif now.writes:
            self._told[server] = now.model_copy(update={"writes": now.writes - 1})
        return now

    def all(self) -> dict[str, Behaviour]:
        """Every server that was told something."""
        return dict(self._told)
