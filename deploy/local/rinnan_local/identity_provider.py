"""The development OpenID Connect provider: test persons sign in, parents and staff at issuers of their own.

Anybody who can reach it can be anybody, so it listens on loopback only and refuses to start elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

import uvicorn
from fastapi import APIRouter, FastAPI, Form, HTTPException, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import BaseModel, ConfigDict

from rinnan_chassis.addresses import is_loopback
from rinnan_chassis.clock import Clock, clock_of
from rinnan_chassis.secret_files import write_secretly
from rinnan_local.families import FAMILIES
from rinnan_local.keys import AUDIENCE
from rinnan_local.people import STAFF, Claims, load_staff, parents_claims, staff_claims
from rinnan_local.ports import LOOPBACK

ALGORITHM = "RS256"
TOKEN_LIFE = timedelta(hours=1)
CODE_LIFE = timedelta(minutes=5)
TEST_PERSON = "urn:rinnan:development:test-person"

pages = Environment(loader=PackageLoader("rinnan_local", "pages"), autoescape=True)


class NotOnLoopback(Exception):  # noqa: N818 - a state of the settings
    """A development tool was asked to listen where others could reach it."""


class AuthorizationRequest(BaseModel):
    """An OpenID Connect authorization request, code flow with PKCE; the redirect must lead to this machine."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    response_type: str
    client_id: str
    redirect_uri: str
    scope: str
    code_challenge: str
    code_challenge_method: str
    state: str | None = None
    nonce: str | None = None

    def refuse_what_is_not_served(self) -> None:
        if self.response_type != "code" or "openid" not in self.scope.split():
            raise HTTPException(400, "only the OpenID Connect code flow is served")
        if self.code_challenge_method != "S256":
            raise HTTPException(400, "only PKCE with S256 is served")
        if not is_loopback(urlsplit(self.redirect_uri).hostname or ""):
            raise HTTPException(400, "only redirects to this machine are served")


@dataclass(slots=True)
class Realm:
    """One issuer: its people, its key, and the codes that were handed out and not yet exchanged."""

    name: str
    issuer: str
    people: Mapping[str, Claims]
    key: RSAKey
    clock: Clock
    codes: dict[str, tuple[AuthorizationRequest, str, float]] = field(
        default_factory=dict[str, tuple[AuthorizationRequest, str, float]]
    )

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", TEST_PERSON],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid"],
            "acr_values_supported": ["strong"],
        }

    def tokens(self, person: str, *, client_id: str, nonce: str | None = None) -> dict[str, Any]:
        """An id token for the client, and an access token with the same claims for Rinnan's services."""
        id_token = self._signed(person, client_id, {"nonce": nonce} if nonce else {})
        return {
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFE.total_seconds()),
            "scope": "openid",
            "id_token": id_token,
            "access_token": self._signed(person, AUDIENCE, {}),
        }

    def _signed(self, person: str, audience: str, more: Claims) -> str:
        now = int(self.clock.now().timestamp())
        frame = {"iss": self.issuer, "aud": audience, "iat": now, "exp": now + int(TOKEN_LIFE.total_seconds())}
        header = {"alg": ALGORITHM, "kid": self.key.kid}
        return jwt.encode(header, {**self.people[person], **frame, **more}, self.key)

    def code_for(self, request: AuthorizationRequest, person: str) -> str:
        code = secrets.token_urlsafe(24)
        self.codes[code] = (request, person, (self.clock.now() + CODE_LIFE).timestamp())
        return code

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        """Tokens for a code, once. A code is used up by any attempt."""
        request, person, expires_at = self.codes.pop(code, (None, "", 0.0))
        if (
            request is None
            or self.clock.now().timestamp() > expires_at
            or request.redirect_uri != redirect_uri
            or request.code_challenge != _challenge(verifier)
        ):
            raise HTTPException(400, "invalid_grant")
        return self.tokens(person, client_id=request.client_id, nonce=request.nonce)


