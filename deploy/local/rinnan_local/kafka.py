"""The official Apache Kafka on this machine: one KRaft node, its jars from Maven Central, no container."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from jgo.maven import Dependency, MavenContext
from platformdirs import user_cache_path

from rinnan_local.daemon import Daemon, run
from rinnan_local.java import java
from rinnan_local.ports import LOOPBACK, free_port

VERSION = "4.3.0"
BROKER = f"org.apache.kafka:kafka_2.13:{VERSION}"
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
SAYS_IT_IS_READY = b"Kafka Server started"
TRIES = 3
DOWNLOADS = 8
T = TypeVar("T")

PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=BROKER://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=BROKER://{host}:{port},CONTROLLER://{host}:{controller_port}
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers={host}:{controller_port}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
num.partitions=6
offsets.topic.num.partitions=6
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=4194304
controlled.shutdown.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""

LOGGING = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
logger.ready.name=kafka.server.KafkaRaftServer
logger.ready.level=info
"""


class Kafka(Daemon):
    """A broker on loopback, its data below `directory`. Topics are made by whoever provisions, never by use.

    `address` is `host:port`, the same again after a kill and a restart. Data that is taken up again needs the ports it
    was made with: the controllers' quorum is written in it.
    """

    stop_seconds = 15.0

    def __init__(
        self,
        directory: Path,
        *,
        logs: Path | None = None,
        port: int | None = None,
        controller_port: int | None = None,
    ) -> None:
        super().__init__("kafka", logs or directory)
        taken: set[int] = set()
        self.directory = directory.absolute()
        self.port = port or free_port(taken)
        self.controller_port = controller_port or free_port(taken)
        self.address = f"{LOOPBACK}:{self.port}"
        self.java = Path()
        self.jars = Path()
        self._log_starts_at = 0

    def prepare(self) -> None:
        super().prepare()
        self.java = java()
        self.jars = jars()
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "log4j2.properties").write_text(LOGGING)
        (self.directory / "server.properties").write_text(
            PROPERTIES.format(
                host=LOOPBACK, port=self.port, controller_port=self.controller_port, data=self.directory / "data"
            )
        )
        if not (self.directory / "data" / "meta.properties").exists():
            formatting = self._java("-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "--standalone")
            config = str(self.directory / "server.properties")
            run([*formatting, "--cluster-id", _cluster_id(), "--config", config])

    def launch(self) -> None:
        self._log_starts_at = self.log.stat().st_size if self.log.exists() else 0
        super().launch()

    def command(self) -> Sequence[str]:
        return self._java("kafka.Kafka", str(self.directory / "server.properties"))

    def is_ready(self) -> bool:
        with self.log.open("rb") as log:
            log.seek(self._log_starts_at)
            return SAYS_IT_IS_READY in log.read()

    def _java(self, *arguments: str) -> list[str]:
        return [
            str(self.java),
            "-Xms128m",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-Xshare:auto",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}",
            "-cp",
            str(self.jars / "*"),
            *arguments,
        ]


async def groups_meet(servers: str) -> None:
    """Return when groups of consumers can meet.

    Their table is made when it is first asked for, and whoever asks meanwhile reads an error: at every first start the
    services would log one that means nothing.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        while not await _is_coordinated(admin):  # noqa: ASYNC110 - Kafka tells nobody when it is
            await asyncio.sleep(0.1)
    finally:
        await admin.close()


async def _is_coordinated(admin: AIOKafkaAdminClient) -> bool:
    try:
        await admin.find_coordinator("anybody")
    except GroupCoordinatorNotAvailableError:
        return False
    return True


def jars() -> Path:
    """The folder of Kafka's jars in the user's cache; fetched once, and only ever seen whole."""
    home = user_cache_path("rinnan")
    ready = home / f"kafka-{VERSION}"
    if ready.exists():
        return ready
    home.mkdir(parents=True, exist_ok=True)
    work = Path(mkdtemp(prefix="kafka-", dir=home))
    try:
        _fetch(into=work)
        (work / "jars").chmod(0o755)
        try:
            (work / "jars").rename(ready)
        except OSError:
            if not ready.exists():  # else another process was quicker, and its jars are as good as ours
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return ready


def _fetch(into: Path) -> None:
    """The log binding comes alone: resolved together, the versions it manages would displace Kafka's own."""
    maven = MavenContext(repo_cache=into / "repository", timeout=60)
    named, behind = _again_if_it_stumbles(lambda: maven.resolver.resolve([maven.create_dependency(BROKER)]))
    wanted = [*named, *behind, maven.create_dependency(LOG_BINDING)]
    with ThreadPoolExecutor(DOWNLOADS) as threads:
        paths = list(threads.map(_download, wanted))
    (into / "jars").mkdir()
    for path in paths:
        os.link(path, into / "jars" / path.name)


def _download(wanted: Dependency) -> Path:
    return _again_if_it_stumbles(wanted.artifact.resolve)


def _again_if_it_stumbles(fetch: Callable[[], T]) -> T:
    """What `fetch` returns; a registry that stumbles is asked up to `TRIES` times."""
    for _ in range(TRIES - 1):
        try:
            return fetch()
        except Exception:  # noqa: BLE001, S112 - whatever the client raises; the last try raises for good
            continue
    return fetch()


def _cluster_id() -> str:
    """A random id in Kafka's spelling: 22 characters of URL-safe base64 that do not look like an option."""
    while (spelled := base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return spelled
