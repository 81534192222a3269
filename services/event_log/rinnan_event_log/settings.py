"""What event_log reads from its environment besides what every room reads."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from rinnan_chassis.settings import Settings as RoomSettings


class Settings(RoomSettings):
    """The log's settings. How long sealed bodies are kept is not here: as long as their topic keeps them."""

    entries_kept_days: int = Field(
        4383,
        ge=400,
        description="Days that ids, types and times are kept; longer than any topic retains. By default twelve years.",
    )

    def entries_kept(self) -> timedelta:
        """How long an entry is kept."""
        return timedelta(days=self.entries_kept_days)
