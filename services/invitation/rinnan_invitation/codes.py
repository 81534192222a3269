"""One-time codes: how they look, how they are read from a person's hand, and what is kept of them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata

ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Thirty signs, none of which is taken for another: no I, L, O, U, 0 or 1."""

LENGTH = 10


def new_code() -> str:
    """A fresh code of 10 signs out of 30 that cannot be taken for one another: about 49 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def written(code: str) -> str:
    """A code as a letter shows it: two groups, easier to read aloud and to type."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def read(typed: str) -> str:
    """What a person typed, without spaces, hyphens and the difference of cases. It need not be a code at all."""
    plain = unicodedata.normalize("NFKC", typed).upper()
    return "".join(sign for sign in plain if sign.isalnum())


def key_of(typed: str, pepper: bytes) -> str:
    """All that is kept of a code, in hexadecimal: a keyed hash whose key is in no database."""
    return hmac.digest(pepper, read(typed).encode(), hashlib.sha256).hex()
