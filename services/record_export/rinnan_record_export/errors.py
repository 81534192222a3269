"""When record_export says no to a member of staff."""

from __future__ import annotations

from rinnan_chassis.deciding import Refusal


class UnknownDelivery(Refusal):
    """There is no such delivery in this county."""

    code = "record_export.unknown_delivery"
    status = 404


class NotInThatState(Refusal):
    """The delivery has moved on, or is not there yet."""

    code = "record_export.not_in_that_state"
    status = 409


class Recalled(Refusal):
    """The county's system has confirmed meanwhile: the package is to be taken back, not keyed in."""

    code = "record_export.recalled"
    status = 409


class NotAsSeen(Refusal):
    """More corrections have come than were seen, or somebody has taken them up."""

    code = "record_export.not_as_seen"
    status = 409


class SamePerson(Refusal):
    """Whoever keyed a package in does not verify it."""

    code = "record_export.same_person"
    status = 409
