"""What invitation refuses to start with."""

from __future__ import annotations

from pathlib import Path

import pytest

from rinnan_chassis.settings import SettingsRefused
from rinnan_invitation.settings import Settings

ROOT = Path(__file__).parents[3]
WHOLE = {
    "RINNAN_DATABASE_URL": "postgresql://invitation@127.0.0.1/rinnan",
    "RINNAN_KAFKA_SERVERS": "127.0.0.1:9092",
    "RINNAN_TOPICS_FILE": str(ROOT / "contracts" / "topics.toml"),
    "RINNAN_CONTRACTS_DIR": str(ROOT / "contracts"),
    "RINNAN_COUNTIES_DIR": str(ROOT / "deploy" / "counties"),
    "RINNAN_HTTP_PORT": "0",
    "RINNAN_HEALTH_PORT": "0",
    "RINNAN_CODE_PEPPER": "p" * 32,
    "RINNAN_PORTAL_ADDRESS": "https://portal.example.org",
    "RINNAN_MAIL_HOST": "mail.example.org",
    "RINNAN_MAIL_SENDER": "registration@example.org",
}


def read(monkeypatch: pytest.MonkeyPatch, **but: str) -> Settings:
    for name, value in (WHOLE | but).items():
        monkeypatch.setenv(name, value)
    return Settings.read()


def test_mail_is_upgraded_to_tls_where_nothing_else_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    server = read(monkeypatch).mail_server()
    assert (server.starttls, server.tls, server.port) == (True, False, 587)


def test_mail_in_the_clear_is_refused_beyond_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsRefused, match="loopback"):
        read(monkeypatch, RINNAN_MAIL_SECURITY="none")


def test_mail_in_the_clear_may_go_to_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    server = read(monkeypatch, RINNAN_MAIL_SECURITY="none", RINNAN_MAIL_HOST="127.0.0.1").mail_server()
    assert (server.starttls, server.tls) == (False, False)


def test_text_messages_in_the_clear_are_refused_beyond_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsRefused, match="RINNAN_SMS_URL needs https"):
        read(monkeypatch, RINNAN_SMS_URL="http://sms.example.org/")


def test_letters_lead_nobody_to_a_page_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsRefused, match="RINNAN_PORTAL_ADDRESS needs https"):
        read(monkeypatch, RINNAN_PORTAL_ADDRESS="http://portal.example.org")


@pytest.mark.parametrize("address", ["https://sms.example.org/", "http://127.0.0.1:20101/sms"])
def test_text_messages_go_to_loopback_or_over_https(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    assert read(monkeypatch, RINNAN_SMS_URL=address).sms_url == address


def test_a_short_pepper_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read(monkeypatch, RINNAN_CODE_PEPPER="short")
    assert "short" not in str(refused.value)
