"""Where an installation is reached, and the token that says who asks."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

INSTALLATION = "RINNAN_INSTALLATION"
TOKEN = "RINNAN_STAFF_TOKEN"  # noqa: S105 - the variable's name
TOKEN_COMMAND = "RINNAN_STAFF_TOKEN_COMMAND"  # noqa: S105 - the variable's name


class NotUsable(Exception):  # noqa: N818 - a state of the surroundings
    """What the command needs to begin is missing: it says what."""


class Installation(BaseModel):
    """The addresses of a running installation, as its file tells them. Nothing in it is secret."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rooms: Mapping[str, str]
    hosts: Mapping[str, str] = {}
    identity_provider: str | None = None
    token_command: str | None = None

    @property
    def everybody(self) -> Mapping[str, str]:
        """Every process that has an operator's API, by name."""
        return {**self.rooms, **self.hosts}

    @classmethod
    def read(cls, path: Path) -> Installation:
        """The installation of a file. Raises: NotUsable."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError:
            raise NotUsable(f"{path} cannot be read.") from None
        except ValidationError as error:
            places = ", ".join(".".join(map(str, fault["loc"])) or "the whole" for fault in error.errors())
            raise NotUsable(f"{path} is no list of addresses (see: {places}).") from None

    @classmethod
    def find(cls, given: Path | None) -> Installation:
        """The installation that was named, else that of the local stack that was started last. Raises: NotUsable."""
        if given is not None:
            return cls.read(given)
        if named := os.environ.get(INSTALLATION):
            return cls.read(Path(named))
        found = sorted(_local_stacks(), key=lambda path: path.stat().st_mtime)
        if not found:
            raise NotUsable(f"No installation: give --installation, set {INSTALLATION}, or start the local stack.")
        return cls.read(found[-1])

    def token(self) -> str:
        """Who asks: from the environment, else from the command that fetches a token. Raises: NotUsable."""
        if token := os.environ.get(TOKEN):
            return token.strip()
        command = os.environ.get(TOKEN_COMMAND) or self.token_command
        if not command:
            raise NotUsable(
                f"No staff token: set {TOKEN} or {TOKEN_COMMAND}. "
                f"On the local stack: export {TOKEN}=$(rinnan sign-in --as <member of staff>)"
            )
        try:
            told = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - the operator's own command
        except (OSError, ValueError, subprocess.SubprocessError):
            raise NotUsable("The command that fetches a staff token failed.") from None
        return told.stdout.strip()


def _local_stacks() -> Iterator[Path]:
    """`var/*/addresses.json` here, or in the nearest folder above that has any."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if found := list(folder.glob("var/*/addresses.json")):
            yield from found
            return
