"""Wrapping keys: one per seal group. A process holds only those of the groups that its room may open."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rinnan_chassis.sealing import KEY_BYTES, KeyNotHeld
from rinnan_events import Group

_NONCE_BYTES: Final = 12


class WrappingKeysUnreadable(Exception):  # noqa: N818 - a state of the settings
    """The wrapping keys are not `{group: base64url of 32 bytes}`. Says where, never what."""


class WrappingKeysMissing(Exception):  # noqa: N818 - a state of the settings
    """The process was not given the wrapping keys of the seal groups that its room seals and opens."""


class WrappingKeyWrong(Exception):  # noqa: N818 - a state of the settings
    """A wrapped key does not unwrap: this process was given another wrapping key, or the keyring was changed.

    It blames no message: until it is put right, the keyring is as good as away.
    """

    def __init__(self, group: Group) -> None:
        super().__init__(group.value)
        self.group = group


class Bound(NamedTuple):
    """Bytes of a key, bare or wrapped, and the name that they are bound to."""

    name: bytes
    raw: bytes


class Wrapping(Protocol):
    """The port to whatever holds the wrapping keys. A transit engine takes a batch of one group in one call."""

    @property
    def groups(self) -> Collection[Group]:
        """The groups whose keys can be wrapped and unwrapped here."""
        ...

    async def wrap(self, group: Group, keys: Sequence[Bound]) -> list[bytes]:
        """The keys, wrapped, in the same order. Raises: KeyNotHeld."""
        ...

    async def unwrap(self, group: Group, keys: Sequence[Bound]) -> list[bytes]:
        """The keys, bare, in the same order. Raises: KeyNotHeld, WrappingKeyWrong."""
        ...


class HeldWrapping:
    """Wrapping keys from a file or the environment, held by this process: AES-GCM, bound to the key's name."""

    def __init__(self, wrapping_keys: Mapping[Group, bytes]) -> None:
        self._ciphers = {group: AESGCM(key) for group, key in wrapping_keys.items()}

    @property
    def groups(self) -> Collection[Group]:
        return self._ciphers.keys()

    async def wrap(self, group: Group, keys: Sequence[Bound]) -> list[bytes]:
        cipher = self._cipher(group)
        nonces = [os.urandom(_NONCE_BYTES) for _ in keys]
        return [nonce + cipher.encrypt(nonce, key.raw, key.name) for nonce, key in zip(nonces, keys, strict=True)]

    async def unwrap(self, group: Group, keys: Sequence[Bound]) -> list[bytes]:
        cipher = self._cipher(group)
        try:
            return [cipher.decrypt(key.raw[:_NONCE_BYTES], key.raw[_NONCE_BYTES:], key.name) for key in keys]
        except InvalidTag:
            raise WrappingKeyWrong(group) from None

    def _cipher(self, group: Group) -> AESGCM:
        cipher = self._ciphers.get(group)
        if cipher is None:
            raise KeyNotHeld(group)
        return cipher


def load_wrapping_keys(path: Path) -> dict[Group, bytes]:
    """Wrapping keys from a file, `{group: base64url of 32 bytes}`. Raises: WrappingKeysUnreadable."""
    try:
        return read_wrapping_keys(path.read_text("utf-8"))
    except OSError as error:
        raise WrappingKeysUnreadable(f"{path.name}: {error.strerror}") from None


def read_wrapping_keys(text: str) -> dict[Group, bytes]:
    """Wrapping keys from the same JSON, as an environment variable holds it. Raises: WrappingKeysUnreadable."""
    try:
        told = json.loads(text)
        keys = {Group(group): base64.b64decode(key, b"-_", validate=True) for group, key in told.items()}
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise WrappingKeysUnreadable("not a JSON object of seal groups and base64url keys") from None
    if short := sorted(group for group, key in keys.items() if len(key) != KEY_BYTES):
        raise WrappingKeysUnreadable("not 32 bytes: " + ", ".join(short))
    return keys


def write_wrapping_keys(keys: Mapping[Group, bytes]) -> str:
    """The JSON that `read_wrapping_keys` reads. It is a secret."""
    return json.dumps({group.value: base64.urlsafe_b64encode(key).decode() for group, key in sorted(keys.items())})
