"""What a county may set for one FHIR destination, besides what every destination has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class FhirSettings(BaseModel):
    """One FHIR server. Unknown keys are refused.

    `mapping` is a table in `contracts/fhir/`. `bearer_secret` names a secret, never holds one. The certificate paths
    are for mutual TLS; `authorities` replaces the system's. `connect_timeout_seconds`: a server that does not take the
    connection within it was certainly not reached.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mapping: Annotated[str, Field(pattern=r"^[a-z0-9-]+\.toml$")] = "r4.toml"
    connect_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 3
    bearer_secret: str | None = None
    authorities: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.client_key and not self.client_certificate:
            raise ValueError("client_key needs client_certificate")
        return self
