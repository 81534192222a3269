"""Every room as its own `app.py` wires it, with throw-away settings: nothing is opened, and nothing is reached."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from fastapi import APIRouter
from joserfc.jwk import OKPKey

from rinnan_chassis.batch import Batches
from rinnan_chassis.clock import SystemClock
from rinnan_chassis.desk import Desk
from rinnan_chassis.operations import Operations
from rinnan_chassis.room import Room
from rinnan_chassis.settings import PREFIX
from rinnan_chassis.topics import Topics
from rinnan_chassis.web import Doors
from rinnan_chassis.web.health import Pulse, health_routes
from rinnan_chassis.web.operations import operations_routes
from rinnan_contracts.published import events
from rinnan_events import Event
from rinnan_profiles import load

NOBODY: Any = cast("Any", None)
"""Stands where a running room has its database and keyring."""


@dataclass(frozen=True, slots=True)
class Wired:
    """One room: what it is called in `topics.toml`, what it says and hears, and the routes of its API."""

    room: Room[Any]
    own_routes: Sequence[APIRouter]
    common_routes: Sequence[APIRouter]

    @property
    def role(self) -> str:
        return self.room.role or self.room.name

    @property
    def hears(self) -> frozenset[str]:
        """The types of the events that it has a decider for, and all of the topics that it hears whole."""
        whole = (kind for kind, event in events().items() if event.topic in self.room.topics)
        return frozenset(self.room.handlers.heard) | frozenset(whole)

    @property
    def says(self) -> Sequence[type[Event]]:
        return self.room.says


def packages(root: Path) -> Sequence[str]:
    """The packages of all rooms in the tree, by name: whatever has an `app.py`."""
    services = root / "services"
    found = [*services.glob("*/rinnan_*/app.py"), *services.glob("adapters/*/rinnan_*/app.py")]
    return sorted(file.parent.name for file in found if not file.parents[1].name.startswith("_"))


def wired(root: Path) -> Sequence[Wired]:
    """All rooms, each built by its own `room(settings)`. Raises: SettingsRefused where a room asks for more."""
    with TemporaryDirectory() as folder, _no_settings_in_the_environment():
        throw_away = _settings(root, Path(folder))
        return [_wired(root, package, throw_away) for package in packages(root)]


def _wired(root: Path, package: str, throw_away: Mapping[str, Any]) -> Wired:
    kind = importlib.import_module(f"{package}.settings").Settings
    settings = kind.read(**{name: value for name, value in throw_away.items() if name in kind.model_fields})
    room: Room[Any] = importlib.import_module(f"{package}.app").room(settings)
    topics = Topics.load(root / "contracts" / "topics.toml")
    role, speaker = room.role or room.name, room.speaker or room.name
    batches = Batches(
        room.name, speaker, role, room.handlers, NOBODY, NOBODY, topics, SystemClock(), reference=room.reference
    )
    doors = Doors()
    common = [health_routes(Pulse(), NOBODY), operations_routes(Operations(batches), doors)]
    return Wired(room, room.routes(Desk(batches, b""), doors), common)


def _settings(root: Path, folder: Path) -> dict[str, Any]:
    """Values for every setting that any room demands. Each room takes those that it knows."""
    contracts, counties = root / "contracts", root / "deploy" / "counties"
    key = folder / "party_key.json"
    key.write_text(json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True)), "utf-8")
    pepper = folder / "pepper"
    pepper.write_text("A" * 44, "utf-8")
    county = next(iter(load(contracts, counties).counties.values()))
    destination = next(one for one in county.destinations if one.base_url is None)
    return {
        "database_url": "postgresql://nobody@127.0.0.1/nowhere",
        "kafka_servers": "127.0.0.1:1",
        "http_port": 0,
        "topics_file": contracts / "topics.toml",
        "contracts_dir": contracts,
        "counties_dir": counties,
        "party_key_file": key,
        "identity_pepper_file": pepper,
        "code_pepper": "A" * 32,
        "portal_address": "http://127.0.0.1",
        "mail_host": "127.0.0.1",
        "mail_sender": "nobody@example.org",
        "county": county.code,
        "destination": destination.name,
    }


@contextmanager
def _no_settings_in_the_environment() -> Generator[None]:
    """What is generated must not depend on who generates it."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.upper().startswith(PREFIX)}
    try:
        yield
    finally:
        os.environ.update(kept)
