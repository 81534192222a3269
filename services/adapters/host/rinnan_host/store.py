"""The documents of packages, sealed at rest under the registration's own keys, and who looked at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from rinnan_chassis.database import Database
from rinnan_chassis.keyring import KeyName, Keyring
from rinnan_chassis.sealing import Key, KeyDestroyed, open_token, seal
from rinnan_events import Binding, Group
from rinnan_host.errors import NoSuchDocument
from rinnan_host.port import Document

TABLE = "document"


@dataclass(frozen=True, slots=True)
class Shelved:
    """What stands in the table about a document: nothing of its content."""

    document_id: UUID
    delivery_id: UUID
    registration_id: UUID
    party_id: UUID | None
    name: str
    media_type: str
    protected: bool
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Package:
    """The documents of one delivery, as they were asked for."""

    registration_id: UUID
    delivery_id: UUID
    asked_at: datetime
    documents: Sequence[Document]


async def shelve(database: Database, keyring: Keyring, package: Package) -> None:
    """Keep these documents, each sealed for the party it is about. Raises: KeyDestroyed."""
    registration_id, documents = package.registration_id, package.documents
    keys = await keyring.keys({_key(registration_id, document.party_id) for document in documents}, mint=True)
    rows: list[tuple[Any, ...]] = []
    for document in documents:
        key = keys[_key(registration_id, document.party_id)]
        if not isinstance(key, Key):
            raise KeyDestroyed
        token = seal(
            _measured(document.content), _binding(registration_id, document.party_id, document.document_id), key
        )
        kept = (document.document_id, document.party_id, document.name, document.media_type, document.protected, token)
        rows.append(kept)
    await database.execute(
        """insert into document
             (id, party_id, name, media_type, protected, sealed, registration_id, delivery_id, asked_at)
           select w.*, $7, $8, $9
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bool[], $6::text[]) as w
           on conflict (id) do update set sealed = excluded.sealed, asked_at = excluded.asked_at""",
        *([row[column] for row in rows] for column in range(6)),
        registration_id,
        package.delivery_id,
        package.asked_at,
    )


async def discard(database: Database, delivery_id: UUID, asked_by: datetime) -> None:
    """Forget the documents of a delivery that were asked for until then."""
    await database.execute("delete from document where delivery_id = $1 and asked_at <= $2", delivery_id, asked_by)


async def of_registration(database: Database, registration_id: UUID) -> list[Shelved]:
    """What is kept for a registration, by name."""
    rows = await database.fetch(f"{_SHELVED} where registration_id = $1 order by name, id", registration_id)
    return [Shelved(*row) for row in rows]


async def one(database: Database, document_id: UUID) -> Shelved:
    """One document's entry. Raises: NoSuchDocument."""
    row = await database.fetchrow(f"{_SHELVED} where id = $1", document_id)
    if row is None:
        raise NoSuchDocument
    return Shelved(*row)


async def look(database: Database, keyring: Keyring, shelved: Shelved, actor: str, now: datetime) -> bytes:
    """A document's content. Who looked is kept first. Raises: NoSuchDocument, also where its key is gone."""
    binding = _binding(shelved.registration_id, shelved.party_id, shelved.document_id)
    name = _key(shelved.registration_id, shelved.party_id)
    key = (await keyring.keys([name], mint=False))[name]
    if not isinstance(key, Key):
        raise NoSuchDocument
    token = await database.fetchval(
        """with looked as (insert into look (actor, document_id, delivery_id, looked_at) values ($1, $2, $3, $4))
           select sealed from document where id = $2""",
        actor,
        shelved.document_id,
        shelved.delivery_id,
        now,
    )
    if token is None:
        raise NoSuchDocument
    return _content(open_token(token, binding, key))


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody read a document, which may be gone since."""

    actor: str
    document_id: UUID
    looked_at: datetime


async def looks(database: Database, delivery_id: UUID) -> list[Look]:
    """Who read which document of a delivery, newest first."""
    rows = await database.fetch(
        "select actor, document_id, looked_at from look where delivery_id = $1 order by id desc", delivery_id
    )
    return [Look(*row) for row in rows]


_SHELVED = """select id, delivery_id, registration_id, party_id, name, media_type, protected, asked_at from document"""


def _key(registration_id: UUID, party_id: UUID | None) -> KeyName:
    return KeyName(registration_id, party_id, Group.RECORD)


def _binding(registration_id: UUID, party_id: UUID | None, document_id: UUID) -> Binding:
    return Binding(TABLE, str(document_id), registration_id, party_id, Group.RECORD)


def _measured(content: bytes) -> bytes:
    """Content with its length in front: a seal is padded, and a document must come back byte for byte."""
    return b"%d\n" % len(content) + content


def _content(measured: bytes) -> bytes:
    length, _, content = measured.partition(b"\n")
    return content[: int(length)]
