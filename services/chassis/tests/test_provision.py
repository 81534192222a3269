from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from rinnan_chassis.login_files import MASTER_KEYS
from rinnan_chassis.provision import (
    NameNotAllowed,
    ProvisionSettings,
    TopicsMadeByUse,
    WrappingKeysLost,
    WrongPartitions,
    logins,
    provision,
    topic_settings,
)
from rinnan_chassis.topics import Topics
from rinnan_chassis.wrapping import load_wrapping_keys, write_wrapping_keys
from rinnan_events import Group
from rinnan_local import kafka

TOPICS_FILE = Path(__file__).parents[3] / "contracts" / "topics.toml"
TOPICS = Topics.load(TOPICS_FILE)
INSTANCES = {"adapter": ["vake-fhir", "lapland-paper"]}
SCHEMAS = {
    "adapter_lapland_paper",
    "adapter_vake_fhir",
    "consent",
    "event_log",
    "intake",
    "invitation",
    "record_export",
    "risk_screening",
}


def test_every_room_has_a_login_and_every_destination_one_of_its_own() -> None:
    assert {login.schema for login in logins(TOPICS, INSTANCES, "rinnan")} == SCHEMAS


@pytest.mark.parametrize(
    ("instances", "database"),
    [
        ({"adapter": ['x"; drop role y']}, "rinnan"),
        ({"adapter": ["x" * 60]}, "rinnan"),
        ({}, "Rinnan"),
        ({"no": []}, "r"),
    ],
)
def test_a_name_that_postgresql_would_bend_is_refused(instances: dict[str, list[str]], database: str) -> None:
    with pytest.raises(NameNotAllowed):
        logins(TOPICS, instances, database)


def test_the_command_reads_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINNAN_ADMIN_DATABASE_URL", "postgresql://admin:do-not-say@127.0.0.1/postgres")
    options = "--kafka-servers k:9092 --topics-file t.toml --out o --instance adapter:a --instance adapter:b"
    settings = ProvisionSettings.read(_cli_parse_args=options.split())
    assert settings.instances() == {"adapter": ["a", "b"]}
    assert (settings.topics_file, settings.out, settings.database) == (Path("t.toml"), Path("o"), "rinnan")
    assert "do-not-say" not in repr(settings)


