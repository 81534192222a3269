"""From what people say of a person to keyed hashes: found again, and telling nothing."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from rinnan_events.opened import Identity
from rinnan_intake.domain.state import Person
from rinnan_intake.errors import IdentityCodeWrong, PersonNotNamed
from rinnan_profiles import IdentityCode, NotAnIdentityCode, matching_text


@dataclass(frozen=True, slots=True)
class Persons:
    """Hashes persons with HMAC-SHA256 under the pepper, which is in no database."""

    pepper: bytes = field(repr=False)

    def hashed(self, identity: Identity) -> Person:
        """The person as hashes: of name and birth date, and of the identity code, where each is known.

        Raises: IdentityCodeWrong, PersonNotNamed.
        """
        code = read_code(identity.identity_code)
        born = identity.birth_date or (code.birth_date if code else None)
        named = identity.family_name and born
        if code is None and not named:
            raise PersonNotNamed
        name = (
            matching_text(identity.family_name, identity.given_names, born) if identity.family_name and born else None
        )
        return Person(
            name=self._hash("name", name) if name else None,
            code=self._hash("code", code.text) if code else None,
        )

    def _hash(self, kind: str, text: str) -> str:
        return hmac.digest(self.pepper, f"{kind}\x1e{text}".encode(), hashlib.sha256).hex()


def read_code(text: str | None, field: str = "identity_code") -> IdentityCode | None:
    """An identity code as it was given. Raises: IdentityCodeWrong."""
    if text is None:
        return None
    try:
        return IdentityCode.parse(text)
    except NotAnIdentityCode:
        raise IdentityCodeWrong(field) from None
