"""Party tokens: one room says who may act for which part; the others believe its signature and know nothing else."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from rinnan_chassis.clock import Clock
from rinnan_chassis.deciding import PartyToken
from rinnan_chassis.web.problems import NotSignedIn

ISSUER: Final = "rinnan"
AUDIENCE: Final = "rinnan.party"
ALGORITHM: Final = "Ed25519"
LONGEST_LIFE: Final = timedelta(minutes=15)

_LONGEST_TOKEN: Final = 8192
_AHEAD: Final = timedelta(seconds=60)


class PartyTokens:
    """Issues party tokens. Only the room that knows the persons holds the private key."""

    def __init__(self, key: OKPKey, clock: Clock) -> None:
        if not key.is_private or key.as_dict(private=False).get("crv") != "Ed25519":
            raise ValueError("party tokens are signed with a private Ed25519 key")
        key.ensure_kid()
        self._key = key
        self._clock = clock

    def issue(
        self,
        *,
        registration_id: UUID,
        party_id: UUID,
        county: str,
        deadline: datetime,
        pins: Mapping[str, str],
        act: str | None = None,
        until: datetime | None = None,
    ) -> str:
        """A signed token that lives 15 minutes by the clock port, and never past `until`."""
        now = self._clock.now()
        ends_at = now + LONGEST_LIFE
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(party_id),
            "iat": int(now.timestamp()),
            "exp": int((ends_at if until is None else min(ends_at, until)).timestamp()),
            "jti": str(uuid4()),
            "registration": str(registration_id),
            "county": county,
            "deadline": deadline.astimezone(UTC).isoformat(),
            "pins": dict(pins),
        }
        if act is not None:
            claims["act"] = {"sub": act}
        header = {"alg": ALGORITHM, "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])


class PartyTokenCheck:
    """Believes a party token or not: signature, one algorithm, issuer, audience, times by the clock port, claims."""

    def __init__(self, keys: KeySet, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def read(self, token: str) -> PartyToken:
        """What the token says. Raises: NotSignedIn, whatever is wrong with it."""
        claims = verified(token, self._keys, [ALGORITHM], issuer=ISSUER, audience=AUDIENCE, clock=self._clock)
        try:
            issued_at, expires_at = moment(claims, "iat"), moment(claims, "exp")
            if expires_at - issued_at > LONGEST_LIFE:
                raise NotSignedIn
            UUID(text(claims, "jti"))
            deadline = datetime.fromisoformat(text(claims, "deadline"))
            pins = claims["pins"]
            act = claims.get("act")
            if deadline.tzinfo is None or not _is_texts(pins) or not (act is None or _is_texts(act)):
                raise NotSignedIn
            return PartyToken(
                registration_id=UUID(text(claims, "registration")),
                party_id=UUID(text(claims, "sub")),
                county=text(claims, "county"),
                deadline=deadline,
                pins=pins,
                act=None if act is None else text(act, "sub"),
                expires_at=expires_at,
            )
        except (KeyError, ValueError):
            raise NotSignedIn from None


def public_keys(path: Path) -> KeySet:
    """The keys of a JWKS file. Raises: ValueError when a private or a symmetric key lies among them."""
    told = json.loads(path.read_text(encoding="utf-8"))
    return key_set(told)


def key_set(told: Any) -> KeySet:
    """A JWKS document as keys. Raises: ValueError when it is none, or holds a private or a symmetric key."""
    try:
        if any("d" in each or each["kty"] == "oct" for each in told["keys"]):
            raise ValueError("a JWKS of public keys holds a secret one")
        return KeySet.import_key_set(told)
    except (JoseError, KeyError, TypeError, AttributeError):
        raise ValueError("this is no JWKS") from None


def verified(
    token: str, keys: KeySet, algorithms: Collection[str], *, issuer: str, audience: str, clock: Clock
) -> Mapping[str, Any]:
    """The claims of a JWT whose signature, issuer, audience and times hold. Raises: NotSignedIn."""
    if len(token) > _LONGEST_TOKEN:
        raise NotSignedIn
    try:
        claims = jwt.decode(token, keys, algorithms=list(algorithms)).claims
        now = clock.now()
        audiences = claims.get("aud")
        if (
            claims.get("iss") != issuer
            or audience not in (audiences if isinstance(audiences, list) else [audiences])
            or now >= moment(claims, "exp")
            or moment(claims, "iat") > now + _AHEAD
            or ("nbf" in claims and moment(claims, "nbf") > now + _AHEAD)
        ):
            raise NotSignedIn
    except (JoseError, KeyError, ValueError, TypeError, UnicodeError, RecursionError):
        raise NotSignedIn from None
    return claims


def unverified(token: str, part: int) -> Mapping[str, Any]:
    """The header (0) or the claims (1) of a JWT as its bearer wrote them, to find the key by. Raises: NotSignedIn."""
    pieces = token.split(".")
    if len(token) > _LONGEST_TOKEN or len(pieces) != 3:  # noqa: PLR2004 - header, claims, signature
        raise NotSignedIn
    try:
        told = json.loads(base64.urlsafe_b64decode(pieces[part] + "=" * (-len(pieces[part]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise NotSignedIn from None
    if not isinstance(told, dict):
        raise NotSignedIn
    return cast("Mapping[str, Any]", told)


def text(claims: Mapping[str, Any], name: str) -> str:
    """A claim that must be a text which is not empty. Raises: KeyError, ValueError."""
    value = claims[name]
    if not isinstance(value, str) or not value:
        raise ValueError(name)
    return value


def moment(claims: Mapping[str, Any], name: str) -> datetime:
    """A claim in seconds since 1970 as a moment. Raises: KeyError, ValueError."""
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(name)  # noqa: TRY004 - one kind of failure for every claim
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError):
        raise ValueError(name) from None


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in cast("dict[str, Any]", value).values())
