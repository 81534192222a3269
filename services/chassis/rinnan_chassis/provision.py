"""Provisioning: Kafka topics, a database with a schema and a login per room, and the keyring with its rights.

Everything follows `topics.toml` and can be run again at will: it creates what is missing, gives the rights that the
file gives and takes those that it gives no longer. Each login's secrets go to a folder of its own that only its owner
can read, so that a room can be given its folder and no other's.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Final

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from rinnan_chassis.login_files import MASTER_KEYS, Login, held_wrapping_keys, password_of, write_environments
from rinnan_chassis.settings import PREFIX, DatabaseSettings, KafkaSettings, SettingsRefused
from rinnan_chassis.topics import Topics, TopicsFault
from rinnan_events import Group

_SCRAM_ROUNDS: Final = 4_096
_LOCK: Final = 0x52494E4E414E  # "RINNAN": two provisionings of one server wait for each other
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_EXISTS_ALREADY: Final = 36  # Kafka's TOPIC_ALREADY_EXISTS
_SECONDS_TO_APPEAR: Final = 15
_MADE_BY_USE: Final = "auto.create.topics.enable"


class ProvisionFault(Exception):  # noqa: N818 - the base of the named faults below
    """Something is there already and is not as it must be, or cannot be made."""


class WrongPartitions(ProvisionFault):
    """A topic has another number of partitions. Kafka cannot lower it, and raising it would part registrations."""


class NameNotAllowed(ProvisionFault):
    """PostgreSQL takes names of small letters, digits and underscores, up to 63."""


class TopicRefused(ProvisionFault):
    """Kafka did not create, change or describe something; its error's number is told."""


class TopicsMadeByUse(ProvisionFault):
    """A broker makes a topic when somebody names it: set `auto.create.topics.enable` to false.

    A misspelt topic would be one that nobody hears, with partitions and days of its own.
    """


class WrappingKeysLost(ProvisionFault):
    """The keyring holds keys of groups whose wrapping key is not in the master file: put that file back.

    A new wrapping key would open none of them, and what is sealed meanwhile would need both.
    """


def logins(topics: Topics, instances: Mapping[str, Collection[str]], database: str) -> tuple[Login, ...]:
    """A login per room of `topics.toml`; a room named in `instances` gets one per instance instead.

    Raises: NameNotAllowed.
    """
    schemas = [
        (room, schema)
        for room in topics.rooms()
        for schema in ([f"{room}_{one.replace('-', '_')}" for one in instances[room]] if room in instances else [room])
    ]
    found = tuple(Login(room, schema, f"{database}_{schema}") for room, schema in schemas)
    for name in (database, *(login.role for login in found)):
        if not _IDENTIFIER.fullmatch(name):
            raise NameNotAllowed(name)
    if unknown := set(instances) - set(topics.rooms()):
        raise NameNotAllowed(", ".join(sorted(unknown)))
    return found


async def provision(
    *,
    admin_database_url: str,
    kafka: Mapping[str, Any] | None,
    topics_file: Path,
    out: Path,
    instances: Mapping[str, Collection[str]] | None = None,
    database: str = "rinnan",
    database_arguments: Mapping[str, Any] | None = None,
    replication_factor: int = 1,
    told: Mapping[str, str] | None = None,
) -> dict[str, dict[str, str]]:
    """Make or mend everything; answers the environment of each login, by schema, as it also stands in its file.

    `kafka` is what an aiokafka client is given (`bootstrap_servers`, TLS, SASL); None leaves Kafka alone. `instances`
    maps a room that runs once per destination to its destinations. Roles are named `<database>_<schema>`.
    `database_arguments` go to asyncpg (TLS); `told` is what every login is told besides.
    Raises: ProvisionFault, TopicsUnreadable, and what PostgreSQL and Kafka raise.
    """
    topics = Topics.load(topics_file)
    wanted = logins(topics, instances or {}, database)
    connect = partial(asyncpg.connect, admin_database_url, **(database_arguments or {}))
    await _refuse_lost_wrapping_keys(connect, database, held_wrapping_keys(out))
    shared = {**(told or {})}
    if kafka is not None:
        await _refuse_topics_made_by_use(kafka)
        shared[f"{PREFIX}KAFKA_SERVERS"] = str(kafka["bootstrap_servers"])
    environments = write_environments(
        topics=topics,
        topics_file=topics_file,
        wanted=wanted,
        out=out,
        admin_url=admin_database_url,
        database=database,
        shared=shared,
    )
    passwords = {schema: password_of(environment) for schema, environment in environments.items()}
    await _provision_database(connect, database, topics, wanted, passwords)
    if kafka is not None:
        await _provision_topics(kafka, topics, replication_factor)
    return environments


