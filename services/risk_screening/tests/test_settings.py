"""What risk_screening refuses to start with."""

from __future__ import annotations

from pathlib import Path

import pytest

from rinnan_chassis.settings import SettingsRefused
from rinnan_chassis.topics import Topics
from rinnan_risk_screening.app import room
from rinnan_risk_screening.settings import Settings

ROOT = Path(__file__).parents[3]
WHOLE = {
    "RINNAN_DATABASE_URL": "postgresql://risk_screening@127.0.0.1/rinnan",
    "RINNAN_KAFKA_SERVERS": "127.0.0.1:9092",
    "RINNAN_TOPICS_FILE": str(ROOT / "contracts" / "topics.toml"),
    "RINNAN_CONTRACTS_DIR": str(ROOT / "contracts"),
    "RINNAN_COUNTIES_DIR": str(ROOT / "deploy" / "counties"),
    "RINNAN_HTTP_PORT": "0",
    "RINNAN_HEALTH_PORT": "0",
}


def test_the_room_asks_for_no_right_that_the_topics_do_not_give(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)
    wired = room(Settings.read())
    Topics.load(wired.settings.topics_file).check(
        wired.name, speaks={event.topic for event in wired.says}, hears=wired.handlers.topics, opens=wired.opens
    )


def test_without_the_instruments_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RINNAN_CONTRACTS_DIR")
    with pytest.raises(SettingsRefused, match="RINNAN_CONTRACTS_DIR"):
        room(Settings.read())
