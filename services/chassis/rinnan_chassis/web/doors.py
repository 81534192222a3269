"""The doors of an HTTP API: who may come in, with what key against repeats, seeing which version."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from rinnan_chassis.deciding import PartyToken
from rinnan_chassis.web.issuers import Issuers, Person, Right, Staff
from rinnan_chassis.web.problems import Fault, NotAllowed, NotFound, NotSignedIn, NotValid
from rinnan_chassis.web.tokens import PartyTokenCheck

_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
_VERSION: Final = re.compile(r'"(0|[1-9][0-9]{0,17})"')

_party_bearer = HTTPBearer(scheme_name="party", description="A party token: at most 15 minutes.", auto_error=False)
_person_bearer = HTTPBearer(scheme_name="person", description="A token of a parents' issuer.", auto_error=False)
_staff_bearer = HTTPBearer(scheme_name="staff", description="A token of a county's staff issuer.", auto_error=False)

Credentials = HTTPAuthorizationCredentials | None


class Doors:
    """FastAPI dependencies, made from one object: `Depends(doors.party)`, `Depends(doors.staff(Right.ACT))`.

    A room that does not know parties, or no issuers, leaves that out; its door then lets nobody in.
    """

    def __init__(self, *, parties: PartyTokenCheck | None = None, issuers: Issuers | None = None) -> None:
        self._parties = parties
        self._issuers = issuers

    async def party(self, request: Request, shown: Annotated[Credentials, Security(_party_bearer)]) -> PartyToken:
        """The party whose token is shown.

        Where the path names a registration it must be the token's own: any other does not exist for its bearer.
        """
        if shown is None or self._parties is None:
            raise NotSignedIn
        token = self._parties.read(shown.credentials)
        named = request.path_params.get("registration_id")
        if named is not None and not _is(named, token.registration_id):
            raise NotFound
        return token

    async def person(self, shown: Annotated[Credentials, Security(_person_bearer)]) -> Person:
        """The person who is signed in with a parents' issuer."""
        if shown is None or self._issuers is None:
            raise NotSignedIn
        return await self._issuers.person(shown.credentials)

    def staff(self, *rights: Right) -> Callable[..., Awaitable[Staff]]:
        """A door for a member of staff who has all of `rights`; the rights are separate, none includes another."""

        async def staff(shown: Annotated[Credentials, Security(_staff_bearer)]) -> Staff:
            if shown is None or self._issuers is None:
                raise NotSignedIn
            member = await self._issuers.staff(shown.credentials)
            if not member.rights.issuperset(rights):
                raise NotAllowed
            return member

        return staff


async def _key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key", description="The same key again gives the same answer: 1 to 128 visible ASCII."
        ),
    ] = None,
) -> str | None:
    if key is not None and _KEY.fullmatch(key) is None:
        raise NotValid([Fault("Idempotency-Key", "chassis.wrong_form")])
    return key


async def _seen(
    version: Annotated[
        str | None, Header(alias="If-Match", description='The version of one\'s own part that was read, as `"3"`.')
    ] = None,
) -> int | None:
    if version is None:
        return None
    match = _VERSION.fullmatch(version)
    if match is None:
        raise NotValid([Fault("If-Match", "chassis.wrong_form")])
    return int(match.group(1))


Key = Annotated[str | None, Depends(_key)]
"""The caller's key against repeats, where one is sent."""

Seen = Annotated[int | None, Depends(_seen)]
"""The version of their own part that the caller saw last, where it is told."""


def etag(version: int) -> dict[str, str]:
    """The header that tells the version of the caller's own part."""
    return {"ETag": f'"{version}"'}


def _is(named: object, known: UUID) -> bool:
    try:
        return UUID(str(named)) == known
    except ValueError:
        return False
