"""Where the command finds an installation and a token."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rinnan_chassis.clock import SystemClock
from rinnan_console.installation import INSTALLATION, TOKEN, TOKEN_COMMAND, Installation, NotUsable
from rinnan_local.identity_provider import create_app, new_key
from rinnan_local.test_persons import load_staff, staff_claims

if TYPE_CHECKING:
    from conftest import Terminal


def write(path: Path, room: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"rooms": {"intake": room}, "smtp": "127.0.0.1:1"}))
    return path


@pytest.mark.usefixtures("terminal")
def test_the_local_stack_that_was_started_last_is_found_from_any_folder_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = (write(tmp_path / "tree/var" / name / "addresses.json", name) for name in ("demo", "up"))
    os.utime(older, (1, 1))
    os.utime(newer, (2, 2))
    (tmp_path / "tree/services/console").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "tree/services/console")
    assert Installation.find(None).rooms == {"intake": "up"}


@pytest.mark.usefixtures("terminal")
def test_an_installation_that_is_named_comes_before_the_local_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "var/up/addresses.json", "local")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(INSTALLATION, str(write(tmp_path / "county.json", "county")))
    assert Installation.find(None).rooms == {"intake": "county"}
    assert Installation.find(write(tmp_path / "given.json", "given")).rooms == {"intake": "given"}


def test_a_file_that_is_no_list_of_addresses_is_refused_without_repeating_it(tmp_path: Path) -> None:
    path = tmp_path / "addresses.json"
    path.write_text('{"rooms": "a secret"}')
    with pytest.raises(NotUsable, match=r"see: rooms") as refused:
        Installation.read(path)
    assert "a secret" not in str(refused.value)


def test_a_token_is_fetched_by_the_operators_own_command(terminal: Terminal) -> None:
    terminal.monkeypatch.delenv(TOKEN)
    terminal.monkeypatch.setenv(TOKEN_COMMAND, "echo a-token")
    assert Installation(rooms={}).token() == "a-token"


def test_a_token_command_that_fails_is_told_and_not_what_it_said(terminal: Terminal) -> None:
    terminal.has("intake")
    terminal.monkeypatch.delenv(TOKEN)
    terminal.monkeypatch.setenv(TOKEN_COMMAND, "sh -c 'echo a secret >&2; exit 3'")
    told = terminal.types("held")
    assert (told.exit_code, told.stderr) == (2, "The command that fetches a staff token failed.\n")


def test_without_a_token_the_way_to_one_is_told(terminal: Terminal) -> None:
    terminal.has("intake")
    terminal.monkeypatch.delenv(TOKEN)
    told = terminal.types("held")
    assert told.exit_code == 2
    assert "rinnan sign-in --as" in told.stderr


def test_where_there_is_no_development_sign_in_nobody_signs_in_by_it(terminal: Terminal) -> None:
    terminal.has("intake")
    told = terminal.types("sign-in", "--as", "lapha-operator")
    assert (told.exit_code, told.stderr) == (2, "This installation has no development sign-in.\n")


def test_a_member_of_staff_gets_a_token_from_the_development_sign_in(terminal: Terminal) -> None:
    people = {"staff": staff_claims(load_staff())}
    terminal.has("intake")
    terminal.apps["sign-in"] = create_app("http://127.0.0.1:1", people, new_key(), SystemClock())
    told = json.loads(terminal.file.read_text())
    terminal.file.write_text(json.dumps({**told, "identity_provider": "http://sign-in.invalid"}))
    token = terminal.types("sign-in", "--as", "lapha-operator")
    assert token.exit_code == 0
    assert token.stdout.count(".") == 2
    nobody = terminal.types("sign-in", "--as", "nobody")
    assert nobody.exit_code == 1
    assert "There is no member of staff nobody" in nobody.stderr
