"""The W3C traceparent, carried through outbox and inbox so that one story has one trace."""

from __future__ import annotations

import re
import secrets

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")


def child_of(parent: str | None) -> str:
    """A traceparent in the same trace as `parent`, or in a new one where there is none that can be read."""
    match = _TRACEPARENT.match(parent or "")
    trace = match.group(1) if match else secrets.token_hex(16)
    return f"00-{trace}-{secrets.token_hex(8)}-01"