async def _refuse_lost_wrapping_keys(
    connect: Callable[..., Awaitable[asyncpg.Connection]], database: str, held: Collection[Group]
) -> None:
    try:
        inside = await connect(database=database)
    except asyncpg.InvalidCatalogNameError:
        return  # nothing was provisioned yet
    try:
        lost = [group for group in sorted(set(Group).difference(held)) if await _holds_keys(inside, group)]
    finally:
        await inside.close()
    if lost:
        raise WrappingKeysLost(f"{', '.join(lost)}: not in {MASTER_KEYS}")


async def _holds_keys(inside: asyncpg.Connection, group: Group) -> bool:
    table = f"keyring.key_{group}"
    if await inside.fetchval("select to_regclass($1)", table) is None:
        return False
    live = f"select exists (select from {table} where wrapped is not null)"  # noqa: S608 - from the enum of seal groups
    return bool(await inside.fetchval(live))


async def _provision_database(
    connect: Callable[..., Awaitable[asyncpg.Connection]],
    database: str,
    topics: Topics,
    wanted: Collection[Login],
    passwords: Mapping[str, str],
) -> None:
    admin = await connect()
    try:
        await admin.execute("select pg_advisory_lock($1)", _LOCK)
        if not await admin.fetchval("select true from pg_database where datname = $1", database):
            await admin.execute(f'create database "{database}"')
        await admin.execute(f'revoke all on database "{database}" from public')
        inside = await connect(database=database)
        try:
            async with inside.transaction():
                await _provision_keyring(inside, f"{database}_keyring")
                for login in wanted:
                    await _provision_login(inside, database, login, passwords[login.schema])
                    await _give_keyring_rights(inside, topics, login)
        finally:
            await inside.close()
    finally:
        await admin.close()


async def _provision_keyring(inside: asyncpg.Connection, owner: str) -> None:
    """The keyring belongs to a role that nobody logs in as, so that its functions run with no more than its rights."""
    await _make_role(inside, owner)
    await inside.execute(f'create schema if not exists keyring authorization "{owner}"')
    await inside.execute(f'set local role "{owner}"')
    await inside.execute(files("rinnan_chassis").joinpath("keyring.sql").read_text("utf-8"))
    await inside.execute("reset role")


async def _provision_login(inside: asyncpg.Connection, database: str, login: Login, password: str) -> None:
    await _make_role(inside, login.role)
    await inside.execute(f"alter role \"{login.role}\" login password '{scram_verifier(password)}'")
    await inside.execute(f'grant connect, temporary on database "{database}" to "{login.role}"')
    await inside.execute(f'create schema if not exists "{login.schema}" authorization "{login.role}"')
    await inside.execute(f'alter role "{login.role}" in database "{database}" set search_path = "{login.schema}"')


async def _give_keyring_rights(inside: asyncpg.Connection, topics: Topics, login: Login) -> None:
    """Exactly the rights that `topics.toml` gives. Nobody may change or delete a key; minting sets only its columns."""
    role = f'"{login.role}"'
    await inside.execute(f"revoke all on all tables in schema keyring from {role}")
    await inside.execute(f"revoke all on all functions in schema keyring from {role}")
    await inside.execute(f"revoke all on schema keyring from {role}")
    opens = topics.may_open(login.room)
    destroys = login.room in topics.may_destroy
    if opens or destroys:
        await inside.execute(f"grant usage on schema keyring to {role}")
    for group in sorted(opens):
        await inside.execute(f"grant select, insert (subject, party, wrapped, kid) on keyring.key_{group} to {role}")
    if destroys:
        await inside.execute(f"grant execute on all functions in schema keyring to {role}")


async def _make_role(inside: asyncpg.Connection, role: str) -> None:
    if not await inside.fetchval("select true from pg_roles where rolname = $1", role):
        await inside.execute(f'create role "{role}" nosuperuser nocreatedb nocreaterole noinherit')


async def _refuse_topics_made_by_use(kafka: Mapping[str, Any]) -> None:
    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    try:
        brokers = [str(broker["node_id"]) for broker in (await admin.describe_cluster())["brokers"]]
        asked = [ConfigResource(ConfigResourceType.BROKER, broker, configs={_MADE_BY_USE: ""}) for broker in brokers]
        answers: Any = await admin.describe_configs(asked)
    finally:
        await admin.close()
    told = [resource for answer in answers for resource in answer.resources]
    _refuse((f"broker {name}", code) for code, _, _, name, _ in told)
    if those := sorted(
        name for *_, name, settings in told for setting in settings if setting[:2] != (_MADE_BY_USE, "false")
    ):
        raise TopicsMadeByUse(", ".join(f"broker {name}" for name in those))


