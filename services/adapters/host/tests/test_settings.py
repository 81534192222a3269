"""What a host refuses to start with, and how a profile becomes the settings of an adapter."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from rinnan_chassis.settings import SettingsRefused
from rinnan_chassis.topics import Topics
from rinnan_host import app
from rinnan_host.app import adapter_of, room
from rinnan_host.settings import read_settings
from rinnan_profiles import Destination, Profiles

ROOT = Path(__file__).parents[4]
TOPICS = ROOT / "contracts" / "topics.toml"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "DATABASE_URL": "postgresql://adapter@127.0.0.1/rinnan",
        "KAFKA_SERVERS": "127.0.0.1:9092",
        "TOPICS_FILE": str(TOPICS),
        "CONTRACTS_DIR": str(ROOT / "contracts"),
        "COUNTIES_DIR": str(ROOT / "deploy" / "counties"),
        "HTTP_PORT": "0",
        "HEALTH_PORT": "0",
    }.items():
        monkeypatch.setenv(f"RINNAN_{name}", value)
    return monkeypatch


def serves(environment: pytest.MonkeyPatch, county: str, destination: Destination) -> None:
    environment.setenv("RINNAN_COUNTY", county)
    environment.setenv("RINNAN_DESTINATION", destination.name)
    if destination.base_url:
        environment.setenv(f"RINNAN_{destination.base_url.upper()}", "http://127.0.0.1:1/fhir")


async def test_every_shipped_destination_has_a_host_that_starts(
    environment: pytest.MonkeyPatch, profiles: Profiles
) -> None:
    for county in profiles.counties.values():
        for destination in county.destinations:
            with environment.context() as here:
                serves(here, county.code, destination)
                wired = room(*read_settings())
            assert wired.name == f"adapter_{destination.name.replace('-', '_')}"
            assert wired.speaker == f"adapter/{destination.name}"
            Topics.load(TOPICS).check(
                wired.role, speaks={app.SAYS[0].topic}, hears=wired.handlers.topics, opens=wired.opens
            )


def test_a_host_without_its_systems_address_does_not_start(environment: pytest.MonkeyPatch, profiles: Profiles) -> None:
    serves(environment, "vakehyva", profiles.county("vakehyva").destinations[0])
    environment.delenv("RINNAN_VAKEHYVA_CIS")
    with pytest.raises(SettingsRefused, match="VAKEHYVA_CIS"):
        read_settings()


def test_a_host_whose_systems_address_would_be_in_the_clear_does_not_start(
    environment: pytest.MonkeyPatch, profiles: Profiles
) -> None:
    serves(environment, "vakehyva", profiles.county("vakehyva").destinations[0])
    environment.setenv("RINNAN_VAKEHYVA_CIS", "http://cis.example.org/fhir")
    with pytest.raises(SettingsRefused, match=r"RINNAN_VAKEHYVA_CIS: .*https") as refused:
        read_settings()
    assert "example" not in str(refused.value)


def test_a_destination_that_no_profile_has_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RINNAN_COUNTY", "vakehyva")
    environment.setenv("RINNAN_DESTINATION", "elsewhere")
    with pytest.raises(SettingsRefused, match="no profile"):
        read_settings()


def test_a_host_that_is_not_told_which_says_so(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsRefused, match="RINNAN_COUNTY"):
        read_settings()


def test_an_adapter_that_cannot_do_what_the_profile_says_is_refused(
    environment: pytest.MonkeyPatch, profiles: Profiles
) -> None:
    serves(environment, "lapha", profiles.county("lapha").destinations[0])
    settings, destination, loaded, address = read_settings()
    promised = destination.capabilities.model_copy(update={"searchable": True})
    with pytest.raises(SettingsRefused, match="searchable"):
        room(settings, destination.model_copy(update={"capabilities": promised}), loaded, address)


@pytest.mark.parametrize("county", ["vakehyva", "pirha"])
@pytest.mark.parametrize("adapter", ["fhir", "template"])
@pytest.mark.parametrize("seconds", [0.5, 3, 10, 30, 60])
def test_every_adapter_that_writes_has_a_host_that_starts_with_any_ordinary_time_out(
    environment: pytest.MonkeyPatch, profiles: Profiles, county: str, adapter: str, seconds: float
) -> None:
    serves(environment, county, profiles.county(county).destinations[0])
    settings, destination, loaded, address = read_settings()
    capabilities = destination.capabilities.model_copy(
        update={"transaction": adapter == "fhir", "conditional_create": adapter == "fhir"}
    )
    changes = {"adapter": adapter, "write_timeout": timedelta(seconds=seconds), "capabilities": capabilities}
    changes |= {"settle_after": timedelta(minutes=2), "settings": {}}
    room(settings, destination.model_copy(update=changes), loaded, address)


def test_an_adapter_that_may_outlast_its_lease_is_refused(
    environment: pytest.MonkeyPatch, profiles: Profiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    serves(environment, "vakehyva", profiles.county("vakehyva").destinations[0])
    monkeypatch.setattr(Destination, "lease", timedelta(seconds=30))
    with pytest.raises(SettingsRefused, match="write_timeout"):
        room(*read_settings())


def test_an_adapter_declares_on_what_the_profile_says(environment: pytest.MonkeyPatch, profiles: Profiles) -> None:
    slow = profiles.county("pirha").destinations[0]
    serves(environment, "pirha", slow)
    found = adapter_of(*read_settings()).capabilities
    assert (found.settle_after, found.parallel, found.restricted_place) == (slow.settle_after, 4, True)


def test_what_only_the_adapter_knows_is_given_as_it_stands(environment: pytest.MonkeyPatch, profiles: Profiles) -> None:
    serves(environment, "pirha", profiles.county("pirha").destinations[0])
    settings, destination, loaded, address = read_settings()
    secret = destination.model_copy(update={"settings": {"bearer_secret": "not_there"}})
    with pytest.raises(SettingsRefused, match="pirha-cis"):
        adapter_of(settings, secret, loaded, address)


def test_a_secret_is_read_from_its_file_and_from_nowhere_else(
    environment: pytest.MonkeyPatch, profiles: Profiles, tmp_path: Path
) -> None:
    (tmp_path / "cis").write_text("shared\n")
    environment.setenv("RINNAN_SECRETS_DIR", str(tmp_path))
    serves(environment, "lapha", profiles.county("lapha").destinations[0])
    settings, *_ = read_settings()
    assert settings.secret("cis") == "shared"
    assert settings.secret("other") is None
    assert settings.secret(f"../{tmp_path.name}/cis") is None
