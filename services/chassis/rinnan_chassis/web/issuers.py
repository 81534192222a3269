"""The OpenID Connect issuers a room believes: persons with strong identification, and a county's staff."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import httpx
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from rinnan_chassis.addresses import is_private
from rinnan_chassis.clock import Clock
from rinnan_chassis.deciding import Unavailable
from rinnan_chassis.web.problems import NotSignedIn
from rinnan_chassis.web.tokens import key_set, public_keys, text, unverified, verified

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA", "Ed25519")
EVERY_COUNTY: Final = "*"
Kind = TypeVar("Kind", "ParentIssuer", "StaffIssuer")


log = logging.getLogger(__name__)


class Right(StrEnum):
    """What a member of staff may do: separate rights, none includes another.

    Each holds for one's own county. *Operate* extends them to what belongs to no known county: an issuer that speaks
    for one county cannot give it.
    """

    LIFE = "life"
    BODIES = "bodies"
    PROTECTED = "protected"
    ACT = "act"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Person:
    """A person as a parents' issuer knows them. `strong` says that the identification itself was strong.

    Whoever has a single name has it in `family_name`, and `given_names` is empty.
    """

    issuer: str
    subject: str
    identity_code: str | None
    given_names: str
    family_name: str
    birth_date: date | None
    non_disclosure: bool | None
    strong: bool


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of a county's staff, and what they may do."""

    issuer: str
    subject: str
    county: str
    rights: frozenset[Right]

    @property
    def actor(self) -> str:
        """Who acts, without a name, so that two people of two issuers are never taken for one."""
        return f"{self.issuer}#{self.subject}"

    @property
    def sees(self) -> frozenset[str | None]:
        """The counties whose subjects are there for this member of staff; None: those of no known county."""
        return frozenset({self.county, None}) if Right.OPERATE in self.rights else frozenset({self.county})


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PersonClaims(_Settings):
    """Which claims a parents' issuer tells a person in."""

    identity_code: str = "urn:oid:1.2.246.21"
    given_names: str = "given_name"
    family_name: str = "family_name"
    birth_date: str = "birthdate"
    non_disclosure: str = "non_disclosure"


class StaffClaims(_Settings):
    """Which claims a county's issuer tells a member of staff in."""

    county: str = "county"
    rights: str = "rights"


class _Issuer(_Settings):
    issuer: str
    audience: str
    jwks_uri: str | None = None
    jwks_file: Path | None = None

    @model_validator(mode="after")
    def _has_one_safe_source_of_keys(self) -> _Issuer:
        if (self.jwks_uri is None) == (self.jwks_file is None):
            raise ValueError("give either jwks_uri or jwks_file")
        if self.jwks_uri is not None and not is_private(self.jwks_uri):
            raise ValueError("jwks_uri needs https, except on loopback")
        return self


class ParentIssuer(_Issuer):
    """Where parents sign in. `strong_acr` names the values of `acr` that mean strong identification."""

    kind: Literal["parent"]
    strong_acr: frozenset[str] = frozenset()
    claims: PersonClaims = PersonClaims()


class StaffIssuer(_Issuer):
    """Where a county's staff sign in. It is believed for its own `counties` only; `["*"]` is the whole installation."""

    kind: Literal["staff"]
    counties: frozenset[str] = Field(min_length=1)
    claims: StaffClaims = StaffClaims()

    def speaks_for(self, county: str) -> bool:
        """Whether staff of this county sign in here."""
        return not self.counties.isdisjoint({county, EVERY_COUNTY})

    @property
    def gives(self) -> frozenset[Right]:
        """The rights that it can give: *operate* is of the whole installation."""
        return frozenset(Right) if EVERY_COUNTY in self.counties else frozenset(Right) - {Right.OPERATE}


Issuer = Annotated[ParentIssuer | StaffIssuer, Field(discriminator="kind")]
_ISSUERS: Final = TypeAdapter(list[Issuer])


def issuers_of(path: Path) -> list[ParentIssuer | StaffIssuer]:
    """The issuers of a settings file: JSON (a list) or TOML (`[[issuers]]`). Key files are relative to it.

    Raises: ValueError for an unknown setting, an unsafe address or an issuer told twice for one kind.
    """
    content = path.read_text(encoding="utf-8")
    told = tomllib.loads(content)["issuers"] if path.suffix == ".toml" else json.loads(content)
    found = [
        each if each.jwks_file is None else each.model_copy(update={"jwks_file": path.parent / each.jwks_file})
        for each in _ISSUERS.validate_python(told)
    ]
    names = [(each.kind, each.issuer) for each in found]
    if len(set(names)) != len(names):
        raise ValueError("an issuer is told twice")
    return found


