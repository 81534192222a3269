"""A process of the stack is started, killed with all it started, and never outlives whoever started it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from rinnan_local.daemon import Daemon, DidNotStart
from rinnan_local.ports import free_port

LAUNCH_AND_DIE = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from test_daemon import Sleeper
sleeper = Sleeper("sleeper", Path({logs!r}))
sleeper.start()
print(sleeper.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


class Sleeper(Daemon):
    stop_seconds = 1.0

    def command(self) -> Sequence[str]:
        return ["sleep", "60"]

    def is_ready(self) -> bool:
        return True


class Parent(Sleeper):
    def command(self) -> Sequence[str]:
        return ["sh", "-c", "sleep 60 & wait"]

    def is_ready(self) -> bool:
        return bool(psutil.Process(self.pid).children())


class Broken(Sleeper):
    def command(self) -> Sequence[str]:
        return ["false"]

    def is_ready(self) -> bool:
        return False


def _gone(pid: int) -> bool:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_a_process_ends_with_its_parent_even_when_the_parent_is_killed(tmp_path: Path) -> None:
    script = LAUNCH_AND_DIE.format(here=str(Path(__file__).parent), logs=str(tmp_path))
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)  # noqa: S603 - our own line
    assert _gone(int(told.stdout))


def test_a_kill_ends_what_the_process_had_started_too(tmp_path: Path) -> None:
    with Parent("parent", tmp_path) as daemon:
        child = psutil.Process(daemon.pid).children()[0].pid
        daemon.kill()
        assert _gone(child)


def test_a_killed_process_can_be_started_again(tmp_path: Path) -> None:
    with Sleeper("sleeper", tmp_path) as daemon:
        first = daemon.pid
        daemon.kill()
        daemon.start()
        assert daemon.running
        assert daemon.pid != first


def test_a_process_that_ends_before_it_is_ready_names_its_log(tmp_path: Path) -> None:
    with pytest.raises(DidNotStart, match=r"broken\.log"):
        Broken("broken", tmp_path).start()


def test_ports_that_are_taken_are_passed_over() -> None:
    taken: set[int] = set()
    assert len({free_port(taken) for _ in range(50)}) == 50
