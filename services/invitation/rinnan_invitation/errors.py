"""When invitation says no. Nothing here, nor whether it is said, depends on the other parent."""

from __future__ import annotations

from rinnan_chassis.deciding import Refusal


class NotOpen(Refusal):
    """The registration takes no invitations now: it is not ready yet, its deadline has passed, or it is over."""

    code = "invitation.not_open"
    status = 409


class Closed(Refusal):
    """The registration is over for this parent."""

    code = "invitation.closed"
    status = 410


class AskedTooOften(Refusal):
    """This parent had an invitation sent again as often as a day allows."""

    code = "invitation.asked_too_often"
    status = 429


class AskedEnough(Refusal):
    """This parent had an invitation sent again as often as a registration allows."""

    code = "invitation.asked_enough"
    status = 409


class NoLiveCode(Refusal):
    """No such code, or one that is dead, expired, used up or tried too often. Nobody outside is ever told."""

    code = "invitation.no_live_code"
    status = 404


class NoWayToReach(Refusal):
    """A contact needs an e-mail address or a telephone number that can be real."""

    code = "invitation.no_way_to_reach"
    status = 422