def routes(realm: Realm) -> APIRouter:
    """The endpoints of one issuer."""
    router = APIRouter(prefix=f"/{realm.name}")

    @router.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return realm.discovery()

    @router.get("/jwks")
    async def jwks() -> dict[str, Any]:
        return {"keys": [realm.key.as_dict(private=False)]}

    @router.get("/authorize")
    async def choose_a_person(request: Annotated[AuthorizationRequest, Query()]) -> HTMLResponse:
        request.refuse_what_is_not_served()
        people = [(person, _shown_name(claims)) for person, claims in sorted(realm.people.items())]
        page = pages.get_template("sign_in.html")
        return HTMLResponse(page.render(realm=realm.name, request=request.model_dump_json(), people=people))

    @router.post("/authorize")
    async def sign_in(request: Annotated[str, Form()], person: Annotated[str, Form()]) -> RedirectResponse:
        asked = AuthorizationRequest.model_validate_json(request)
        asked.refuse_what_is_not_served()
        _known(realm, person)
        answer = {"code": realm.code_for(asked, person), "iss": realm.issuer}
        if asked.state is not None:
            answer["state"] = asked.state
        joiner = "&" if urlsplit(asked.redirect_uri).query else "?"
        return RedirectResponse(f"{asked.redirect_uri}{joiner}{urlencode(answer)}", status_code=303)

    @router.post("/token")
    async def token(
        grant_type: Annotated[str, Form()],
        person: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
        code_verifier: Annotated[str, Form()] = "",
        redirect_uri: Annotated[str, Form()] = "",
    ) -> dict[str, Any]:
        """Tokens for a code; or, for programs in development only, at once for a test person by id."""
        match grant_type:
            case "authorization_code":
                return realm.exchange(code, code_verifier, redirect_uri)
            case str(given) if given == TEST_PERSON:
                return realm.tokens(_known(realm, person), client_id=AUDIENCE)
            case _:
                raise HTTPException(400, "unsupported_grant_type")

    return router


def create_app(base_url: str, people: Mapping[str, Mapping[str, Claims]], key: RSAKey, clock: Clock) -> FastAPI:
    """The provider with one issuer per entry of `people`, at `<base_url>/<name>`. Raises: `NotOnLoopback`."""
    if not is_loopback(urlsplit(base_url).hostname or ""):
        raise NotOnLoopback("the development identity provider is for this machine only")
    app = FastAPI(title="Rinnan development identity provider", docs_url=None, redoc_url=None, openapi_url=None)
    for name, realm_people in people.items():
        app.include_router(routes(Realm(name, f"{base_url}/{name}", realm_people, key, clock)))

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    return app


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)


def kept_key(path: Path) -> RSAKey:
    """The key of a file, made at the first start: a provider that comes back signs as before."""
    if path.exists():
        return RSAKey.import_key(json.loads(path.read_bytes()))
    key = new_key()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_secretly(path, json.dumps({**key.as_dict(private=True), "kid": key.kid}))
    return key


def _known(realm: Realm, person: str) -> str:
    if person not in realm.people:
        raise HTTPException(400, "no such test person")
    return person


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _shown_name(claims: Claims) -> str:
    names = [claims.get("name"), claims.get("given_name"), claims.get("family_name"), claims.get("county")]
    return " ".join(name for name in names if name)


def main() -> None:
    """Serve until ended: `python -m rinnan_local.identity_provider --port 20100`."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--families", type=Path, default=FAMILIES)
    parser.add_argument("--staff", type=Path, default=STAFF)
    parser.add_argument("--clock-file", type=Path)
    parser.add_argument("--key-file", type=Path)
    options = parser.parse_args()
    people = {"parents": parents_claims(options.families), "staff": staff_claims(load_staff(options.staff))}
    key = kept_key(options.key_file) if options.key_file else new_key()
    clock = clock_of(options.clock_file, on_loopback=is_loopback(options.host))
    app = create_app(f"http://{options.host}:{options.port}", people, key, clock)
    uvicorn.run(app, host=options.host, port=options.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
