"""When risk_screening says no. Every reason is the caller's own, and none depends on what was answered."""

from __future__ import annotations

from rinnan_chassis.deciding import Refusal


class Closed(Refusal):
    """The registration is over for this parent."""

    code = "risk_screening.closed"
    status = 410


class DeadlinePassed(Refusal):
    """The one deadline of the registration has passed."""

    code = "risk_screening.deadline_passed"
    status = 409


class WithTheCounty(Refusal):
    """Both are shown `with the county`; a change is told to the professional who makes contact."""

    code = "risk_screening.with_the_county"
    status = 409


class AnsweredEnough(Refusal):
    """This parent answered as often as a registration allows, whatever they answered; the last time stands."""

    code = "risk_screening.answered_enough"
    status = 409


class NotInThisLanguage(Refusal):
    """Nobody vouches for the questions in this language; another is never put in its place silently."""

    code = "risk_screening.not_in_this_language"
    status = 409


class AnswerOrDecline(Refusal):
    """Either the answers or the wish not to answer: exactly one of the two."""

    code = "risk_screening.answer_or_decline"
    status = 422