def test_the_command_names_what_is_missing_and_repeats_no_secret() -> None:
    environment = os.environ | {"RINNAN_ADMIN_DATABASE_URL": "postgresql://admin:do-not-say@127.0.0.1/postgres"}
    command = [sys.executable, "-m", "rinnan_chassis.provision", "--kafka-servers", "k:9092", "--out", "o"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert ended.returncode == 1
    assert ended.stderr.strip() == "SettingsRefused: RINNAN_TOPICS_FILE: Field required"


def modes(directory: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in directory.iterdir()}


def with_topic_renamed(name: str, path: Path) -> Path:
    """A topics.toml of its own, so that no other test on the same Kafka meets what this one does to the topic."""
    path.write_text(TOPICS_FILE.read_text().replace(name, name.removesuffix("v1") + "v9"))
    return path


@pytest.fixture
def database(a_database_name: Callable[[], str]) -> str:
    return a_database_name()


@pytest.mark.stack
async def test_each_login_reaches_its_own_schema_and_no_other(
    postgres_admin_url: str, tmp_path: Path, database: str
) -> None:
    told = await provision(
        admin_database_url=postgres_admin_url,
        kafka=None,
        topics_file=TOPICS_FILE,
        out=tmp_path,
        instances=INSTANCES,
        database=database,
    )
    assert set(told) == SCHEMAS
    connection = await asyncpg.connect(told["adapter_vake_fhir"]["RINNAN_DATABASE_URL"])
    try:
        await connection.execute("create table note (id int)")
        assert await connection.fetchval("select count(*) from adapter_vake_fhir.note") == 0
        for elsewhere in ("intake", "public", "adapter_lapland_paper"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"create table {elsewhere}.note (id int)")
    finally:
        await connection.close()


@pytest.mark.stack
async def test_secret_files_are_for_their_owner_and_hold_only_the_rooms_own_groups(
    postgres_admin_url: str, tmp_path: Path, database: str
) -> None:
    told = await provision(
        admin_database_url=postgres_admin_url, kafka=None, topics_file=TOPICS_FILE, out=tmp_path, database=database
    )
    assert modes(tmp_path) == {0o600, 0o700}
    assert all(modes(tmp_path / room) == {0o600} for room in told)
    every = load_wrapping_keys(tmp_path / MASTER_KEYS)
    for room, environment in told.items():
        keys_file = Path(environment["RINNAN_WRAPPING_KEYS_FILE"])
        assert keys_file.parent == tmp_path / room
        keys = load_wrapping_keys(keys_file)
        assert keys == {group: every[group] for group in TOPICS.may_open(room)}
    assert load_wrapping_keys(tmp_path / "event_log" / "wrapping_keys.json") == {}


@pytest.mark.stack
async def test_provisioning_twice_changes_nothing_and_takes_rights_that_are_given_no_longer(
    postgres_admin_url: str, tmp_path: Path, database: str
) -> None:
    first = await provision(
        admin_database_url=postgres_admin_url, kafka=None, topics_file=TOPICS_FILE, out=tmp_path, database=database
    )
    narrower = tmp_path.parent / f"{database}.toml"
    narrower.write_text(
        TOPICS_FILE.read_text().replace(
            '[groups.own]\nmay_open = ["intake", "record_export"]', '[groups.own]\nmay_open = ["intake"]'
        )
    )
    second = await provision(
        admin_database_url=postgres_admin_url, kafka=None, topics_file=narrower, out=tmp_path, database=database
    )
    assert [first[room]["RINNAN_DATABASE_URL"] for room in first] == [
        second[room]["RINNAN_DATABASE_URL"] for room in second
    ]
    connection = await asyncpg.connect(second["record_export"]["RINNAN_DATABASE_URL"])
    try:
        await connection.execute("select * from keyring.key_contact")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select * from keyring.key_own")
    finally:
        await connection.close()


@pytest.mark.stack
async def test_the_keyring_has_a_table_for_every_seal_group(
    postgres_admin_url: str, tmp_path: Path, database: str
) -> None:
    await provision(
        admin_database_url=postgres_admin_url, kafka=None, topics_file=TOPICS_FILE, out=tmp_path, database=database
    )
    connection = await asyncpg.connect(postgres_admin_url, database=database)
    try:
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'keyring'")
    finally:
        await connection.close()
    assert {row["tablename"] for row in rows} == {f"key_{group}" for group in Group}


@pytest.mark.stack
async def test_no_role_may_change_or_delete_a_key(postgres_admin_url: str, tmp_path: Path, database: str) -> None:
    await provision(
        admin_database_url=postgres_admin_url, kafka=None, topics_file=TOPICS_FILE, out=tmp_path, database=database
    )
    connection = await asyncpg.connect(postgres_admin_url, database=database)
    try:
        for room in TOPICS.rooms():
            for group in Group:
                may = await connection.fetchrow(
                    "select has_table_privilege($1, $2, 'select') as read,"
                    " has_column_privilege($1, $2, 'wrapped', 'insert') as mint,"
                    " has_any_column_privilege($1, $2, 'update') as change,"
                    " has_table_privilege($1, $2, 'delete') or has_table_privilege($1, $2, 'truncate') as erase",
                    f"{database}_{room}",
                    f"keyring.key_{group}",
                )
                opens = group in TOPICS.may_open(room)
                assert tuple(may) == (opens, opens, False, False), (room, group)
            executes = await connection.fetchval(
                "select has_function_privilege($1, 'keyring.destroy(uuid, uuid[], text[])', 'execute')",
                f"{database}_{room}",
            )
            assert executes == (room in TOPICS.may_destroy), room
    finally:
        await connection.close()


@pytest.mark.stack
@pytest.mark.parametrize("left", [(), tuple(group for group in Group if group is not Group.OWN)])
async def test_keys_without_their_wrapping_key_stop_provisioning_before_anything_is_written(
    postgres_admin_url: str, tmp_path: Path, database: str, left: tuple[Group, ...]
) -> None:
    async def run(out: Path) -> None:
        await provision(
            admin_database_url=postgres_admin_url, kafka=None, topics_file=TOPICS_FILE, out=out, database=database
        )

    await run(tmp_path / "first")
    await run(tmp_path / "empty")  # as long as nothing is wrapped, wrapping keys can be made anew
    await one_own_key(postgres_admin_url, database, b"wrapped")
    lost = tmp_path / "lost"
    if left:
        lost.mkdir(mode=0o700)
        held = load_wrapping_keys(tmp_path / "empty" / MASTER_KEYS)
        (lost / MASTER_KEYS).write_text(write_wrapping_keys({group: held[group] for group in left}))
    before = files_of(lost)
    with pytest.raises(WrappingKeysLost, match="own"):
        await run(lost)
    assert files_of(lost) == before
    await one_own_key(postgres_admin_url, database, None)
    await run(lost)


async def one_own_key(admin_url: str, database: str, wrapped: bytes | None) -> None:
    """The keyring with one key of the group `own`: a live one, or a destroyed one in its place."""
    connection = await asyncpg.connect(admin_url, database=database)
    await connection.execute("truncate keyring.key_own")
    await connection.execute(
        "insert into keyring.key_own (subject, party, wrapped, destroyed_at) values ($1, $1, $2, $3)",
        uuid4(),
        wrapped,
        None if wrapped else datetime.now(UTC),
    )
    await connection.close()


def files_of(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.stack
async def test_topics_are_made_as_the_file_says_and_mended_when_they_differ(
    postgres_admin_url: str, kafka_servers: str, tmp_path: Path, database: str
) -> None:
    name = "intake.protection.v9"
    topics_file = with_topic_renamed("intake.protection.v1", tmp_path / "topics.toml")

    async def run() -> None:
        await provision(
            admin_database_url=postgres_admin_url,
            kafka={"bootstrap_servers": kafka_servers},
            topics_file=topics_file,
            out=tmp_path / "secrets",
            database=database,
        )

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_servers)
    await admin.start()
    try:
        await run()
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "1000"})])
        await run()
        topics = Topics.load(topics_file)
        described = await admin.describe_topics(list(topics.topics))
        assert {len(topic["partitions"]) for topic in described} == {6}
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        found = {entry[0]: entry[1] for entry in answer.resources[0][4]}
        assert found | topic_settings(topics, name, 1) == found
    finally:
        await admin.delete_topics([name])
        await admin.close()


