"""docker-compose.yml runs what the local stack runs: the same processes, on the same ports, told the same things."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rinnan_local.processes import PREFERRED_PORTS, Folder, Ports, Process, helpers, hosts, rooms
from rinnan_local.stack import ROOT
from rinnan_profiles.loading import load

IN_IMAGES = {"RINNAN_HTTP_PORT", "RINNAN_COUNTIES_DIR", "RINNAN_CONTRACTS_DIR", "RINNAN_PARTY_KEYS_FILE"}
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


def test_every_room_is_given_the_secrets_of_its_own_login_only(ports: Ports) -> None:
    table = [*rooms(ports), *hosts(COUNTIES, ports)]
    assert [_service(process)["command"][:2] for process in table] == [["as", process.login] for process in table]


def test_every_room_is_told_what_the_table_tells_it(ports: Ports) -> None:
    for process in [*rooms(ports), *hosts(COUNTIES, ports)]:
        environment = _service(process)["environment"]
        assert process.settings.items() <= environment.items(), process.name
        assert environment.keys() >= IN_IMAGES, process.name


def test_every_room_listens_on_the_port_of_the_table(ports: Ports) -> None:
    for process in rooms(ports):
        assert _service(process)["environment"]["RINNAN_HTTP_PORT"] == str(process.port)


def test_every_destination_is_provisioned() -> None:
    told = SERVICES["provision"]["environment"]["RINNAN_INSTANCE"]
    names = [destination.name for county in COUNTIES for destination in county.destinations]
    assert all(f'"adapter:{name}"' in told for name in names)
