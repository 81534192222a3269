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
    """Where the token of a sealed part of a state rests: whose state it is, and the row's id."""

    subject: UUID
    id: str


@dataclass(frozen=True, slots=True)
class AtRest:
    """Where a document rests: the table, and whose it is. The reader supplies it; the document is not believed.

    `tokens` are those of its sealed parts that were read along; `rows` all that it is found to name while it is read.
    """

    place: str
    subject: UUID
    tokens: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
    rows: set[Row] = field(default_factory=set["Row"], compare=False)

    @classmethod
    def of(cls, schema: str, subject: UUID, tokens: Mapping[str, str] | None = None) -> Self:
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

    __slots__ = ("_binding", "_party", "mark", "plain", "rested", "row", "token")

    def __init__(
        self,
        token: str = "",
        binding: Binding | None = None,
        *,
        party: UUID | None = None,
        mark: str = "",
        plain: T | None = None,
    ) -> None:
        self.token = token
        self.mark = mark
        self.plain = plain
        self.row: Row | None = None
        self._binding = binding
        self._party = party
        self.rested: tuple[Mapping[Any, Any], AtRest] | None = None

    @property
    def binding(self) -> Binding | None:
        """Where its seal was set; None while it is not sealed, or travels in an event that says so itself."""
        if self._binding is None and self.rested is not None:  # most parts of a state are never looked at
            self._binding = _bound(*self.rested)
        return self._binding

    def bind(self, binding: Binding) -> None:
        """Say where the seal of a part was set that has travelled in an event."""
        self._binding = binding

    @property
    def party(self) -> UUID | None:
        """Whose it is."""
        return bound.party if (bound := self.binding) else self._party

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

    def at_rest(self, row: str | None) -> Any:
        """What a document says of it: its token by `row`, or the token itself. Without a binding, that alone."""
        if self.rested is not None and row:
            return self.rested[0]
        bound = self.binding
        if bound is None:
            return self.token
        written: dict[str, Any] = {"row": row} if row else {"jwe": self.token}
        written |= {"mark": bound.mark, "pty": str(bound.party) if bound.party else None, "grp": bound.group}
        if not bound.place.endswith(TABLE):
            written["place"] = bound.place
        if bound.party is None:
            written["sub"] = str(bound.subject)
        return written

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _read,
            serialization=core_schema.plain_serializer_function_ser_schema(_write, info_arg=True, when_used="always"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": "JWE compact, alg dir, enc A256GCM"}


_uuid = lru_cache(4096)(UUID)  # one state says the same few ids dozens of times


def _read(value: object, info: core_schema.ValidationInfo) -> Sealed[Any]:
    if isinstance(value, str):  # first, because it is what every heard event brings
        return Sealed(value)
    if isinstance(value, Sealed):
        return value
    if isinstance(value, dict) and isinstance(rests := info.context, AtRest):
        document: dict[str, Any] = value
        if isinstance(row := document.get("row"), str):
            part: Sealed[Any] = Sealed(rests.tokens.get(row, ""))
            part.row, part.rested = Row(rests.subject, row), (document, rests)
            rests.rows.add(part.row)
            return part
        if isinstance(token := document.get("jwe"), str):
            return Sealed(token, _bound(document, rests))
    raise ValueError("not a sealed part")


def _bound(value: Mapping[Any, Any], rests: AtRest) -> Binding:
    """The binding of a part at rest. Its reader knows where it rests; only what was heard names a place of its own."""
    try:
        mark, pty, group = value["mark"], value["pty"], Group(value["grp"])
        place, sub = value.get("place", TABLE), value.get("sub")
        party = _uuid(pty) if pty else None
        # What is of no party may have come with another subject.
        subject = rests.subject if party or sub is None else _uuid(sub)
        return Binding(rests.place if place.endswith(TABLE) else place, mark, subject, party, group)
    except (KeyError, TypeError, AttributeError):
        raise ValueError("not a sealed part") from None


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
    return value.at_rest(row(value) if row else None)


def form_of(annotation: object) -> type[Opened] | None:
    """What lies under the seal that a field's type names, or None where the field is clear."""
    for candidate in (annotation, *get_args(annotation)):
        arguments = get_args(candidate)
        if getattr(candidate, "__origin__", None) is Sealed and arguments:
            return arguments[0]
    return None