@pytest.mark.stack
async def test_a_topic_with_other_partitions_is_refused(
    postgres_admin_url: str, kafka_servers: str, tmp_path: Path, database: str
) -> None:
    topics_file = with_topic_renamed("consent.consent.v1", tmp_path / "topics.toml")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic("consent.consent.v9", 3, 1)])
        with pytest.raises(WrongPartitions, match=r"consent\.consent\.v9 has 3, not 6"):
            await provision(
                admin_database_url=postgres_admin_url,
                kafka={"bootstrap_servers": kafka_servers},
                topics_file=topics_file,
                out=tmp_path / "secrets",
                database=database,
            )
    finally:
        await admin.delete_topics(["consent.consent.v9"])
        await admin.close()


@pytest.mark.stack
@pytest.mark.slow
async def test_a_broker_that_makes_topics_by_use_is_refused_before_anything_is_written(
    postgres_admin_url: str, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_use = kafka.PROPERTIES.replace("auto.create.topics.enable=false", "auto.create.topics.enable=true")
    monkeypatch.setattr(kafka, "PROPERTIES", by_use)
    with kafka.Kafka(tmp_path / "kafka") as broker, pytest.raises(TopicsMadeByUse, match="broker 1"):
        await provision(
            admin_database_url=postgres_admin_url,
            kafka={"bootstrap_servers": broker.address},
            topics_file=TOPICS_FILE,
            out=tmp_path / "secrets",
            database=database,
        )
    assert not (tmp_path / "secrets").exists()
