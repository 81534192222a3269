from __future__ import annotations

from pathlib import Path

import pytest

from rinnan_chassis.settings import Settings, SettingsRefused
from rinnan_events import Group

SECRET = "do-not-say-this"


class RoomSettings(Settings):
    smtp_host: str = "127.0.0.1"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("RINNAN_DATABASE_URL", f"postgresql://intake:{SECRET}@127.0.0.1:5432/rinnan")
    monkeypatch.setenv("RINNAN_KAFKA_SERVERS", "127.0.0.1:9092")
    monkeypatch.setenv("RINNAN_TOPICS_FILE", "contracts/topics.toml")
    monkeypatch.setenv("RINNAN_HTTP_PORT", "8001")
    monkeypatch.setenv("RINNAN_HEALTH_PORT", "8002")
    return monkeypatch


def test_a_room_reads_its_own_settings_beside_the_shared_ones(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RINNAN_SMTP_HOST", "mail.example")
    settings = RoomSettings.read()
    assert (settings.smtp_host, settings.http_port, settings.http_host) == ("mail.example", 8001, "127.0.0.1")


def test_a_variable_that_nobody_reads_is_named_and_its_value_is_not(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RINNAN_DATABSE_URL", SECRET)
    with pytest.raises(SettingsRefused, match="unknown setting RINNAN_DATABSE_URL") as fault:
        RoomSettings.read()
    assert SECRET not in str(fault.value)


def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("RINNAN_KAFKA_SERVERS")
    with pytest.raises(SettingsRefused, match="RINNAN_KAFKA_SERVERS: Field required") as fault:
        RoomSettings.read()
    assert SECRET not in str(fault.value)


def test_settings_shown_show_no_secret(environment: pytest.MonkeyPatch) -> None:
    settings = RoomSettings.read()
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert SECRET in settings.database()


def test_the_keyring_is_in_the_same_database_unless_told_otherwise(environment: pytest.MonkeyPatch) -> None:
    assert RoomSettings.read().keyring() == RoomSettings.read().database()
    environment.setenv("RINNAN_KEYRING_URL", "postgresql://127.0.0.1/keyring")
    assert RoomSettings.read().keyring() == "postgresql://127.0.0.1/keyring"


def test_kafka_takes_tls_and_sasl(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RINNAN_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    environment.setenv("RINNAN_KAFKA_SASL_USERNAME", "intake")
    environment.setenv("RINNAN_KAFKA_SASL_PASSWORD", SECRET)
    arguments = RoomSettings.read().kafka_arguments()
    assert arguments.pop("ssl_context").check_hostname
    assert arguments == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "intake",
        "sasl_plain_password": SECRET,
    }


def test_sasl_without_a_name_and_password_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RINNAN_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    with pytest.raises(SettingsRefused, match="RINNAN_KAFKA_SASL_USERNAME"):
        RoomSettings.read()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RINNAN_HTTP_HOST", "0.0.0.0"),  # noqa: S104 - what must be refused
        ("RINNAN_HEALTH_HOST", "0.0.0.0"),  # noqa: S104 - the same
        ("RINNAN_KAFKA_SERVERS", "127.0.0.1:9092,kafka.example:9092"),
        ("RINNAN_DATABASE_URL", "postgresql://database.example/rinnan"),
        ("RINNAN_DATABASE_URL", "postgresql://127.0.0.1/rinnan?host=database.example"),
        ("RINNAN_KEYRING_URL", "postgresql://keyring.example/rinnan"),
    ],
)
def test_a_fast_clock_is_refused_where_anything_is_not_on_loopback(
    environment: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    environment.setenv("RINNAN_CLOCK_FILE", "clock.json")
    assert RoomSettings.read().on_loopback()
    environment.setenv(variable, value)
    with pytest.raises(SettingsRefused, match="RINNAN_CLOCK_FILE"):
        RoomSettings.read()


def test_health_has_a_port_of_its_own(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RINNAN_HEALTH_HOST", "127.0.0.2")
    environment.setenv("RINNAN_HEALTH_PORT", "8001")
    with pytest.raises(SettingsRefused, match="RINNAN_HEALTH_PORT"):
        RoomSettings.read()
    environment.setenv("RINNAN_HEALTH_PORT", "0")
    environment.setenv("RINNAN_HTTP_PORT", "0")
    assert RoomSettings.read().health_port == 0


def test_wrapping_keys_come_from_the_environment_too(environment: pytest.MonkeyPatch) -> None:
    assert RoomSettings.read().held_wrapping_keys() == {}
    environment.setenv("RINNAN_WRAPPING_KEYS", '{"care": "' + "A" * 43 + '="}')
    assert RoomSettings.read().held_wrapping_keys() == {Group.CARE: bytes(32)}
    environment.setenv("RINNAN_WRAPPING_KEYS_FILE", "keys.json")
    with pytest.raises(SettingsRefused, match="exclude each other"):
        RoomSettings.read()


@pytest.mark.parametrize("variable", ["RINNAN_CONTRACTS_DIR", "RINNAN_COUNTIES_DIR"])
def test_profiles_lie_in_two_folders_and_neither_is_guessed(environment: pytest.MonkeyPatch, variable: str) -> None:
    environment.setenv("RINNAN_CONTRACTS_DIR", "contracts")
    environment.setenv("RINNAN_COUNTIES_DIR", "counties")
    assert RoomSettings.read().profile_folders() == (Path("contracts"), Path("counties"))
    environment.delenv(variable)
    with pytest.raises(SettingsRefused, match=variable):
        RoomSettings.read().profile_folders()


def test_settings_do_not_change(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="frozen"):
        RoomSettings.read().topics_file = Path("elsewhere.toml")  # type: ignore[misc] # what must be refused