async def _provision_topics(kafka: Mapping[str, Any], topics: Topics, replication_factor: int) -> None:
    settings = {name: topic_settings(topics, name, replication_factor) for name in topics.topics}
    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    try:
        asked = [
            NewTopic(name, topics.partitions, replication_factor, topic_configs=told) for name, told in settings.items()
        ]
        made: Any = await admin.create_topics(asked)  # aiokafka types no answer's fields
        answers: dict[str, int] = {answer[0]: answer[1] for answer in made.topic_errors}
        there = [name for name, code in answers.items() if code == _EXISTS_ALREADY]
        _refuse((name, code) for name, code in answers.items() if name not in there)
        for found in await _described(admin, list(topics.topics)):
            if len(found["partitions"]) != topics.partitions:
                raise WrongPartitions(f"{found['topic']} has {len(found['partitions'])}, not {topics.partitions}")
        mended = [ConfigResource(ConfigResourceType.TOPIC, name, configs=settings[name]) for name in there]
        altered: Any = await admin.alter_configs(mended) if mended else []
        for answer in altered:
            _refuse((name, code) for code, _, _, name in answer.resources)
    finally:
        await admin.close()


async def _described(admin: AIOKafkaAdminClient, names: list[str]) -> list[dict[str, Any]]:
    """Topics as every client sees them; a broker tells of a fresh topic a moment after making it."""
    until = time.monotonic() + _SECONDS_TO_APPEAR
    while True:
        found = await admin.describe_topics(names)
        unseen = [(topic["topic"], topic["error_code"]) for topic in found if topic["error_code"]]
        if not unseen:
            return found
        if time.monotonic() > until:
            _refuse(unseen)
        await asyncio.sleep(0.1)


def topic_settings(topics: Topics, topic: str, replication_factor: int) -> dict[str, str]:
    """All that Kafka is told of a topic; a setting made elsewhere falls back to the broker's default.

    Nothing is compressed: sealed parts do not shrink, and sizes must tell nothing. Of three or more replicas all but
    one have a message before it counts as said.
    """
    return {
        "cleanup.policy": "delete",
        "compression.type": "uncompressed",
        "max.message.bytes": str(topics.broker_bytes(topic)),
        "min.insync.replicas": str(max(1, replication_factor - 1)),
        "retention.ms": str(topics.retention(topic) // timedelta(milliseconds=1)),
    }


def _refuse(errors: Iterable[tuple[str, int]]) -> None:
    refused = [f"{topic}: Kafka error {code}" for topic, code in errors if code]
    if refused:
        raise TopicRefused("; ".join(refused))


def scram_verifier(password: str) -> str:
    """What PostgreSQL keeps of a password (RFC 5802); sent instead of it, so that no server log ever holds it."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    told = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_SCRAM_ROUNDS}:{told[0]}${told[1]}:{told[2]}"


class ProvisionSettings(KafkaSettings, DatabaseSettings):
    """Provision Kafka and PostgreSQL for an installation.

    Every option is also a variable with the prefix RINNAN_; give the administrator's address as one, not as an option.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        cli_prog_name="python -m rinnan_chassis.provision", cli_kebab_case=True
    )

    admin_database_url: SecretStr = Field(description="A PostgreSQL superuser's address.")
    topics_file: Path = Field(description="contracts/topics.toml")
    out: Path = Field(description="Where the logins' secret files go.")
    instance: list[str] = Field([], description="room:destination, again for each instance.")
    database: str = "rinnan"
    replication_factor: int = 1

    def instances(self) -> dict[str, list[str]]:
        """Destinations by room."""
        rooms = {told.partition(":")[0] for told in self.instance}
        return {
            room: [told.partition(":")[2] for told in self.instance if told.startswith(f"{room}:")] for room in rooms
        }

    def told(self) -> dict[str, str]:
        """What the rooms are told of TLS: they check the same authority as provisioning."""
        return {f"{PREFIX}DATABASE_CA_FILE": str(self.database_ca_file.resolve())} if self.database_ca_file else {}


def main() -> None:
    """What `python -m rinnan_chassis.provision` does."""
    try:
        _run(ProvisionSettings.read(_cli_parse_args=True))
    except (SettingsRefused, ProvisionFault, TopicsFault) as fault:
        sys.exit(f"{type(fault).__name__}: {fault}")


def _run(settings: ProvisionSettings) -> None:
    environments = asyncio.run(
        provision(
            admin_database_url=settings.admin_database_url.get_secret_value(),
            kafka=settings.kafka_arguments(),
            topics_file=settings.topics_file,
            out=settings.out,
            instances=settings.instances(),
            database=settings.database,
            database_arguments=settings.database_arguments(),
            told=settings.told(),
            replication_factor=settings.replication_factor,
        )
    )
    print(f"{len(environments)} logins: {', '.join(sorted(environments))}")  # noqa: T201 - the command's answer


if __name__ == "__main__":
    main()
