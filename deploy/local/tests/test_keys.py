"""Secrets are made once, readable by their owner only, and each room is told no more than its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rinnan_chassis.web.issuers import ParentIssuer, StaffIssuer, issuers_of
from rinnan_chassis.web.tokens import public_keys
from rinnan_local.keys import PUBLIC, write_keys
from rinnan_local.processes import surroundings

PROVIDER = "http://127.0.0.1:20100"


def test_every_secret_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    write_keys(tmp_path, identity_provider=PROVIDER)
    secret = [path for path in tmp_path.rglob("*") if path.parent.name != PUBLIC]
    assert len(secret) > 5
    assert {path.stat().st_mode & 0o077 for path in secret} == {0}


def test_keys_and_peppers_stay_the_same_at_the_next_start(tmp_path: Path) -> None:
    write_keys(tmp_path, identity_provider=PROVIDER)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    write_keys(tmp_path, identity_provider=PROVIDER)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_two_peppers_are_different(tmp_path: Path) -> None:
    write_keys(tmp_path, identity_provider=PROVIDER)
    assert (tmp_path / "intake" / "identity_pepper").read_bytes() != (
        tmp_path / "invitation" / "code_pepper"
    ).read_bytes()


def test_the_published_key_of_party_tokens_is_the_public_half_of_intakes(tmp_path: Path) -> None:
    told = write_keys(tmp_path, identity_provider=PROVIDER)
    private = json.loads(Path(told["intake"]["RINNAN_PARTY_KEY_FILE"]).read_text())
    (published,) = public_keys(tmp_path / PUBLIC / "party_keys.json").keys
    assert published.as_dict(private=False)["x"] == private["x"]
    assert published.kid == private["kid"]


def test_services_read_the_issuers_of_parents_and_of_staff(tmp_path: Path) -> None:
    write_keys(tmp_path, identity_provider=PROVIDER)
    issuers = issuers_of(tmp_path / PUBLIC / "issuers.json")
    assert [(type(each), each.issuer) for each in issuers] == [
        (ParentIssuer, f"{PROVIDER}/parents"),
        (StaffIssuer, f"{PROVIDER}/staff"),
    ]


def test_a_process_does_not_inherit_what_another_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINNAN_DATABASE_URL", "postgresql://somebody-else")
    assert "RINNAN_DATABASE_URL" not in surroundings()
