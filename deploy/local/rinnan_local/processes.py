"""The one table of what runs: every process of the local stack, its port, and what its environment says."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from rinnan_local.daemon import Daemon
from rinnan_local.families import FAMILIES
from rinnan_local.keys import ISSUERS, PARTY_KEYS, PUBLIC
from rinnan_local.ports import LOOPBACK, answers, free_port
from rinnan_profiles.county import County, Destination

ROOMS = ("intake", "invitation", "consent", "risk_screening", "record_export", "event_log")
ADAPTER = "adapter"  # what `topics.toml` calls every adapter host: they differ in destination, not in rights

PREFERRED_PORTS = {
    "kafka": 20092,
    "kafka_controller": 20093,
    "postgres": 20432,
    "identity_provider": 20100,
    "mail_catcher": 20101,
    "smtp": 20102,
    "cis_simulator": 20103,
    "portal": 20104,
    **{room: 20110 + place for place, room in enumerate(ROOMS)},
    **{f"{room}_health": 20210 + place for place, room in enumerate(ROOMS)},
}


class Ports:
    """Which port each process has: chosen at the first start, then the same for as long as the folder lives."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._chosen: dict[str, int] = json.loads(file.read_bytes()) if file.exists() else {}

    def of(self, name: str) -> int:
        """The port of a process: the preferred one where nothing listens there, else any free one."""
        if name not in self._chosen:
            taken = {*self._chosen.values(), *PREFERRED_PORTS.values()}
            preferred = PREFERRED_PORTS.get(name)
            self._chosen[name] = preferred if preferred and not answers(preferred) else free_port(taken)
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self._chosen, indent=2))
        return self._chosen[name]

    def url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self.of(name)}"


@dataclass(frozen=True, slots=True)
class Process:
    """One Python process that speaks HTTP. `login` names the room or adapter instance whose secrets it is given.

    It says whether it is ready on its `health_port`, where it has one.
    """

    name: str
    module: str
    port: int
    arguments: Sequence[str] = ()
    login: str = ""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    ready_path: str = "/readyz"
    health_port: int = 0


class HttpDaemon(Daemon):
    """A running `Process`: ready when it answers its ready path with 200."""

    stop_seconds = 8.0

    def __init__(self, process: Process, logs: Path, environment: Mapping[str, str]) -> None:
        super().__init__(process.name, logs)
        self._process = process
        self._environment = dict(environment)

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", self._process.module, *self._process.arguments]

    def environment(self) -> Mapping[str, str]:
        return self._environment

    def is_ready(self) -> bool:
        connection = HTTPConnection(LOOPBACK, self._process.health_port or self._process.port, timeout=2)
        try:
            connection.request("GET", self._process.ready_path)
            return connection.getresponse().status == 200  # noqa: PLR2004 - HTTP OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a running stack keeps what it needs. Nothing here outlives its use: it is all below `var/`."""

    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def clock(self) -> Path:
        return self.path / "clock.json"

    @property
    def issuers(self) -> Path:
        return self.secrets / PUBLIC / ISSUERS

    @property
    def party_keys(self) -> Path:
        return self.secrets / PUBLIC / PARTY_KEYS


def helpers(folder: Folder, ports: Ports, families: Path = FAMILIES) -> Iterator[Process]:
    """What stands for the world outside: sign-in, mail and text messages, client information systems."""
    yield Process(
        "identity_provider",
        "rinnan_local.identity_provider",
        ports.of("identity_provider"),
        (
            *("--port", str(ports.of("identity_provider"))),
            *("--families", str(families)),
            *("--clock-file", str(folder.clock)),
            *("--key-file", str(folder.secrets / "identity_provider.json")),
        ),
    )
    yield Process(
        "mail_catcher",
        "rinnan_local.mail_catcher",
        ports.of("mail_catcher"),
        (
            *("--http-port", str(ports.of("mail_catcher"))),
            *("--smtp-port", str(ports.of("smtp"))),
            *("--mirror", str(folder.path / "mail")),
        ),
    )
    yield Process(
        "cis_simulator",
        "rinnan_cis_simulator",
        ports.of("cis_simulator"),
        ("--port", str(ports.of("cis_simulator")), "--store", str(folder.path / "cis.sqlite")),
        ready_path="/livez",
    )


def rooms(ports: Ports) -> Iterator[Process]:
    """The services, each with what only it is told; their secrets come from files."""
    own = {
        "invitation": {
            "RINNAN_PORTAL_ADDRESS": ports.url("portal"),
            "RINNAN_MAIL_HOST": LOOPBACK,
            "RINNAN_MAIL_PORT": str(ports.of("smtp")),
            "RINNAN_MAIL_SECURITY": "none",
            "RINNAN_MAIL_SENDER": "registration@example.org",
            "RINNAN_SMS_URL": f"{ports.url('mail_catcher')}/sms",
        },
    }
    for room in ROOMS:
        health = ports.of(f"{room}_health")
        settings = own.get(room, {})
        yield Process(room, f"rinnan_{room}.app", ports.of(room), login=room, settings=settings, health_port=health)


def hosts(counties: Sequence[County], ports: Ports) -> Iterator[Process]:
    """One adapter host per destination of every county."""
    for county in counties:
        for destination in county.destinations:
            name = f"host_{instance(destination)}"
            settings = {"RINNAN_COUNTY": county.code, "RINNAN_DESTINATION": destination.name}
            if destination.base_url:
                address = f"{ports.url('cis_simulator')}/{destination.name}/fhir"
                settings[f"RINNAN_{destination.base_url.upper()}"] = address
            login = f"{ADAPTER}_{instance(destination)}"
            health = ports.of(f"{name}_health")
            yield Process(name, "rinnan_host.app", ports.of(name), login=login, settings=settings, health_port=health)


def instance(destination: Destination) -> str:
    """A destination's name as schemas, logs and logins spell it."""
    return destination.name.replace("-", "_")


def surroundings() -> dict[str, str]:
    """Our own environment without what speaks to Rinnan: a process reads only what this table gives it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("RINNAN_", "TEST_"))}
