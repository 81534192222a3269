"""What intake reads from its environment besides what every room reads."""

from __future__ import annotations

import base64
from pathlib import Path

from pydantic import Field

from rinnan_chassis.settings import Settings as RoomSettings
from rinnan_chassis.settings import SettingsRefused

SHORTEST_PEPPER = 32


class Settings(RoomSettings):
    """Intake's settings. Both files are secrets; the pepper must outlive every open registration."""

    party_key_file: Path = Field(description="The private Ed25519 key (JWK) that party tokens are signed with.")
    identity_pepper_file: Path = Field(description="Base64 of at least 32 random bytes; it keys the hashes of persons.")

    def identity_pepper(self) -> bytes:
        """The key of the hashes of persons. Raises: SettingsRefused when it is unreadable or short."""
        try:
            pepper = base64.b64decode(self.identity_pepper_file.read_bytes().strip(), validate=True)
        except (OSError, ValueError):
            raise SettingsRefused("RINNAN_IDENTITY_PEPPER_FILE: is not a readable file of base64") from None
        if len(pepper) < SHORTEST_PEPPER:
            raise SettingsRefused("RINNAN_IDENTITY_PEPPER_FILE: holds less than 32 bytes")
        return pepper
