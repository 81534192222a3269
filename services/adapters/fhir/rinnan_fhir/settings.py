"""What a county says of one FHIR destination."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Seconds = Annotated[float, Field(gt=0, le=3600)]


class FhirSettings(BaseModel):
    """One FHIR server. Unknown keys are refused.

    `settle_after_seconds`: how long after an unanswered write was given up it may still take effect, by the maker's
    word. `restricted_place`: resources labelled very restricted are readable there by a named few only. `bearer_secret`
    names a secret, never holds one. The certificate paths are for mutual TLS; `authorities` replaces the system's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+[^/\s?#]$")]
    settle_after_seconds: Seconds
    time_out_seconds: Seconds = 10
    connect_time_out_seconds: Seconds = 3
    restricted_place: bool = False
    parallel: Annotated[int, Field(ge=1, le=64)] = 4
    mapping: Annotated[str, Field(pattern=r"^[a-z0-9-]+\.toml$")] = "r4.toml"
    bearer_secret: str | None = None
    authorities: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.settle_after_seconds <= self.time_out_seconds:
            raise ValueError("settle_after_seconds must be longer than time_out_seconds")
        if self.client_key and not self.client_certificate:
            raise ValueError("client_key needs client_certificate")
        return self

    @property
    def settle_after(self) -> timedelta:
        """`settle_after_seconds` as a duration."""
        return timedelta(seconds=self.settle_after_seconds)
