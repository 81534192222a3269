"""The folder of secrets of each login: a room is given its own, and no other's."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from rinnan_chassis.sealing import new_secret
from rinnan_chassis.secret_files import write_secretly
from rinnan_chassis.settings import PREFIX
from rinnan_chassis.topics import Topics
from rinnan_chassis.wrapping import load_wrapping_keys, write_wrapping_keys
from rinnan_events import Group

MASTER_KEYS: Final = "all.wrapping_keys.json"


@dataclass(frozen=True, slots=True)
class Login:
    """One login: a room, or one instance of a room that runs once per destination. Its schema has its name."""

    room: str
    schema: str
    role: str


def write_environments(
    *,
    topics: Topics,
    topics_file: Path,
    wanted: Collection[Login],
    out: Path,
    admin_url: str,
    database: str,
    shared: Mapping[str, str],
) -> dict[str, dict[str, str]]:
    """In each login's folder its password and its wrapping keys: those that stand there, or fresh ones."""
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = held_wrapping_keys(out)
    every = {group: held.get(group) or new_secret() for group in Group}
    write_secretly(out / MASTER_KEYS, write_wrapping_keys(every))
    environments: dict[str, dict[str, str]] = {}
    for login in wanted:
        own = out / login.schema
        own.mkdir(mode=0o700, exist_ok=True)
        keys_file = own / "wrapping_keys.json"
        write_secretly(keys_file, write_wrapping_keys({group: every[group] for group in topics.may_open(login.room)}))
        before = _read_environment(own / "login.env")
        password = password_of(before) if before else secrets.token_urlsafe(24)
        environment = {
            f"{PREFIX}DATABASE_URL": _url(admin_url, login.role, password, database),
            f"{PREFIX}WRAPPING_KEYS_FILE": str(keys_file.resolve()),
            f"{PREFIX}TOPICS_FILE": str(topics_file.resolve()),
            **shared,
        }
        lines = (f"{name}={value}\n" for name, value in environment.items())
        write_secretly(own / "login.env", "".join(lines))
        environments[login.schema] = environment
    return environments


def held_wrapping_keys(out: Path) -> Mapping[Group, bytes]:
    """The wrapping keys of an earlier provisioning."""
    master = out / MASTER_KEYS
    return load_wrapping_keys(master) if master.exists() else {}


def password_of(environment: Mapping[str, str]) -> str:
    """The password that a login's environment gives it."""
    return unquote(urlsplit(environment[f"{PREFIX}DATABASE_URL"]).password or "")


def _url(admin_url: str, role: str, password: str, database: str) -> str:
    admin = urlsplit(admin_url)
    where = admin.netloc.rpartition("@")[2]
    return urlunsplit((admin.scheme, f"{role}:{password}@{where}", f"/{database}", admin.query, ""))


def _read_environment(path: Path) -> dict[str, str]:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line)
