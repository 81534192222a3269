"""When consent says no. Every reason is the caller's own: nothing here tells of the other parent."""

from __future__ import annotations

from rinnan_chassis.deciding import Refusal


class Closed(Refusal):
    """The registration is over for this parent."""

    code = "consent.closed"
    status = 410


class DeadlinePassed(Refusal):
    """The one deadline of the registration has passed."""

    code = "consent.deadline_passed"
    status = 409


class WithTheCounty(Refusal):
    """Both are shown `with the county`; what was consented to stands, and can only be taken back."""

    code = "consent.with_the_county"
    status = 409


class GivenEnough(Refusal):
    """This parent gave consents as often as a registration allows; the last ones stand, and can be taken back."""

    code = "consent.given_enough"
    status = 409


class ChangedMeanwhile(Refusal):
    """The caller has not seen the newest version of their own consents."""

    code = "consent.changed_meanwhile"
    status = 412
