"""The adapter port: what a client information system's adapter does, and nothing of when, whether or how often.

An adapter holds no policy: it neither retries, waits nor decides; it does one thing when asked and tells what the far
side did. The ledger in record_export is the only judge. A result is a value, never an exception; an exception that
leaves `write` is treated as `Unknown`, because nobody can tell what the far side did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable
from uuid import UUID, uuid5

from pydantic import BaseModel

from rinnan_chassis.addresses import is_private
from rinnan_events.opened import ClientRecord, OwnForm, Scope
from rinnan_profiles import ADAPTERS, WHOLE_ANSWERS

RINNAN = UUID("6f0b3a54-31a7-5c0e-8d86-2d9e5f6a7c11")
"""The uuid5 namespace of every identifier that Rinnan makes. It never changes: old receipts are found by it."""


class Reason(StrEnum):
    """Why a destination did not do it: a class that may stand in logs and events, never the far side's own words."""

    TIMED_OUT = "timed_out"
    CONNECTION_LOST = "connection_lost"
    UNREACHABLE = "unreachable"
    BUSY = "busy"
    FAR_SIDE_FAILED = "far_side_failed"
    ANSWER_NOT_UNDERSTOOD = "answer_not_understood"
    NOT_ALLOWED = "not_allowed"
    NOT_VALID = "not_valid"
    AMBIGUOUS = "ambiguous"
    CONFLICT = "conflict"
    NOT_CAPABLE = "not_capable"


@dataclass(frozen=True, slots=True)
class DeliveryKey:
    """What one delivery is: a registration, in one scope (both parties, or one), for one destination of one county.

    Everything an adapter writes bears an identifier made from this key, so a repeat is recognised and a look-up needs
    no record.
    """

    registration_id: UUID
    party_id: UUID | None
    county: str
    destination: str

    @property
    def scope(self) -> Scope:
        """Joint where the delivery holds both parties."""
        return Scope.JOINT if self.party_id is None else Scope.SINGLE

    @property
    def delivery(self) -> UUID:
        """The one identifier that stands for the whole delivery at the destination; effects are counted by it."""
        return self.identifier("delivery", self.party_id)

    def identifier(self, role: str, about: UUID | None = None) -> UUID:
        """The identifier of the resource that plays `role` for a party or child (`about`), or for nobody.

        It is the same at every repeat and whichever destination of the county the delivery goes to.
        """
        return uuid5(RINNAN, f"{self.registration_id}/{about or 'none'}/{role}/{self.county}")


def key_of(record: ClientRecord) -> DeliveryKey:
    """The key under which a record is delivered."""
    party = record.parties[0].party_id if record.scope is Scope.SINGLE else None
    return DeliveryKey(record.registration_id, party, record.county, record.destination)


def left_open(own: OwnForm | None) -> list[tuple[str, str]]:
    """The questions that were answered by not answering, each with how, in the order of their ids."""
    given = {"services": own.services, **own.answers} if own else {}
    return [(asked, code) for asked, codes in sorted(given.items()) for code in codes if code in WHOLE_ANSWERS]


@dataclass(frozen=True, slots=True)
class Written:
    """The far side took it now. `receipt` is its own reference, with nothing personal in it.

    `effects` counts what stands there under the delivery's identifier, looked up after the write; None where the
    destination cannot be searched or the count failed. More than one means doubled.
    """

    receipt: str
    effects: int | None


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """The far side has it from an earlier write; nothing was done now. Fields as in `Written`."""

    receipt: str
    effects: int | None


@dataclass(frozen=True, slots=True)
class Absent:
    """The far side was searched and does not have it."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The far side read it and said no; asking again changes nothing. Nothing of it stands there."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Certainly not done: it never reached the far side, or the far side said so in a way that excludes doubt."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been done: no answer, or none that can be read, came after the request had left."""

    reason: Reason


