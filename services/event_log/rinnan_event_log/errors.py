"""How the log says no."""

from __future__ import annotations

from rinnan_chassis.deciding import Refusal


class UnknownRegistration(Refusal):
    """Nothing was ever heard of this registration, or it is another county's: one answer for both."""

    code = "event_log.unknown_registration"
    status = 404
