"""When a host says no."""

from __future__ import annotations

from rinnan_chassis.deciding import Refusal


class NoSuchDocument(Refusal):
    """There is no such document here: never rendered, taken back, or forgotten."""

    code = "host.no_such_document"
    status = 404
