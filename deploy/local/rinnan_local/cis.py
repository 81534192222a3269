"""The counties' client information systems from their own side: how they behave, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx

from rinnan_local.player import NO_TLS, SaidNo
from rinnan_profiles import Destination, Profiles

OWN = "urn:ietf:rfc:3986"


class Systems:
    """The simulator's admin API, and its servers as anybody reads them."""

    def __init__(self, address: str) -> None:
        self._client = httpx.AsyncClient(base_url=address, verify=NO_TLS, timeout=10)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def behave(self, server: str, **behaviour: Any) -> None:
        """Tell a server how to meet writes from now on; nothing told means well."""
        await self._ask("PUT", f"/admin/behaviour/{server}", json=behaviour)

    async def effects(self, server: str) -> Mapping[str, int]:
        """How many resources bear each of Rinnan's identifiers on a server."""
        answer = await self._ask("GET", "/admin/effects", params={"server": server})
        return answer.json().get(server, {})

    async def identifiers(self, server: str, receipt: str) -> Sequence[str]:
        """Rinnan's identifiers on the resource that a receipt names. Raises: `SaidNo` where there is none."""
        answer = await self._ask("GET", f"/{server}/fhir/{receipt}")
        return [each["value"] for each in answer.json().get("identifier", ()) if each.get("system") == OWN]

    async def _ask(self, method: str, path: str, **told: Any) -> httpx.Response:
        answer = await self._client.request(method, path, **told)
        if answer.is_error:
            raise SaidNo(answer)
        return answer


def server_of(profiles: Profiles, county: str) -> Destination | None:
    """The destination of a county that is a system and no printer; None where there is none."""
    destinations = profiles.county(county).destinations
    return next((each for each in destinations if not each.capabilities.renders), None)
