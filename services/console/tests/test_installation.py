"""Where the command finds an installation and a token."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rinnan_chassis.clock import SystemClock
from rinnan_console.installation import INSTALLATION, TOKEN, TOKEN_COMMAND, Installation, NotUsable
from rinnan_local.identity_provider import create_app, new_key
from rinnan_local.people import load_staff, staff_claims

if TYPE_CHECKING:
    from conftest import Terminal


def write(path: Path, room: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"rooms": {"intake": room}, "smtp": "127.0.0.1:1"}))
    return path


@pytest.fixture
def here(terminal: Terminal, tmp_path: Path) -> Path:
    """The current folder, in which no installation is named."""
    terminal.monkeypatch.delenv(INSTALLATION, raising=False)
    terminal.monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_local_stack_that_was_started_last_here_is_found(here: Path) -> None:
    older, newer = (
        write(here / "var" / name / "addresses.json", f"http://127.0.0.1/{name}") for name in ("demo", "up")
    )
    os.utime(older, (1, 1))
    os.utime(newer, (2, 2))
    assert Installation.find(None).rooms == {"intake": "http://127.0.0.1/up"}


def test_nothing_is_looked_for_in_a_folder_above(here: Path) -> None:
    write(here / "var/up/addresses.json", "http://127.0.0.1/up")
    (here / "below").mkdir()
    os.chdir(here / "below")
    with pytest.raises(NotUsable, match="No installation"):
        Installation.find(None)


@pytest.mark.parametrize("place", ["var", "var/up", "var/up/addresses.json"])
def test_a_file_that_somebody_else_could_have_written_is_passed_over(here: Path, place: str) -> None:
    write(here / "var/up/addresses.json", "http://127.0.0.1/up")
    (here / place).chmod(0o777)
    with pytest.raises(NotUsable, match="is ignored"):
        Installation.find(None)


def test_a_group_that_may_write_beside_it_does_no_harm(here: Path) -> None:
    write(here / "var/up/addresses.json", "http://127.0.0.1/up")
    (here / "var").chmod(0o775)
    assert Installation.find(None).was_found


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("place", ["var", "var/up", "var/up/addresses.json"])
def test_a_file_of_somebody_else_is_passed_over(here: Path, place: str) -> None:
    write(here / "var/up/addresses.json", "http://127.0.0.1/up")
    os.chown(here / place, 65534, 65534)
    with pytest.raises(NotUsable, match="is ignored"):
        Installation.find(None)


def test_a_link_to_a_file_elsewhere_is_passed_over(here: Path) -> None:
    (here / "var").mkdir()
    (here / "var/up").symlink_to(write(here / "elsewhere/addresses.json", "http://127.0.0.1/up").parent)
    with pytest.raises(NotUsable, match="is ignored"):
        Installation.find(None)


def test_a_file_that_was_found_leads_to_this_machine_only(here: Path) -> None:
    write(here / "var/up/addresses.json", "http://10.0.0.1:20110")
    with pytest.raises(NotUsable, match="is ignored"):
        Installation.find(None)


def test_a_command_in_a_file_that_was_found_is_never_run(here: Path, terminal: Terminal) -> None:
    path = write(here / "var/up/addresses.json", "http://127.0.0.1/up")
    path.write_text(json.dumps({**json.loads(path.read_text()), "token_command": f"touch {here}/was-run"}))
    terminal.monkeypatch.delenv(TOKEN)
    with pytest.raises(NotUsable, match="No staff token"):
        Installation.find(None).token()
    assert not (here / "was-run").exists()
    assert Installation.find(path).token() == ""
    assert (here / "was-run").exists()


@pytest.mark.parametrize(("issuer", "sent"), [("http://127.0.0.1:1/staff", True), ("https://county.example", False)])
def test_to_a_file_that_was_found_only_a_token_of_its_own_sign_in_goes(
    here: Path, terminal: Terminal, issuer: str, sent: bool
) -> None:
    path = write(here / "var/up/addresses.json", "http://127.0.0.1/up")
    path.write_text(json.dumps({**json.loads(path.read_text()), "identity_provider": "http://127.0.0.1:1"}))
    told = base64.urlsafe_b64encode(json.dumps({"iss": issuer}).encode()).decode().rstrip("=")
    token = f"e30.{told}.c2lnbmVk"
    terminal.monkeypatch.setenv(TOKEN, token)
    assert Installation.find(path).token() == token
    if sent:
        assert Installation.find(None).token() == token
    else:
        with pytest.raises(NotUsable, match="another sign-in"):
            Installation.find(None).token()


@pytest.mark.parametrize("token", ["a-token", "a.b.c", "e30.W10.x", "e30.e30.x", ""])
def test_what_is_no_token_is_sent_nowhere_that_was_found(here: Path, terminal: Terminal, token: str) -> None:
    write(here / "var/up/addresses.json", "http://127.0.0.1/up")
    terminal.monkeypatch.setenv(TOKEN, token)
    with pytest.raises(NotUsable):
        Installation.find(None).token()


@pytest.mark.usefixtures("terminal")
def test_an_installation_that_is_named_comes_before_the_local_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "var/up/addresses.json", "local")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(INSTALLATION, str(write(tmp_path / "county.json", "county")))
    assert Installation.find(None).rooms == {"intake": "county"}
    assert Installation.find(write(tmp_path / "given.json", "given")).rooms == {"intake": "given"}


def test_what_is_not_a_file_of_addresses_is_refused_without_repeating_it(tmp_path: Path) -> None:
    path = tmp_path / "addresses.json"
    path.write_text('{"rooms": "a secret"}')
    with pytest.raises(NotUsable, match=r"wrong: rooms") as refused:
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
