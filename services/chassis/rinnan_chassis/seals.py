"""Seals on the way through a room: gather the keys that a batch needs in one go, then seal, re-seal and open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

from rinnan_chassis.jsonb import RowOf, Seal
from rinnan_chassis.keyring import Destroyed, KeyName, Keyring
from rinnan_chassis.rows import PartRow
from rinnan_chassis.sealing import Key, KeyDestroyed, SealBroken, open_token, padded, seal
from rinnan_events import TABLE, AtRest, Binding, Event, Opened, Row, Sealed, sealed_fields

O = TypeVar("O", bound=Opened)  # noqa: E741 - an opened part

Keys = Mapping[KeyName, Key | Destroyed]


class SealPass:
    """One pass over what a batch writes. Without a key, the part is noted in `wanted` and a stand-in takes its place.

    Two passes make a batch: the first learns which keys and tokens are wanted, the second, with them, seals.
    """

    def __init__(
        self, keys: Keys, schema: str, *, guests: bool = False, tokens: Mapping[Row, str] | None = None
    ) -> None:
        self._keys = keys
        self._schema = schema
        self._guests = guests
        self.wanted: dict[KeyName, set[Any]] = {}
        self.read: dict[KeyName, set[Any]] = {}
        self._tokens = tokens or {}
        self.unread: set[Row] = set()
        """Where the tokens rest that have to be read."""
        self.parts: list[PartRow] = []
        """The tokens that rest from now on."""
        self.on_behalf_of: object = None

    def at_rest(self, subject: UUID) -> Seal:
        """What seals the unsealed parts of one subject's state, payload or note."""
        return partial(self._rest, subject)

    def row_of(self, subject: UUID, kept: set[Row]) -> RowOf:
        """What gives the tokens of one subject's state their rows, and notes in `kept` those that are there."""
        return partial(self._row, subject, kept)

    def said(self, event: Event, event_id: UUID) -> dict[str, str]:
        """The tokens of an event's sealed parts, bound to this event."""
        tokens: dict[str, str] = {}
        for name, group in sealed_fields(type(event)):
            part: Sealed[Any] | None = getattr(event, name)
            if part is not None:
                binding = Binding(event.type, str(event_id), event.subject, event.party, group)
                tokens[name] = self._seal(self._plain(part, binding), binding)
        return tokens

    def _row(self, subject: UUID, kept: set[Row], part: Sealed[Any]) -> str:
        if part.row is not None:
            kept.add(part.row)
            return part.row.id
        self.parts.append(PartRow(subject, row := uuid4(), part.party, part.token))
        return str(row)

    def _rest(self, subject: UUID, part: Sealed[Any]) -> Sealed[Any]:
        if part.row is not None:
            return Sealed(self._token(part) or "-", part.binding)
        if part.plain is None:
            raise SealBroken
        place = AtRest.of(self._schema, subject).place
        binding = Binding(place, part.mark, subject, part.party, part.plain.group)
        return Sealed(self._seal(part.plain.model_dump_json().encode(), binding), binding)

    def _plain(self, part: Sealed[Any], said: Binding) -> bytes:
        """What is to be said. It comes from a part of that very subject, party and group, or from a guest's."""
        if part.plain is not None:
            return part.plain.model_dump_json().encode()
        if part.binding is None or not self._may_be_said(part.binding, said):
            raise SealBroken
        name, token = _name(part.binding), self._token(part)
        key = self._keys.get(name)
        if isinstance(key, Key):
            return open_token(token, part.binding, key) if token else b""
        self.read.setdefault(name, set()).add(self.on_behalf_of)
        return b""

    def _token(self, part: Sealed[Any]) -> str:
        """The token itself; where it was not read yet, its row is noted. Raises SealBroken where it rests nowhere."""
        if part.token or part.row is None:
            return part.token
        token = self._tokens.get(part.row)
        if token is None:
            self.unread.add(part.row)
        elif not token:
            raise SealBroken
        return token or ""

    def _may_be_said(self, part: Binding, said: Binding) -> bool:
        if part.group is not said.group:
            return False
        is_guest = self._guests and part.party is None and part.subject != said.subject
        return is_guest or (part.subject, part.party) == (said.subject, said.party)

    def _seal(self, plain: bytes, binding: Binding) -> str:
        name = _name(binding)
        key = self._keys.get(name)
        if isinstance(key, Key):
            return seal(padded(plain, binding.group), binding, key)
        self.wanted.setdefault(name, set()).add(self.on_behalf_of)
        return "-"


def names_of(events: Iterable[Event]) -> tuple[set[KeyName], set[KeyName], set[Row]]:
    """The keys that these events are to be sealed with, those that open what they quote, and where that rests."""
    wanted: set[KeyName] = set()
    read: set[KeyName] = set()
    unread: set[Row] = set()
    for event in events:
        for name, group in sealed_fields(type(event)):
            part: Sealed[Any] | None = getattr(event, name)
            if part is not None:
                wanted.add(KeyName(event.subject, event.party, group))
                if part.binding is not None:
                    read.add(_name(part.binding))
                if part.row is not None and not part.token:
                    unread.add(part.row)
    return wanted, read, unread


async def open_part(
    keyring: Keyring, part: Sealed[O], model: type[O], *, subject: UUID, party: UUID | None, mark: str | None = None
) -> O:
    """What lies under one seal. Raises `KeyDestroyed` where it was erased, `SealBroken` where it is out of place.

    `mark` is the field that a part at rest was sealed for, where that is not its model's name.
    """
    binding = part.binding
    if part.plain is not None:
        return part.plain
    if binding is None or (binding.subject, binding.party, binding.group) != (subject, party, model.group):
        raise SealBroken
    if binding.place.endswith(TABLE) and binding.mark != (mark or model.__name__):
        raise SealBroken
    name = _name(binding)
    key = (await keyring.keys([name], mint=False))[name]
    if not isinstance(key, Key):
        raise KeyDestroyed
    return model.model_validate_json(open_token(part.token, binding, key))


def _name(binding: Binding) -> KeyName:
    return KeyName(binding.subject, binding.party, binding.group)
