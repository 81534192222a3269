"""What a county's staff do with Rinnan: look at lives and deliveries, and take packages through their life."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from pathlib import Path
from uuid import UUID

import httpx

from rinnan_local.player import Installation, Player, SaidNo

Told = Mapping[str, Any]
NOT_FOUND = 404


class MemberOfStaff(Player):
    """One member of a county's staff, by `person` of `staff.toml`."""

    realm = "staff"

    def __init__(self, installation: Installation, person: str, **how: Any) -> None:
        super().__init__(installation, person, **how)

    async def life(self, registration_id: UUID) -> Told:
        """The whole life of a registration, as event_log tells it."""
        return await self._read("event_log", f"/registrations/{registration_id}/life")

    async def log_is_whole(self) -> Told:
        """What a walk over the whole log found."""
        return await self._read("event_log", "/verification")

    async def deliveries(self, registration_id: UUID) -> list[Told]:
        """Every delivery of a registration; none as long as record_export has not heard of it."""
        try:
            return await self._read("record_export", f"/registrations/{registration_id}/deliveries")
        except SaidNo as no:
            if no.status != NOT_FOUND:
                raise
            return []

    async def unsettled(self) -> list[Told]:
        """The county's deliveries that are not over."""
        return await self._read("record_export", "/deliveries")

    async def release(self, delivery: Told) -> None:
        """Hand a prepared package to the people who key in."""
        await self._act(delivery, "release")

    async def key_in(self, delivery: Told) -> None:
        """Say that the package was keyed in."""
        await self._act(delivery, "keyed-in")

    async def verify(self, delivery: Told) -> None:
        """Say that what another keyed in was checked."""
        await self._act(delivery, "verified")

    async def download(self, delivery: Told, folder: Path) -> list[Path]:
        """Save the documents of a package that this member may see; those that protect a parent stay where they are."""
        host = f"host_{delivery['destination'].replace('-', '_')}"
        rendered = await self._read(host, f"/registrations/{delivery['registration_id']}/documents")
        saved: list[Path] = []
        for document in rendered:
            if document["delivery_id"] != delivery["delivery_id"] or document["protected"]:
                continue
            answer = await self.ask("GET", host, f"/documents/{document['document_id']}", as_=self.signed_in)
            folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a local folder of the demo
            path = folder / document["name"]
            path.write_bytes(answer.content)
            saved.append(path)
        return sorted(saved)

    async def documents(self, delivery: Told) -> list[Told]:
        """What was rendered for a delivery, as its renderer lists it."""
        path = f"/registrations/{delivery['registration_id']}/documents"
        listed = (await self._of_renderer(delivery, path)).json()
        return [each for each in listed if each["document_id"] in delivery["package"]["documents"]]

    async def download(self, delivery: Told, into: Path, media_type: str = "application/pdf") -> list[Path]:
        """Read the documents of one kind and keep them in a folder. Each look is noted by the renderer."""
        into.mkdir(parents=True, exist_ok=True)
        kept: list[Path] = []
        for document in await self.documents(delivery):
            if document["media_type"] == media_type:
                file = into / Path(document["name"]).name
                file.write_bytes((await self._of_renderer(delivery, f"/documents/{document['document_id']}")).content)
                kept.append(file)
        return sorted(kept)

    async def _of_renderer(self, delivery: Told, path: str) -> httpx.Response:
        host = f"host_{delivery['package']['renderer'].replace('-', '_')}"
        return await self.ask("GET", host, path, as_=self.signed_in)

    async def _read(self, room: str, path: str) -> Any:
        return (await self.ask("GET", room, path, as_=self.signed_in)).json()

    async def _act(self, delivery: Told, act: str) -> None:
        path = f"/registrations/{delivery['registration_id']}/deliveries/{delivery['delivery_id']}/{act}"
        await self.ask("POST", "record_export", path, as_=self.signed_in)
