"""What record_export reads from its environment: what every room reads, and nothing more."""

from __future__ import annotations

from rinnan_chassis.settings import Settings as RoomSettings


class Settings(RoomSettings):
    """Record export's settings."""
