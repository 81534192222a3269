"""The whole of Rinnan on this machine: started in parallel, killed and brought back by name, ended without a trace."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from rinnan_chassis.provision import provision
from rinnan_local.clock import LocalClock
from rinnan_local.daemon import Daemon, stop_all
from rinnan_local.families import FAMILIES
from rinnan_local.kafka import Kafka, groups_meet
from rinnan_local.keys import write_keys
from rinnan_local.ports import LOOPBACK
from rinnan_local.postgres import Postgres
from rinnan_local.processes import (
    ADAPTER,
    ROOMS,
    Folder,
    HttpDaemon,
    Ports,
    Process,
    helpers,
    hosts,
    rooms,
    surroundings,
)
from rinnan_local.testing import DATABASE_ADMIN_URL, KAFKA_SERVERS
from rinnan_profiles.county import County
from rinnan_profiles.loading import load

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running stack is reached. Nothing secret: `addresses.json` holds the same, for other programs."""

    kafka: str
    smtp: str
    identity_provider: str
    mail_catcher: str
    cis_simulator: str
    rooms: Mapping[str, str]
    hosts: Mapping[str, str]


class Stack:
    """All processes of an installation, in a folder of its own.

    `rate` is how fast the clock runs, `at` what it shows first; the parents of `families_dir` can sign in. A folder
    that was used before is taken up again where it was, unless `fresh`. Kafka and PostgreSQL are started too, unless
    `TEST_KAFKA_SERVERS` and `TEST_DATABASE_ADMIN_URL` name others. Start it in a thread that lives as long as the
    stack: the kernel ends every process when that thread is gone.
    """

    def __init__(
        self,
        directory: Path,
        *,
        fresh: bool = False,
        rate: float = 1.0,
        at: datetime | None = None,
        counties_dir: Path = ROOT / "deploy" / "counties",
        contracts_dir: Path = ROOT / "contracts",
        families_dir: Path = FAMILIES,
    ) -> None:
        if fresh:
            shutil.rmtree(directory, ignore_errors=True)
        self.folder = Folder(directory.absolute())
        self.folder.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.ports = Ports(self.folder.path / "ports.json")
        self.clock = self._clock(at, rate)
        self.daemons: dict[str, Daemon] = {}
        self.counties_dir = counties_dir.absolute()
        self.contracts_dir = contracts_dir.absolute()
        self.families_dir = families_dir.absolute()
        self._kafka_servers = os.environ.get(KAFKA_SERVERS)
        self._admin_url = os.environ.get(DATABASE_ADMIN_URL)

    def _clock(self, at: datetime | None, rate: float) -> LocalClock:
        if self.folder.clock.exists() and at is None:
            clock = LocalClock(self.folder.clock)
            clock.run_at(rate)
            return clock
        return LocalClock.start(self.folder.clock, at=at, rate=rate)

    @property
    def admin_url(self) -> str:
        """A PostgreSQL superuser's address. Secret: never shown."""
        return self._admin_url or self._postgres().admin_url

    @property
    def kafka_servers(self) -> str:
        return self._kafka_servers or f"{LOOPBACK}:{self.ports.of('kafka')}"

    @property
    def addresses(self) -> Addresses:
        return Addresses(
            kafka=self.kafka_servers,
            smtp=f"{LOOPBACK}:{self.ports.of('smtp')}",
            identity_provider=self.ports.url("identity_provider"),
            mail_catcher=self.ports.url("mail_catcher"),
            cis_simulator=self.ports.url("cis_simulator"),
            rooms={room: self.ports.url(room) for room in ROOMS},
            hosts={name: self.ports.url(name) for name in self.daemons if name.startswith("host_")},
        )

    def start(self) -> None:
        """Start everything and return when all of it is ready. Raises: `DidNotStart` with the log to read."""
        counties = tuple(load(self.contracts_dir, self.counties_dir).counties.values())
        outside = [
            HttpDaemon(process, self.folder.logs, surroundings())
            for process in helpers(self.folder, self.ports, self.families_dir)
        ]
        _start([*self._engines(), *outside], self.daemons)
        logins = self._provision(counties)
        own = write_keys(self.folder.secrets, identity_provider=self.ports.url("identity_provider"))
        speakers = [*rooms(self.ports), *hosts(counties, self.ports)]
        _start(
            [self._room(process, {**logins[process.login], **own.get(process.login, {})}) for process in speakers],
            self.daemons,
        )
        self._tell()

    def _tell(self) -> None:
        """Say where all of it is, in a file that nobody else can write: the `rinnan` command believes no other."""
        told = self.folder.path / "addresses.json"
        told.write_text(json.dumps(_plain(self.addresses), indent=2))
        for path in (told, told.parent):
            path.chmod(path.stat().st_mode & ~0o022)

    def stop(self) -> None:
        """End everything in good order: who speaks first, what they speak through last."""
        engines = [self.daemons[name] for name in ("kafka", "postgres") if name in self.daemons]
        stop_all(daemon for daemon in self.daemons.values() if daemon not in engines)
        stop_all(engines)

    def kill(self, name: str) -> None:
        """End one process, Kafka and PostgreSQL included, as a power cut would."""
        self.daemons[name].kill()

    def bring_back(self, name: str) -> None:
        """Start a process that was killed or has ended, and return when it is ready."""
        self.daemons[name].start()

    async def comes_back(self, name: str) -> None:
        """The same as `bring_back` for a running loop, which goes on meanwhile."""
        daemon = self.daemons[name]
        daemon.prepare()
        daemon.launch()
        await asyncio.to_thread(daemon.wait_ready)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _kafka(self) -> Kafka:
        ports = self.ports.of("kafka"), self.ports.of("kafka_controller")
        return Kafka(self.folder.path / "kafka", logs=self.folder.logs, port=ports[0], controller_port=ports[1])

    def _postgres(self) -> Postgres:
        return Postgres(self.folder.path / "postgres", logs=self.folder.logs, port=self.ports.of("postgres"))

    def _engines(self) -> list[Daemon]:
        kafka = [] if self._kafka_servers else [self._kafka()]
        return [*kafka, *([] if self._admin_url else [self._postgres()])]

    def _provision(self, counties: Iterable[County]) -> Mapping[str, Mapping[str, str]]:
        """Topics, schemas, logins and keys. In a thread of its own, so that it may be called from a running loop."""
        destinations = [destination.name for county in counties for destination in county.destinations]

        async def prepared() -> Mapping[str, Mapping[str, str]]:
            logins = await provision(
                admin_database_url=self.admin_url,
                kafka={"bootstrap_servers": self.kafka_servers},
                topics_file=self.contracts_dir / "topics.toml",
                out=self.folder.secrets,
                instances={ADAPTER: destinations},
            )
            await groups_meet(self.kafka_servers)
            return logins

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, prepared()).result()

    def _room(self, process: Process, secrets: Mapping[str, str]) -> HttpDaemon:
        shared = {
            "RINNAN_HTTP_PORT": str(process.port),
            "RINNAN_HEALTH_PORT": str(process.health_port),
            "RINNAN_COUNTIES_DIR": str(self.counties_dir),
            "RINNAN_CONTRACTS_DIR": str(self.contracts_dir),
            "RINNAN_CLOCK_FILE": str(self.folder.clock),
            "RINNAN_PARTY_KEYS_FILE": str(self.folder.party_keys),
            "RINNAN_ISSUERS_FILE": str(self.folder.issuers),
        }
        return HttpDaemon(process, self.folder.logs, {**surroundings(), **shared, **secrets, **process.settings})


def _start(fresh: list[Daemon], running: dict[str, Daemon]) -> None:
    """Start these together: prepared in threads, launched from this one, awaited all."""
    running |= {daemon.name: daemon for daemon in fresh}
    with ThreadPoolExecutor(len(fresh)) as threads:
        list(threads.map(_prepare, fresh))
    for daemon in fresh:
        daemon.launch()
    for daemon in fresh:
        daemon.wait_ready()


def _prepare(daemon: Daemon) -> None:
    daemon.prepare()


def _plain(addresses: Addresses) -> dict[str, object]:
    return {name: getattr(addresses, name) for name in Addresses.__dataclass_fields__}
