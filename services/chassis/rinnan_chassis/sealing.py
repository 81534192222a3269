"""Sealing: JWE compact (`alg: dir`, `enc: A256GCM`), written over bare AES-GCM. Any JWE library opens what we seal.

The protected header says the key (`kid`) and where the seal was set: `place` and `mark` (an event's type and id, or a
table and its field), `sub` (subject), `pty` (party or null) and `grp` (seal group). It is authenticated with the
content, so a sealed part that is cut out and pasted elsewhere does not open.
"""

from __future__ import annotations

import os
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass, field
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rinnan_events import Binding, Group

KEY_BYTES: Final = 32
SMALLEST: Final = 256
ONE_SIZE: Final = {Group.CARE: 512, Group.PROTECTION: 1024}

_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_PARTS: Final = 5
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_+/", b"+/!!")


class SealBroken(Exception):  # noqa: N818 - a state of the world
    """This is not what was sealed here with this key: it was changed, moved, or sealed with another."""


class KeyDestroyed(Exception):  # noqa: N818 - an answer: what lay under it is forgotten
    """The key is gone and nobody can open this any more. An answer, not a fault: closed, nothing to do."""


class KeyNotHeld(Exception):  # noqa: N818 - a state of the world
    """This process holds no wrapping key for the group: `topics.toml` does not let its room open it."""

    def __init__(self, group: Group) -> None:
        super().__init__(group.value)
        self.group = group


class TooLargeToHide(Exception):  # noqa: N818 - a state of the world
    """A part of a group that has one size is larger than that size, so sealing it would tell something."""

    def __init__(self, group: Group) -> None:
        super().__init__(group.value)
        self.group = group


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the keyring. Its secret is never shown."""

    kid: str
    secret: bytes = field(repr=False)
    cipher: AESGCM = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cipher", AESGCM(self.secret))


def seal(plain: bytes, binding: Binding, key: Key) -> str:
    """Seal JSON at the place that `binding` names, padded as its group asks (padding it before changes nothing).

    Raises: TooLargeToHide.
    """
    protected = _protected(binding, key)
    nonce = os.urandom(_NONCE_BYTES)
    sealed = key.cipher.encrypt(nonce, padded(plain, binding.group), protected)
    parts = (protected, b"", _encoded(nonce), _encoded(sealed[:-_TAG_BYTES]), _encoded(sealed[-_TAG_BYTES:]))
    return b".".join(parts).decode("ascii")


def open_token(token: str, binding: Binding, key: Key) -> bytes:
    """The JSON that was sealed at this place, with its padding (spaces at the end).

    Raises: SealBroken when the header does not name this very place and key, or when a single bit was changed.
    """
    try:
        parts = token.encode("ascii").split(b".")
        if len(parts) != _PARTS or parts[1] or parts[0] != _protected(binding, key):
            raise SealBroken
        protected, _, nonce, content, tag = parts
        return key.cipher.decrypt(_decoded(nonce), _decoded(content) + _decoded(tag), protected)
    except (InvalidTag, ValueError):
        raise SealBroken from None


def says_it_belongs_to(token: str, binding: Binding) -> bool:
    """Whether the header of a token names this place. Without the key that is a word only; opening proves it."""
    try:
        header = orjson.loads(_decoded(token.partition(".")[0].encode("ascii")))
        return {name: header[name] for name in ("place", "mark", "sub", "pty", "grp")} == _place(binding)
    except (ValueError, KeyError, TypeError):
        return False


def padded(plain: bytes, group: Group) -> bytes:
    """JSON with spaces at the end, so that its size tells little: powers of two from 256 bytes.

    `care` and `protection` have one size each, whatever they hold. Raises: TooLargeToHide when they do not fit.
    """
    size = ONE_SIZE.get(group)
    if size is None:
        size = max(SMALLEST, 1 << (len(plain) - 1).bit_length())
    elif len(plain) > size:
        raise TooLargeToHide(group)
    return plain.ljust(size)


def new_secret() -> bytes:
    """Fresh bytes for a key."""
    return os.urandom(KEY_BYTES)


def _protected(binding: Binding, key: Key) -> bytes:
    """The header in its one spelling: opening compares it whole, and so reads nothing that a stranger wrote."""
    return _encoded(orjson.dumps({"alg": "dir", "enc": "A256GCM", "kid": key.kid, **_place(binding)}))


def _place(binding: Binding) -> dict[str, str | None]:
    return {
        "place": binding.place,
        "mark": binding.mark,
        "sub": str(binding.subject),
        "pty": str(binding.party) if binding.party else None,
        "grp": binding.group,
    }


def _encoded(raw: bytes) -> bytes:
    return b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    """Base64url without padding, in its one spelling: spare bits that are not zero are refused too."""
    raw = a2b_base64(text.translate(_FROM_URL) + b"=" * (-len(text) % 4), strict_mode=True)
    odd = len(raw) % 3
    if odd and not text.endswith(_encoded(raw[-odd:])):
        raise NotBase64
    return raw
