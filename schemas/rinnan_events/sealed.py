"""Values that travel and rest only under a seal, and the seal groups they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Group(StrEnum):
    """A seal group: one key per registration, party (or none) and group. `contracts/topics.toml` says who may open."""

    IDENTITY = "identity"
    OWN = "own"
    CONTACT = "contact"
    PROTECTION = "protection"
    CONSENT = "consent"
    SCREENING = "screening"
    CARE = "care"
    RECORD = "record"


class Opened(BaseModel):
    """What lies under a seal, once opened. Each class belongs to one seal group."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    group: ClassVar[Group]


T = TypeVar("T", bound=Opened)


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a seal was set. It is repeated in the seal's protected header and checked on opening.

    In an event: `place` is the event's type and `mark` its id. At rest: `place` is the table and `mark` the field.
    """

    place: str
    mark: str
    subject: UUID
    party: UUID | None
    group: Group


class Row(NamedTuple):
    """Where the token of a sealed part of a state rests: whose state it is, and the row."""

    subject: UUID
    id: UUID


@dataclass(frozen=True, slots=True)
class AtRest:
    """Where a document rests: the table, and whose it is. The reader supplies it; the document is not believed.

    `tokens` are those of its sealed parts that were read along; `rows` all that it is found to name while it is read.
    """

    place: str
    subject: UUID
    tokens: Mapping[UUID, str] = field(default_factory=dict[UUID, str], compare=False)
    rows: set[Row] = field(default_factory=set["Row"], compare=False)

    @classmethod
    def of(cls, schema: str, subject: UUID, tokens: Mapping[UUID, str] | None = None) -> Self:
        """A document of this subject in a room's own schema."""
        return cls(f"{schema}{TABLE}", subject, tokens or {})


TABLE = ".subject"
"""How a place at rest ends. A part that was heard names its event instead, which no reader can know beforehand."""


class Sealed(Generic[T]):
    """A handle on one sealed part. Deciders pass it on and never look inside; only the chassis seals and opens.

    A new part starts as `Sealed.of(value, party=…)`. A part that was heard, or read back from rest, holds a `token`
    (JWE compact) and the `binding` it was sealed under. Saying it again in an event makes the chassis seal it anew.
    In a state its token rests in a `row` of its own, and is read along only for whoever is going to open it.
    """

    __slots__ = ("binding", "mark", "party", "plain", "row", "token")

    def __init__(
        self,
        token: str = "",
        binding: Binding | None = None,
        *,
        party: UUID | None = None,
        mark: str = "",
        plain: T | None = None,
        row: Row | None = None,
    ) -> None:
        self.token = token
        self.binding = binding
        self.party = binding.party if binding else party
        self.mark = mark
        self.plain = plain
        self.row = row

    def __repr__(self) -> str:
        return f"Sealed({'unsealed' if self.plain else 'token'}, {self.binding})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sealed):
            return NotImplemented
        return (self.token, self.binding, self.party, self.plain, self.row) == (
            other.token,
            other.binding,
            other.party,
            other.plain,
            other.row,
        )

    def __hash__(self) -> int:
        return hash((self.token, self.binding, self.party))

    @classmethod
    def of(cls, plain: T, *, party: UUID | None, mark: str = "") -> Self:
        """A part that is not sealed yet, owned by `party` (None: by the registration as a whole)."""
        return cls(party=party, mark=mark or type(plain).__name__, plain=plain)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _read,
            serialization=core_schema.plain_serializer_function_ser_schema(_write, info_arg=True, when_used="always"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": "JWE compact, alg dir, enc A256GCM"}


_GROUPS = {group.value: group for group in Group}
_uuid = lru_cache(4096)(UUID)  # one state says the same few ids dozens of times


def _read(value: object, info: core_schema.ValidationInfo) -> Sealed[Any]:
    if isinstance(value, str):  # first, because it is what every heard event brings
        return Sealed(value)
    match value:
        case Sealed():
            return value
        case {"jwe": str(token)} if isinstance(info.context, AtRest):
            return Sealed(token, _bound(value, info.context))
        case {"row": str(row)} if isinstance(rests := info.context, AtRest):
            rests.rows.add(there := Row(rests.subject, UUID(row)))
            return Sealed(rests.tokens.get(there.id, ""), _bound(value, rests), row=there)
        case _:
            raise ValueError("not a sealed part")


def _bound(value: object, rests: AtRest) -> Binding:
    match value:
        case {"place": str(place), "mark": str(mark), "sub": str(sub), "pty": pty, "grp": grp}:
            party, group = _uuid(pty) if pty else None, _GROUPS.get(grp) or Group(grp)
            return Binding(
                rests.place if place.endswith(TABLE) else place,
                mark,
                rests.subject if party else _uuid(sub),  # what is of no party may have come with another subject
                party,
                group,
            )
        case _:
            raise ValueError("not a sealed part")


def _write(value: Sealed[Any], info: core_schema.SerializationInfo) -> Any:
    """Write the at-rest form. A part without a token is handed to `context["unsealed"]`, which seals it or notes it.

    Where tokens rest in rows of their own, `context["row"]` tells the part's.
    """
    context = info.context or {}
    row = context.get("row")
    if not value.token and not (row and value.row):
        if "unsealed" not in context:
            raise ValueError("a part that is not sealed cannot be written")
        value = context["unsealed"](value)
    bound = value.binding
    if bound is None:
        return value.token
    party = str(bound.party) if bound.party else None
    return {
        **({"row": row(value)} if row else {"jwe": value.token}),
        "place": bound.place,
        "mark": bound.mark,
        "sub": str(bound.subject),
        "pty": party,
        "grp": bound.group,
    }


def form_of(annotation: object) -> type[Opened] | None:
    """What lies under the seal that a field's type names, or None where the field is clear."""
    for candidate in (annotation, *get_args(annotation)):
        arguments = get_args(candidate)
        if getattr(candidate, "__origin__", None) is Sealed and arguments:
            return arguments[0]
    return None
