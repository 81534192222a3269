"""What a county's staff do with Rinnan: look at lives and deliveries, and take packages through their life."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from rinnan_local.player import Player, SaidNo

Told = Mapping[str, Any]
NOT_FOUND = 404


class MemberOfStaff(Player):
    """One member of a county's staff, by `person` of `staff.toml`."""

    realm = "staff"

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

    async def stuck(self) -> list[str]:
        """The processes in which a registration is held, or a message was set aside."""
        addresses = self.installation.addresses
        return [
            room
            for room in (*addresses.rooms, *addresses.hosts)
            if await self._read(room, "/operations/held") or await self._read(room, "/operations/dead-letters")
        ]

    async def release(self, delivery: Told) -> None:
        """Hand a prepared package to the people who key in."""
        await self._act(delivery, "release")

    async def key_in(self, delivery: Told) -> None:
        """Say that the package was keyed in."""
        await self._act(delivery, "keyed-in")

    async def verify(self, delivery: Told) -> None:
        """Say that what another keyed in was checked."""
        await self._act(delivery, "verified")

    async def documents(self, delivery: Told) -> list[Told]:
        """What its renderer keeps of a delivery's package."""
        listed = await self._read(renderer(delivery), f"/registrations/{delivery['registration_id']}/documents")
        return [each for each in listed if each["delivery_id"] == delivery["delivery_id"]]

    async def read(self, delivery: Told, document: Told) -> bytes:
        """One document. Its renderer notes the look."""
        path = f"/documents/{document['document_id']}"
        return (await self.ask("GET", renderer(delivery), path, as_=self.signed_in)).content

    async def download(self, delivery: Told, folder: Path, media_type: str = "application/pdf") -> list[Path]:
        """Save a package's documents of one kind; those that protect a parent stay where they are."""
        found = [each for each in await self.documents(delivery) if each["media_type"] == media_type]
        contents = {each["name"]: await self.read(delivery, each) for each in found if not each["protected"]}
        return await asyncio.to_thread(_save, contents, folder)

    async def _read(self, room: str, path: str) -> Any:
        return (await self.ask("GET", room, path, as_=self.signed_in)).json()

    async def _act(self, delivery: Told, act: str) -> None:
        path = f"/registrations/{delivery['registration_id']}/deliveries/{delivery['delivery_id']}/{act}"
        await self.ask("POST", "record_export", path, as_=self.signed_in)


def renderer(delivery: Told) -> str:
    """The process that renders a delivery's package."""
    return f"host_{delivery['package']['renderer'].replace('-', '_')}"


def _save(contents: Mapping[str, bytes], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in sorted(contents)]
