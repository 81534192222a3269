"""Everything that a process reads from its environment. Missing or unknown: it does not start."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from urllib.parse import parse_qs, urlsplit

from aiokafka.helpers import create_ssl_context
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rinnan_chassis.addresses import is_loopback
from rinnan_chassis.wrapping import load_wrapping_keys, read_wrapping_keys
from rinnan_events import Group

PREFIX = "RINNAN_"


class SettingsRefused(Exception):  # noqa: N818 - a state of the environment
    """The environment does not say what the process needs, or says what nobody knows. Names variables, never values."""


class FromEnvironment(BaseSettings):
    """What is read from variables with the prefix RINNAN_. One process, one such class: a variable more is refused."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    @classmethod
    def read(cls, **more: Any) -> Self:
        """The settings of this process. Raises: SettingsRefused, with a sentence for each variable."""
        try:
            return cls(**more)
        except ValidationError as error:
            raise SettingsRefused("; ".join(_told(fault["loc"], fault["msg"]) for fault in error.errors())) from None

    @model_validator(mode="after")
    def _refuse_what_nobody_reads(self) -> Self:
        known = {f"{PREFIX}{name}".upper() for name in type(self).model_fields}
        unknown = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)
        if unknown:
            raise ValueError("unknown setting " + ", ".join(unknown))
        return self


class KafkaSettings(FromEnvironment):
    """How Kafka is reached."""

    kafka_servers: str
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    kafka_certificate_file: Path | None = None
    kafka_key_file: Path | None = None

    @model_validator(mode="after")
    def _sasl_has_a_name(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_sasl_username and self.kafka_sasl_password
        ):
            raise ValueError("SASL needs RINNAN_KAFKA_SASL_USERNAME and RINNAN_KAFKA_SASL_PASSWORD")
        return self

    def kafka_arguments(self) -> dict[str, Any]:
        """What every aiokafka client is given: servers, TLS and SASL."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.kafka_servers,
            "security_protocol": self.kafka_security_protocol,
        }
        if self.kafka_security_protocol.endswith("SSL"):
            arguments["ssl_context"] = create_ssl_context(
                cafile=self.kafka_ca_file, certfile=self.kafka_certificate_file, keyfile=self.kafka_key_file
            )
        if self.kafka_security_protocol.startswith("SASL") and self.kafka_sasl_password:
            arguments["sasl_mechanism"] = self.kafka_sasl_mechanism
            arguments["sasl_plain_username"] = self.kafka_sasl_username
            arguments["sasl_plain_password"] = self.kafka_sasl_password.get_secret_value()
        return arguments


class DatabaseSettings(FromEnvironment):
    """How PostgreSQL is reached, besides its address."""

    database_ca_file: Path | None = Field(None, description="PostgreSQL is then spoken to over checked TLS only.")
    database_certificate_file: Path | None = None
    database_key_file: Path | None = None

    def database_arguments(self) -> dict[str, Any]:
        """What asyncpg is given besides an address: TLS, where files are named; else the address says it."""
        if not self.database_ca_file:
            return {}
        context = ssl.create_default_context(cafile=self.database_ca_file)
        if self.database_certificate_file:
            context.load_cert_chain(self.database_certificate_file, self.database_key_file)
        return {"ssl": context}


class Settings(KafkaSettings, DatabaseSettings):
    """What every room reads: addresses and secrets. What a county decides is not here."""

    database_url: SecretStr
    keyring_url: SecretStr | None = Field(None, description="Where the keyring is; by default in the same database.")
    wrapping_keys_file: Path | None = None
    wrapping_keys: SecretStr | None = Field(None, description="The same JSON as in the file, instead of it.")

    topics_file: Path
    counties_dir: Path | None = None
    contracts_dir: Path | None = None

    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=0, le=65_535, description="0: any free port.")
    health_host: str = Field("127.0.0.1", description="Where /livez, /readyz and /metrics are asked, and nothing else.")
    health_port: int = Field(ge=0, le=65_535, description="Never reached by people: metrics count what others do.")
    party_keys_file: Path | None = Field(None, description="JWKS with the public keys of party tokens.")
    issuers_file: Path | None = None

    clock_file: Path | None = Field(None, description="A clock that runs faster; only where all is on loopback.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if self.wrapping_keys_file and self.wrapping_keys:
            raise ValueError("RINNAN_WRAPPING_KEYS_FILE and RINNAN_WRAPPING_KEYS exclude each other")
        if self.clock_file and not self.on_loopback():
            raise ValueError("RINNAN_CLOCK_FILE is for a stack that is wholly on loopback")
        if self.http_port and self.http_port == self.health_port:
            raise ValueError(
                "RINNAN_HEALTH_PORT must differ from RINNAN_HTTP_PORT: the port is what tells the two apart"
            )
        return self

    def database(self) -> str:
        """The address of this room's database, with its secret."""
        return self.database_url.get_secret_value()

    def keyring(self) -> str:
        """The address of the keyring, with its secret."""
        return (self.keyring_url or self.database_url).get_secret_value()

    def profile_folders(self) -> tuple[Path, Path]:
        """Where contracts and counties lie. Raises: SettingsRefused."""
        if self.contracts_dir is None or self.counties_dir is None:
            raise SettingsRefused("RINNAN_CONTRACTS_DIR and RINNAN_COUNTIES_DIR must be set")
        return self.contracts_dir, self.counties_dir

    def held_wrapping_keys(self) -> dict[Group, bytes]:
        """The wrapping keys that this process was given; none is an answer too. Raises: WrappingKeysUnreadable."""
        if self.wrapping_keys_file:
            return load_wrapping_keys(self.wrapping_keys_file)
        return read_wrapping_keys(self.wrapping_keys.get_secret_value()) if self.wrapping_keys else {}

    def on_loopback(self) -> bool:
        """Whether this process listens on loopback only and its Kafka and PostgreSQL are there too."""
        hosts = [self.http_host, self.health_host, *map(_kafka_host, self.kafka_servers.split(","))]
        for url in (self.database(), self.keyring()):
            hosts += _database_hosts(url)
        return all(map(is_loopback, hosts))


def _told(where: tuple[int | str, ...], what: str) -> str:
    return f"{PREFIX}{str(where[0]).upper()}: {what}" if where else what.removeprefix("Value error, ")


def _kafka_host(server: str) -> str:
    return urlsplit(f"kafka://{server.strip()}").hostname or ""


def _database_hosts(url: str) -> list[str]:
    """The hosts of a PostgreSQL address; a directory of Unix sockets is one."""
    address = urlsplit(url)
    named = parse_qs(address.query).get("host", [])
    return [*named, address.hostname] if address.hostname else named