WriteResult = Written | AlreadyThere | Rejected | Unavailable | Unknown
FindResult = AlreadyThere | Absent | Rejected | Unavailable
CheckResult = Rejected | Unavailable | None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a destination can do, as its adapter declares it from the product and the county's settings.

    `takes_at_most`: the longest that one `write` or `find` lasts; leases are longer. `settle_after`: how long after
    that an unanswered write may still take effect; None where the product gives no word on it, and then only a person
    may decide after `Unknown`. `restricted_place`: protected data may be written, because few can read it there.
    `parallel`: how many writes may run at once. `renders`: it makes documents for people instead of writing.
    """

    transaction: bool
    conditional_create: bool
    searchable: bool
    settle_after: timedelta | None
    restricted_place: bool
    parallel: int
    takes_at_most: timedelta
    renders: bool = False


@runtime_checkable
class Adapter(Protocol):
    """Writes client records into one installation of a client information system."""

    @property
    def capabilities(self) -> Capabilities:
        """What this destination can do. Read once, at start-up."""
        ...

    async def check(self) -> CheckResult:
        """Whether the far side can be written to and is what the settings say; None says yes. Writes nothing."""
        ...

    async def write(self, record: ClientRecord, key: DeliveryKey) -> WriteResult:
        """Write the record once. Writing the same key again has no second effect, whatever the record holds then."""
        ...

    async def find(self, key: DeliveryKey) -> FindResult:
        """Look whether a write of this key took effect. Writes nothing."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a manual-entry package. `party_id` None: it is shared and tells nothing of either party's part.

    `document_id` is deterministic, so rendering again gives the same document. `name` is a file name without anything
    personal. `protected`: only those may read it who may see what protects a parent; true unless said otherwise.
    """

    document_id: UUID
    name: str
    media_type: str
    content: bytes = field(repr=False)
    party_id: UUID | None
    protected: bool = True


@runtime_checkable
class Renderer(Protocol):
    """Makes the documents of a manual-entry package. Release, keying in and verifying are record_export's."""

    @property
    def capabilities(self) -> Capabilities:
        """As for an adapter, with `renders` true."""
        ...

    async def check(self) -> CheckResult:
        """Whether everything needed to render (letters, fonts, engine) is there; None says yes."""
        ...

    async def render(
        self, record: ClientRecord, key: DeliveryKey, *, look_first: bool, prepared_at: datetime
    ) -> tuple[Document, ...]:
        """The package. The same arguments give the same bytes.

        `look_first`: an earlier write may have taken effect, so the person is told to look for it before keying in.
        """
        ...

    async def aclose(self) -> None:
        """Let go of what rendering holds."""
        ...


def no_secret(_: str) -> str | None:
    """The secrets of a destination that has none."""
    return None


@dataclass(frozen=True, slots=True)
class Place:
    """One destination as the county's profile describes it, whatever the product.

    `contracts` is the contracts folder, where mapping tables stand; `secret(name)` reads a secret that the adapter's
    settings name (environment or file); `reference` is the loaded county profiles, for adapters that need texts, forms
    or screens. `address` is where the far side listens (https, except on loopback: else ValueError), None for a
    destination that has none. `write_timeout`: how long one answer is waited for. `settle_after`, `parallel` and
    `restricted_place` are the county's word, which the adapter declares on in its capabilities.
    """

    county: str
    destination: str
    contracts: Path
    secret: Callable[[str], str | None] = no_secret
    reference: Any = None
    address: str | None = None
    write_timeout: timedelta = timedelta(seconds=10)
    settle_after: timedelta | None = None
    parallel: int = 1
    restricted_place: bool = False

    def __post_init__(self) -> None:
        if self.address is not None and not is_private(self.address):
            raise ValueError("a destination's address needs https, except on loopback")


S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Offer(Generic[S]):
    """What an adapter package offers under its entry point: how its own settings look, and how it is made from them.

    `settings` is a closed model (unknown keys are refused) of what only this product needs; what every destination has
    is in its `Place`. `make` raises ValueError or LookupError where the place or a secret is not what it needs.
    """

    settings: type[S]
    make: Callable[[Place, S], Adapter | Renderer]

    def at(self, place: Place, settings: Mapping[str, Any]) -> Adapter | Renderer:
        """The adapter for one destination. Raises pydantic's ValidationError where the settings are not right."""
        return self.make(place, self.settings.model_validate(settings))


class NotInstalled(LookupError):  # noqa: N818 - a state of the installation
    """No installed package offers an adapter of this name."""


def offer(adapter: str) -> Offer[Any]:
    """The offer of an installed adapter. Raises `NotInstalled`, or TypeError for an entry point of another kind."""
    for found in entry_points(group=ADAPTERS, name=adapter):
        offered: object = found.load()
        if not isinstance(offered, Offer):
            raise TypeError(f"the entry point {found.value} is not an Offer")
        return offered
    raise NotInstalled(adapter)
