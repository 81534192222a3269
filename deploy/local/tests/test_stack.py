"""The stack starts, each process comes back when it was killed, no secret is logged, nothing is left behind."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rinnan_local.stack import Stack
from rinnan_local.up import told

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), rate=60) as running:
        yield running


def _secrets(folder: Path) -> set[str]:
    """Every password and key below a folder of secrets."""
    lines = [line for file in folder.rglob("*.env") for line in file.read_text().splitlines()]
    values = [line.partition("=")[2] for line in lines]
    passwords = {value.partition("@")[0].rpartition(":")[2] for value in values if "@" in value}
    keys = {key for file in folder.rglob("*wrapping_keys.json") for key in json.loads(file.read_text()).values()}
    return passwords | keys | {file.read_text() for file in folder.rglob("*_pepper")}


def test_every_process_is_ready(stack: Stack) -> None:
    assert all(daemon.running and daemon.is_ready() for daemon in stack.daemons.values())


def test_every_process_comes_back_after_it_was_killed(stack: Stack) -> None:
    for name, daemon in stack.daemons.items():
        before = daemon.pid
        stack.kill(name)
        stack.bring_back(name)
        assert daemon.is_ready(), name
        assert daemon.pid != before, name


def test_no_log_and_no_address_tells_a_secret(stack: Stack) -> None:
    secrets = {secret for secret in _secrets(stack.folder.secrets) if secret}
    shown = told(stack.addresses) + "".join(log.read_text() for log in stack.folder.logs.iterdir())
    assert len(secrets) > len(stack.addresses.rooms)
    assert not [secret for secret in secrets if secret in shown]


def test_ending_leaves_no_process_behind(stack: Stack) -> None:
    family = [child for daemon in stack.daemons.values() for child in _with_children(daemon.pid)]
    stack.stop()
    time.sleep(0.2)
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def _with_children(pid: int | None) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]
