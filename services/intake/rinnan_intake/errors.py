"""What intake may answer instead of doing: each a state of the world with a stable code, never a value."""

from __future__ import annotations

from rinnan_chassis.deciding import Refusal


class UnknownRegistration(Refusal):
    """There is no such registration, or it is none of the caller's: both read the same."""

    code = "intake.unknown_registration"
    status = 404


class UnknownTicket(Refusal):
    """There is no such joining ticket, or it is none of the caller's."""

    code = "intake.unknown_ticket"
    status = 404


class Closed(Refusal):
    """The registration is closed for this parent; the one text for every cause."""

    code = "intake.closed"


class WithTheCounty(Refusal):
    """The own part went to the county; a change is now a correction, told by phone."""

    code = "intake.with_the_county"


class SamePerson(Refusal):
    """The other parent as given is the caller."""

    code = "intake.same_person"
    status = 422


class NothingToDeliver(Refusal):
    """Nothing that both parents completed in time waits to be delivered after the ending."""

    code = "intake.nothing_to_deliver"


class StillToBeDelivered(Refusal):
    """What both parents completed in time was heard after the ending: it is delivered, and not only taken up."""

    code = "intake.still_to_be_delivered"


class FormIsGivenIn(Refusal):
    """The form is given in; it has to be taken back before it is changed."""

    code = "intake.form_is_given_in"


class ChangedElsewhere(Refusal):
    """The own part changed since it was read, on another device perhaps."""

    code = "intake.changed_elsewhere"
    status = 412


class TooManyTickets(Refusal):
    """This person asked for too many joining tickets within a day."""

    code = "intake.too_many_tickets"
    status = 429


class TooManyStarts(Refusal):
    """This person started too often within a day."""

    code = "intake.too_many_starts"
    status = 429


class UnknownCounty(Refusal):
    """No such county is served here."""

    code = "intake.unknown_county"
    status = 422


class ReopenedEnough(Refusal):
    """This parent took their form back as often as a registration allows; what was given in last stands."""

    code = "intake.reopened_enough"
    status = 409


class UnknownStep(Refusal):
    """The form has no such step."""

    code = "intake.unknown_step"
    status = 404


class IdentityCodeWrong(Refusal):
    """The identity code is not one: its form, date or check character is wrong."""

    code = "intake.identity_code_wrong"
    status = 422


class PersonNotNamed(Refusal):
    """A person needs an identity code, or else a name and a date of birth."""

    code = "intake.person_not_named"
    status = 422


class NotStronglyIdentified(Refusal):
    """The caller signed in, but not with strong identification."""

    code = "intake.not_strongly_identified"
    status = 403
