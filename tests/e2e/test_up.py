"""`make up` for an operator: everything is there, the `rinnan` command sees it, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@dataclass
class Up:
    """The running command, and the operator's shell beside it."""

    process: subprocess.Popen[str]
    installation: Path
    token: str = ""

    def rinnan(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rinnan_console", "--installation", str(self.installation), *words]
        surroundings = {**os.environ, "LANG": "C.UTF-8", "RINNAN_STAFF_TOKEN": self.token}
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=surroundings)  # noqa: S603 - our own

    def signs_in(self, person: str) -> None:
        self.token = self.rinnan("sign-in", "--as", person).stdout.strip()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    command = [sys.executable, "-m", "rinnan_local.up", "--directory", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        shown = next((line for line in process.stdout if "Ctrl-C" in line), "")
        assert shown, "it ended before it was up"
        yield Up(process, folder / "addresses.json")
        process.kill()


def test_nothing_is_held_or_set_aside_in_a_fresh_installation(up: Up) -> None:
    up.signs_in("vakehyva-operator")
    for verb in ("held", "dead-letters"):
        assert json.loads(up.rinnan(verb, "--json").stdout) == []
    assert up.rinnan("held").stdout == "Nothing is held.\n"
    assert up.rinnan("packages").stdout == "No packages wait.\n"
    assert up.rinnan("verify").stdout.startswith("Whole: 0 entries.")


@pytest.mark.parametrize("verb", ["life", "looks"])
def test_an_id_that_nothing_has_is_refused_in_one_line(up: Up, verb: str) -> None:
    up.signs_in("vakehyva-operator")
    told = up.rinnan(verb, str(uuid4()))
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == "event_log: The log has nothing about this registration. (event_log.unknown_registration)\n"


def test_who_may_not_act_is_told_so(up: Up) -> None:
    up.signs_in("vakehyva-operator")
    for verb in ("redrive", "release"):
        told = up.rinnan(verb, str(uuid4()), "--room", "intake", "--reason", "fault_mended")
        assert (told.returncode, "chassis.not_allowed" in told.stderr) == (1, True)


def test_what_is_not_there_cannot_be_mended(up: Up) -> None:
    up.signs_in("vakehyva-supervisor-one")
    for verb, code in (("redrive", "chassis.no_such_letter"), ("release", "chassis.not_held")):
        told = up.rinnan(verb, str(uuid4()), "--room", "intake", "--reason", "fault_mended")
        assert (told.returncode, code in told.stderr) == (1, True)


def test_without_a_token_it_says_how_to_get_one(up: Up) -> None:
    up.token = ""
    told = up.rinnan("held")
    assert (told.returncode, "rinnan sign-in --as" in told.stderr) == (2, True)


def test_a_room_that_there_is_not_is_named_with_those_there_are(up: Up) -> None:
    up.signs_in("vakehyva-supervisor-one")
    told = up.rinnan("release", str(uuid4()), "--room", "nowhere", "--reason", "fault_mended")
    assert (told.returncode, "There are: intake" in told.stderr) == (2, True)


def test_ctrl_c_ends_everything_and_leaves_no_process_behind(up: Up) -> None:
    family = psutil.Process(up.process.pid).children(recursive=True)
    assert len(family) > 12
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(30) == 0
    time.sleep(0.2)
    assert not [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
