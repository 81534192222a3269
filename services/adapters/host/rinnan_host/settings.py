"""What a host reads from its environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

from rinnan_chassis.addresses import is_private
from rinnan_chassis.settings import PREFIX, Settings, SettingsRefused
from rinnan_profiles import Destination, NoDestination, Profiles, UnknownCounty, load


class HostSettings(Settings):
    """Which destination this process serves. The address of its system stands in the variable that `base_url` names."""

    county: str = Field(description="The county's code.")
    destination: str = Field(description="The destination's name in the county's profile.")
    secrets_dir: Path | None = Field(None, description="A folder with one file for each secret that a profile names.")

    def secret(self, name: str) -> str | None:
        """A secret by name; None where there is none."""
        file = self.secrets_dir / name if self.secrets_dir and name == Path(name).name else None
        return file.read_text("utf-8").strip() if file and file.is_file() else None


def _private(address: str) -> str:
    if not is_private(address):
        raise ValueError("a whole record is sent there: https, except on loopback")
    return address


_Address = Annotated[str, AfterValidator(_private)]


class _Which(BaseSettings):
    """What must be known before the rest can be read: which profile names the variable of the address."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)
    county: str
    destination: str
    contracts_dir: Path
    counties_dir: Path


def read_settings() -> tuple[HostSettings, Destination, Profiles, str | None]:
    """The settings of this process, its destination, all profiles, and the address of its system where it has one.

    Raises: SettingsRefused, BrokenProfiles.
    """
    try:
        which = _Which()  # pyright: ignore[reportCallIssue] - its values come from the environment
    except ValidationError as missing:
        names = ", ".join(f"{PREFIX}{fault['loc'][0]}".upper() for fault in missing.errors())
        raise SettingsRefused(f"a host needs {names}") from None
    profiles = load(which.contracts_dir, which.counties_dir)
    try:
        destination = profiles.county(which.county).destination(which.destination)
    except (UnknownCounty, NoDestination):
        raise SettingsRefused("RINNAN_COUNTY, RINNAN_DESTINATION: no profile has this destination") from None
    own: dict[str, Any] = {destination.base_url: (_Address, ...)} if destination.base_url else {}
    settings = create_model("HostSettings", __base__=HostSettings, **own).read()
    return settings, destination, profiles, getattr(settings, destination.base_url) if destination.base_url else None
