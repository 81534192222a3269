"""Where an installation is reached, and the token that says who asks."""

from __future__ import annotations

import base64
import json
import os
import shlex
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

INSTALLATION = "RINNAN_INSTALLATION"
TOKEN = "RINNAN_STAFF_TOKEN"  # noqa: S105 - the variable's name
TOKEN_COMMAND = "RINNAN_STAFF_TOKEN_COMMAND"  # noqa: S105 - the variable's name
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class NotUsable(Exception):  # noqa: N818 - a state of the surroundings
    """What the command needs to begin is missing: it says what."""


class Installation(BaseModel):
    """The addresses of a running installation, as its file tells them. Nothing in it is secret."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rooms: Mapping[str, str]
    hosts: Mapping[str, str] = {}
    identity_provider: str | None = None
    token_command: str | None = None
    was_found: bool = Field(default=False, exclude=True, description="Not named by anybody: see `find`.")

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
            raise NotUsable(f"{path} is not a file of addresses (wrong: {places}).") from None

    @classmethod
    def find(cls, given: Path | None) -> Installation:
        """The installation that was named, else that of the local stack that was started last in this folder.

        What was only found is believed less: the file must be this user's alone, it leads to this machine only, its
        command is not run, and no token goes there but one of its own development sign-in. Raises: NotUsable.
        """
        if given is not None:
            return cls.read(given)
        if named := os.environ.get(INSTALLATION):
            return cls.read(Path(named))
        found = sorted(Path("var").glob("*/addresses.json"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise NotUsable(f"No installation: give --installation, set {INSTALLATION}, or start the local stack here.")
        newest = found[-1]
        installation = cls.read(newest)
        if not (_is_ours_alone(newest) and installation.is_local):
            raise NotUsable(
                f"{newest} is ignored: others could have written it, or it names another machine. Give --installation."
            )
        return installation.model_copy(update={"token_command": None, "was_found": True})

    @property
    def is_local(self) -> bool:
        """Whether every address is on this machine."""
        told = [*self.everybody.values(), *filter(None, [self.identity_provider])]
        try:
            return all(urlsplit(address).hostname in _LOOPBACK for address in told)
        except ValueError:
            return False

    def token(self) -> str:
        """Who asks: from the environment, else from the command that fetches a token. Raises: NotUsable."""
        token = os.environ.get(TOKEN) or self._fetched()
        token = token.strip()
        if self.was_found and not self._signed_in(token):
            raise NotUsable(
                f"The staff token comes from another sign-in than the local stack's. "
                f"Say where it may be sent: --installation or {INSTALLATION}."
            )
        return token

    def _fetched(self) -> str:
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
        return told.stdout

    def _signed_in(self, token: str) -> bool:
        """Whether a token says that it is of this installation's own sign-in. Only rooms can tell whether it is."""
        try:
            claims = token.split(".")[1]
            issuer = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iss"]
        except (IndexError, ValueError, KeyError, TypeError):
            return False
        return self.identity_provider is not None and str(issuer).startswith(f"{self.identity_provider}/")


def _is_ours_alone(file: Path) -> bool:
    """Whether the file and the two folders that it stands in are this user's, and nobody else can write into them.

    The group may write the outer one: what it puts there is not this user's, and is passed over.
    """
    found = [path.lstat() for path in (file, file.parent, file.parent.parent)]
    writable = [each.st_mode & shut for each, shut in zip(found, (0o022, 0o022, 0o002), strict=True)]
    return not any(writable) and all(each.st_uid == os.getuid() and not stat.S_ISLNK(each.st_mode) for each in found)
