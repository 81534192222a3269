"""Every room as its own `app.py` wires it, with throw-away settings: nothing is opened, and nothing is reached."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
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
from rinnan_chassis.settings import PREFIX, FromEnvironment
from rinnan_chassis.topics import Topics
from rinnan_chassis.web import Doors
from rinnan_chassis.web.operations import operations_routes
from rinnan_events import Event, Group, events
from rinnan_profiles import County, Destination, Profiles, load

NOBODY: Any = cast("Any", None)
"""Stands where a running room has its database and keyring."""


@dataclass(frozen=True, slots=True)
class Wired:
    """One room: what `topics.toml` calls it, where it lives, and what it says, hears and answers.

    Most are one process. An adapter host is another one at each destination, and is told here as all that it can be.
    """

    role: str
    home: Path
    rooms: Sequence[Room[Any]]
    own_routes: Sequence[APIRouter]
    common_routes: Sequence[APIRouter]

    @property
    def hears(self) -> frozenset[str]:
        """The types of the events that it has a decider for, and all of the topics that it hears whole."""
        whole = {kind for kind, event in events().items() if event.topic in self.whole_topics}
        return frozenset(whole.union(*(room.handlers.heard for room in self.rooms)))

    @property
    def whole_topics(self) -> frozenset[str]:
        """The topics of which it hears whatever is said."""
        return frozenset[str]().union(*(room.topics for room in self.rooms))

    @property
    def says(self) -> Sequence[type[Event]]:
        return self.rooms[0].says

    @property
    def opens(self) -> frozenset[Group]:
        return self.rooms[0].opens


def homes(root: Path) -> Sequence[Path]:
    """The package folder of every room in the tree: whatever has an `app.py`."""
    services = root / "services"
    found = [*services.glob("*/rinnan_*/app.py"), *services.glob("adapters/*/rinnan_*/app.py")]
    return sorted(file.parent for file in found)


def wired(root: Path, party_key: OKPKey | None = None) -> Sequence[Wired]:
    """All rooms, each built by its own `app.py`. Raises: SettingsRefused where a room asks for more."""
    with TemporaryDirectory() as folder:
        throw_away = _settings(root, Path(folder), party_key or OKPKey.generate_key("Ed25519"))
        return [_wired(root, home, throw_away) for home in homes(root)]


def _wired(root: Path, home: Path, throw_away: Mapping[str, Any]) -> Wired:
    built = list(_built(root, home.name, throw_away))
    topics = Topics.load(root / "contracts" / "topics.toml")
    desks = [_desk(room, topics) for room in built]
    doors = Doors()
    own = [list(room.routes(desk, doors)) for room, desk in zip(built, desks, strict=True)]
    common = [operations_routes(Operations(desks[0].batches), doors)]
    return Wired(built[0].role, home.parent, built, max(own, key=len), common)


def _built(root: Path, package: str, throw_away: Mapping[str, Any]) -> Iterator[Room[Any]]:
    settings, app = (importlib.import_module(f"{package}.{name}") for name in ("settings", "app"))
    if not hasattr(settings, "read_settings"):
        with _environment({}):
            yield app.room(settings.Settings.read(**_known(settings.Settings, throw_away)))
        return
    for county, destination in _one_of_each_kind(load(root / "contracts", root / "deploy" / "counties")):
        given = _known(settings.HostSettings, throw_away) | {"county": county.code, "destination": destination.name}
        if destination.base_url:
            given[destination.base_url] = "http://127.0.0.1:1"
        with _environment(given):
            yield app.room(*settings.read_settings())


def _one_of_each_kind(profiles: Profiles) -> Iterator[tuple[County, Destination]]:
    """One destination that is written to, and one for which packages are rendered: a host is different at each."""
    seen: set[bool] = set()
    for county in profiles.counties.values():
        for destination in county.destinations:
            if destination.capabilities.renders not in seen:
                seen.add(destination.capabilities.renders)
                yield county, destination


def _desk(room: Room[Any], topics: Topics) -> Desk[Any]:
    batches = Batches(
        room.name, room.speaker, room.role, room.handlers, NOBODY, NOBODY, topics, SystemClock(), room.reference
    )
    return Desk(batches, b"")


def _known(kind: type[FromEnvironment], throw_away: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in throw_away.items() if name in kind.model_fields}


def _settings(root: Path, folder: Path, party_key: OKPKey) -> dict[str, Any]:
    """Values for every setting that any room demands. Each room takes those that it knows."""
    key = folder / "party_key.json"
    key.write_text(json.dumps(party_key.as_dict(private=True)), "utf-8")
    pepper = folder / "pepper"
    pepper.write_text("A" * 44, "utf-8")
    return {
        "database_url": "postgresql://nobody@127.0.0.1/nowhere",
        "kafka_servers": "127.0.0.1:1",
        "http_port": 0,
        "health_port": 0,
        "topics_file": root / "contracts" / "topics.toml",
        "contracts_dir": root / "contracts",
        "counties_dir": root / "deploy" / "counties",
        "party_key_file": key,
        "identity_pepper_file": pepper,
        "code_pepper": "A" * 32,
        "portal_address": "http://127.0.0.1",
        "mail_host": "127.0.0.1",
        "mail_sender": "nobody@example.org",
    }


@contextmanager
def _environment(settings: Mapping[str, Any]) -> Generator[None]:
    """Only these settings are in the environment: what is generated must not depend on who generates it."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.upper().startswith(PREFIX)}
    given = {f"{PREFIX}{name}".upper(): str(value) for name, value in settings.items()}
    os.environ.update(given)
    try:
        yield
    finally:
        for name in given:
            os.environ.pop(name)
        os.environ.update(kept)