class Keys:
    """An issuer's public keys: fetched when first needed, again when they are old or when a key is not among them.

    `rest` (real seconds) is the least time between two fetches, `fresh` the longest that fetched keys are believed
    without looking again; while the issuer is away the known keys go on.
    """

    def __init__(
        self, issuer: ParentIssuer | StaffIssuer, client: httpx.AsyncClient, *, rest: float = 30, fresh: float = 3600
    ) -> None:
        self._issuer = issuer
        self._client = client
        self._rest = rest
        self._fresh = fresh
        self._keys: KeySet | None = None if issuer.jwks_file is None else public_keys(issuer.jwks_file)
        self._tried_at: float | None = None
        self._lock = asyncio.Lock()

    async def holding(self, kid: str | None) -> KeySet:
        """The keys, looked for anew when `kid` is not among them. Raises: Unavailable when there are none yet."""
        if self._is_due(kid):
            async with self._lock:
                if self._is_due(kid):
                    await self._fetch()
        if self._keys is None:
            raise Unavailable("issuer_away")
        return self._keys

    def _is_due(self, kid: str | None) -> bool:
        if self._issuer.jwks_uri is None:
            return False
        if self._tried_at is None:
            return True
        since = time.monotonic() - self._tried_at
        known = self._keys is not None and (kid is None or any(key.kid == kid for key in self._keys.keys))
        return since >= self._fresh or (not known and since >= self._rest)

    async def _fetch(self) -> None:
        try:
            answer = await self._client.get(str(self._issuer.jwks_uri), timeout=5, follow_redirects=False)
            answer.raise_for_status()
            self._keys = key_set(answer.json())
        except (httpx.HTTPError, ValueError) as error:
            log.warning("issuer_keys_not_fetched", extra={"kind": type(error).__name__})
        finally:  # only now: who comes meanwhile waits for this answer instead of doing without
            self._tried_at = time.monotonic()


class Issuers:
    """Believes the tokens of the configured issuers, each for its own kind of people."""

    def __init__(self, issuers: Sequence[ParentIssuer | StaffIssuer], clock: Clock, client: httpx.AsyncClient) -> None:
        self._clock = clock
        self._parents = {each.issuer: (each, Keys(each, client)) for each in issuers if isinstance(each, ParentIssuer)}
        self._staff = {each.issuer: (each, Keys(each, client)) for each in issuers if isinstance(each, StaffIssuer)}

    async def person(self, token: str) -> Person:
        """The person a parents' token speaks of. Raises: NotSignedIn; Unavailable when the issuer cannot be asked."""
        issuer, claims = await self._claims(token, self._parents)
        names = issuer.claims
        try:
            born = claims.get(names.birth_date)
            hidden = claims.get(names.non_disclosure)
            return Person(
                issuer=issuer.issuer,
                subject=text(claims, "sub"),
                identity_code=text(claims, names.identity_code) if names.identity_code in claims else None,
                given_names="" if claims.get(names.given_names) is None else text(claims, names.given_names),
                family_name=text(claims, names.family_name),
                birth_date=None if born is None else date.fromisoformat(text(claims, names.birth_date)),
                non_disclosure=hidden if isinstance(hidden, bool) else None,
                strong=claims.get("acr") in issuer.strong_acr,
            )
        except (KeyError, ValueError, TypeError):
            raise NotSignedIn from None

    async def staff(self, token: str) -> Staff:
        """The member of staff a county's token speaks of. Raises: NotSignedIn; Unavailable."""
        issuer, claims = await self._claims(token, self._staff)
        try:
            told = claims.get(issuer.claims.rights, [])
            words = told.split() if isinstance(told, str) else told
            county = text(claims, issuer.claims.county)
            if not issuer.speaks_for(county):
                raise NotSignedIn
            return Staff(
                issuer=issuer.issuer,
                subject=text(claims, "sub"),
                county=county,
                rights=frozenset(right for right in issuer.gives if right.value in words),
            )
        except (KeyError, ValueError, TypeError):
            raise NotSignedIn from None

    async def _claims(self, token: str, known: Mapping[str, tuple[Kind, Keys]]) -> tuple[Kind, Mapping[str, Any]]:
        named = unverified(token, 1).get("iss")
        kid = unverified(token, 0).get("kid")
        if not isinstance(named, str) or named not in known:
            raise NotSignedIn
        issuer, keys = known[named]
        held = await keys.holding(kid if isinstance(kid, str) else None)
        return issuer, verified(
            token, held, ALGORITHMS, issuer=issuer.issuer, audience=issuer.audience, clock=self._clock
        )
