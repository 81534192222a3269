"""docker-compose.yml runs what the local stack runs: the same processes, on the same ports, told the same things."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from rinnan_chassis import provision
from rinnan_chassis.login_files import write_environments
from rinnan_chassis.topics import Topics
from rinnan_local.daemon import run
from rinnan_local.keys import PUBLIC, write_keys
from rinnan_local.processes import ADAPTER, PREFERRED_PORTS, Folder, Ports, Process, helpers, hosts, rooms
from rinnan_local.stack import ROOT
from rinnan_profiles.loading import load

PORTS = {"RINNAN_HTTP_PORT", "RINNAN_HEALTH_PORT"}
IN_IMAGES = {*PORTS, "RINNAN_COUNTIES_DIR", "RINNAN_CONTRACTS_DIR", "RINNAN_PARTY_KEYS_FILE"}
OWN_FILES = {"login.env", "wrapping_keys.json"}
PUBLIC_FILES = {"issuers.json", "party_keys.json"}
MORE = {"intake": {"own.env", "party_key.json", "identity_pepper"}, "invitation": {"own.env", "code_pepper"}}
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
COUNTIES = tuple(load(ROOT / "contracts", ROOT / "deploy" / "counties").counties.values())


@pytest.fixture
def ports(tmp_path: Path) -> Ports:
    (tmp_path / "ports.json").write_text(json.dumps(PREFERRED_PORTS))
    return Ports(tmp_path / "ports.json")


def _service(process: Process) -> dict[str, Any]:
    return SERVICES[process.name.replace("_", "-")]


def test_every_process_of_the_table_is_a_service_that_runs_the_same_module(ports: Ports, tmp_path: Path) -> None:
    table = [*helpers(Folder(tmp_path), ports), *rooms(ports), *hosts(COUNTIES, ports)]
    assert all(process.module in _service(process)["command"] for process in table)


def test_a_helper_in_a_container_needs_no_engine_of_this_machine() -> None:
    project = tomllib.loads((ROOT / "deploy" / "local" / "pyproject.toml").read_text())["project"]
    engines = {each.partition(">")[0].replace("-", "_") for each in project["optional-dependencies"]["engines"]}
    modules = [word for told in SERVICES.values() for word in told.get("command", ()) if word[:13] == "rinnan_local."]
    show = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    loaded = run([sys.executable, "-c", show]).stdout.split()
    assert loaded
    assert engines.isdisjoint(loaded)


def test_every_room_is_given_the_secrets_of_its_own_login_only(ports: Ports) -> None:
    for process in [*rooms(ports), *hosts(COUNTIES, ports)]:
        assert _service(process)["command"][:2] == ["as", process.login]
        assert {(each["target"], each["volume"]["subpath"]) for each in _service(process)["volumes"]} == {
            (f"/secrets/{process.login}", process.login),
            (f"/secrets/{PUBLIC}", PUBLIC),
        }
        assert all(each["read_only"] for each in _service(process)["volumes"])


def test_only_who_makes_the_secrets_is_given_all_of_them() -> None:
    whole = {
        name for name, told in SERVICES.items() if any(str(each)[:8] == "secrets:" for each in told.get("volumes", ()))
    }
    assert whole == {"provision", "keys"}


def test_every_room_is_told_what_the_table_tells_it(ports: Ports) -> None:
    for process in [*rooms(ports), *hosts(COUNTIES, ports)]:
        environment = _service(process)["environment"]
        assert process.settings.items() <= environment.items(), process.name
        assert environment.keys() >= IN_IMAGES, process.name


def test_every_room_listens_on_the_ports_of_the_table(ports: Ports) -> None:
    for process in rooms(ports):
        environment = _service(process)["environment"]
        assert environment["RINNAN_HTTP_PORT"] == str(process.port)
        assert environment["RINNAN_HEALTH_PORT"] == str(process.health_port)


def test_no_port_is_given_twice() -> None:
    told = [told.get("environment", {}) for told in SERVICES.values()]
    given = [environment[name] for environment in told for name in PORTS & environment.keys()]
    assert len(given) == len(set(given)) == 2 * sum("RINNAN_HTTP_PORT" in environment for environment in told)


def test_health_is_asked_on_loopback_and_watched_in_every_room(ports: Ports) -> None:
    for process in [*rooms(ports), *hosts(COUNTIES, ports)]:
        assert "RINNAN_HEALTH_HOST" not in _service(process)["environment"]
        assert "RINNAN_HEALTH_PORT" in " ".join(_service(process)["healthcheck"]["test"])


def test_every_helper_is_watched_where_the_local_stack_asks_it(ports: Ports, tmp_path: Path) -> None:
    for process in helpers(Folder(tmp_path), ports):
        asked = _service(process)["healthcheck"]["test"][-1]
        assert asked == f"http://127.0.0.1:{process.port}{process.ready_path}"


def test_what_a_helper_keeps_outlives_its_container(ports: Ports, tmp_path: Path) -> None:
    kept: list[str] = []
    for process in helpers(Folder(tmp_path), ports):
        command, (volume,) = _service(process)["command"], _service(process)["volumes"]
        for flag, value in zip(process.arguments[::2], process.arguments[1::2], strict=True):
            if value.startswith(str(tmp_path)) and flag != "--clock-file":
                kept.append(flag)
                assert command[command.index(flag) + 1].startswith(volume.partition(":")[2]), process.name
    assert kept == ["--key-file", "--mirror", "--store"]


def test_every_room_can_read_its_settings(ports: Ports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = tmp_path / "secrets"
    topics = Topics.load(ROOT / "contracts" / "topics.toml")
    destinations = [destination.name for county in COUNTIES for destination in county.destinations]
    told = write_environments(
        topics=topics,
        topics_file=ROOT / "contracts" / "topics.toml",
        wanted=provision.logins(topics, {ADAPTER: destinations}, "rinnan"),
        out=secrets,
        admin_url="postgresql://rinnan_admin:x@127.0.0.1:20432/postgres",
        database="rinnan",
        shared={"RINNAN_KAFKA_SERVERS": SERVICES["provision"]["environment"]["RINNAN_KAFKA_SERVERS"]},
    )
    own = write_keys(secrets, identity_provider="http://127.0.0.1:20100")
    for name in [name for name in os.environ if name.startswith("RINNAN_")]:
        monkeypatch.delenv(name)
    for process in [*rooms(ports), *hosts(COUNTIES, ports)]:
        secret = {**told[process.login], **own.get(process.login, {})}
        with monkeypatch.context() as environment:
            for name, value in secret.items():
                environment.setenv(name, value)
            for name, value in _service(process)["environment"].items():
                environment.setenv(name, value.replace("/rinnan/", f"{ROOT}/").replace("/secrets/", f"{secrets}/"))
            settings = import_module(process.module.replace(".app", ".settings"))
            read = settings.read_settings()[0] if process.login.startswith(ADAPTER) else settings.Settings.read()
        assert read.held_wrapping_keys() or process.name == "event_log", process.name
        mine = secrets / process.login, secrets / PUBLIC
        files = [path for path in vars(read).values() if isinstance(path, Path) and path.is_relative_to(secrets)]
        assert all(path.parent in mine for path in files), process.name
        files = [path for folder in mine for path in folder.iterdir()]
        assert {path.name for path in files} - PUBLIC_FILES - OWN_FILES == MORE.get(process.login, set()), process.name
        assert all(path.exists() for path in vars(read).values() if isinstance(path, Path)), process.name


def test_every_destination_is_provisioned(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RINNAN_")]:
        monkeypatch.delenv(name)
    for name, value in SERVICES["provision"]["environment"].items():
        monkeypatch.setenv(name, value)
    destinations = {destination.name for county in COUNTIES for destination in county.destinations}
    assert {room: set(names) for room, names in provision.ProvisionSettings.read().instances().items()} == {
        ADAPTER: destinations
    }
